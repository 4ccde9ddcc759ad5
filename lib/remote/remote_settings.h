/*
 * lib/remote/remote_settings.h - how mail leaves for other servers: the settings of
 * remote-deliver, which `posthorn explain` goes by as well.
 */
#ifndef POSTHORN_LIB_REMOTE_REMOTE_SETTINGS_H
#define POSTHORN_LIB_REMOTE_REMOTE_SETTINGS_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/conf/sender_table.h"
#include "lib/conf/tls_table.h"
#include "lib/remote/direct.h"
#include "lib/smtp/proxy.h"

enum policy { POLICY_DNS, POLICY_DNS_THEN_RELAY, POLICY_RELAY };

struct signing_settings { /* [dkim] */
    bool sign;            /* what began here */
    bool seal;            /* what is sent on */
    bool keys_exist;      /* of some domain, when we were started */
    bool wait_for_key;    /* mail whose domain has no key is deferred, not sent unsigned */
    bool wait_for_keyd;   /* while keyd does not answer */
    int64_t timeout_ms;
    int64_t dns_timeout_ms; /* of all keys of a chain */
    const char *hostname;   /* who says what the chain was found to be */
};

struct remote_settings {
    const char *program;   /* that errors are told by */
    const char *hostname;  /* of this machine */
    const char *helo_name; /* what it calls itself in SMTP */
    enum policy policy;
    struct host_list relays;
    struct direct_table direct;
    bool direct_fallback; /* to the policy, when no server of a direct domain can be reached */
    uint16_t port;        /* of other servers */
    uint16_t own_port;    /* of our own one, to know ourselves by */
    bool use_ipv4, use_ipv6;
    bool keep_order; /* equal servers by their names, not by chance: for a look alone */
    unsigned max_addresses, workers, messages_per_connection;
    int64_t timeout_ms, dns_timeout_ms, idle_ms;
    struct smtp_sources sources;
    struct proxy proxy;
    struct smtp_client_options client;
    struct signing_settings signing;
    struct sender_table *senders; /* NULL: everybody is shown as they are */
    bool use_starttls, heed_dane, heed_sts;
    bool tell_outcomes; /* of TLS to stsd */
    struct tls_table *tls_table;
    struct tls_context *dane_tls;
    struct tls_context *authority_tls; /* certificates have to lead to remote.verify_ca */
};

/* `program` is borrowed. From the configuration, and the files that it names; exits with a message
 * on what the table alone cannot check. */
void remote_settings_load(struct remote_settings *settings, const char *program,
                          const struct conf *conf, const struct instance *inst);

#endif
