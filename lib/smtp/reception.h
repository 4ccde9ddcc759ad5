/*
 * lib/smtp/reception.h - what our SMTP server takes from whom: the decisions that follow from the
 * settings, the client and the addresses alone, for smtpd and for `posthorn explain`. What accountd
 * says about an address comes in as its verdict; nothing is asked, counted or changed here.
 */
#ifndef POSTHORN_LIB_SMTP_RECEPTION_H
#define POSTHORN_LIB_SMTP_RECEPTION_H

#include "lib/conf/instance.h"
#include "lib/conf/networks.h"
#include "lib/ipc/accountd.h"
#include "lib/smtp/smtp_refusal.h"

struct map;

struct reception_rules {
    bool close_relay, from_must_match_auth, from_must_be_local, local_sender_must_auth;
    bool sender_rule_skip_good_ip;
    uint64_t max_message_size, max_incoming_size, max_outgoing_size; /* octets; 0: no limit */
    uint64_t max_recipients;                                         /* of one transaction */
    struct networks trusted_hosts, good_ips;
    struct map *open_domains; /* in lower case, struct reception_relay; NULL: none */
};

/* From the configuration, and the list files that it names; exits with a message, told as
 * `program`'s, on an error in one of these. For the life of the process. */
void reception_load(struct reception_rules *rules, const char *program, const struct conf *conf,
                    const struct instance *inst);

struct reception_client {
    struct slice ip;
    struct slice user;  /* authenticated, or empty */
    bool is_trusted;    /* smtp.hosts_no_auth */
    bool is_submission; /* port 587 or 465 */
    bool is_lmtp;       /* never relayed, whoever asks */
};
bool reception_trusts(const struct reception_rules *rules, struct slice ip);

/* The largest message that the client may send, in octets; 0: no limit. And the refusal of a larger
 * one. */
uint64_t reception_size_limit(const struct reception_rules *rules,
                              const struct reception_client *client);
const struct refusal *reception_size_refusal(const struct reception_rules *rules,
                                             const struct reception_client *client);

/* May it send to a domain of others, and what says so? */
struct reception_relay {
    bool allowed;
    enum conf_id setting; /* CONF_NO_SETTING: it is authenticated */
    unsigned line;        /* of the setting's list file, or 0 */
};
struct reception_relay reception_relay(const struct reception_rules *rules,
                                       const struct reception_client *client, struct slice domain);
const struct refusal *reception_relay_refusal(const struct reception_client *client);

/* What an envelope sender has to be. */
enum reception_sender {
    RECEPTION_ANYBODY,  /* nobody needs to be asked */
    RECEPTION_STRANGER, /* no address of ours */
    RECEPTION_OF_OURS,
    RECEPTION_OF_USER
};
enum reception_sender reception_sender(const struct reception_rules *rules,
                                       const struct reception_client *client, struct slice sender);
enum conf_id reception_sender_setting(enum reception_sender has_to_be);
/* With what accountd says (SENDER; of RECEPTION_OF_USER asked with the user, else without). NULL:
 * it may be used; `answered` is accountd's own refusal. */
const struct refusal *reception_sender_judge(enum reception_sender has_to_be,
                                             enum accountd_verdict verdict,
                                             const struct refusal *answered);

#endif
