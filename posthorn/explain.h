/*
 * posthorn/explain.h - what would become of a message: the suite's decisions, step by step, with
 * nothing sent, queued or counted.
 *
 * The decisions are those that the daemons make, by the same functions (lib/smtp/reception,
 * lib/sys/admission, lib/remote) and by asking accountd, dnsd, stsd and keyd as they do.
 */
#ifndef POSTHORN_POSTHORN_EXPLAIN_H
#define POSTHORN_POSTHORN_EXPLAIN_H

#include "lib/conf/conf_cite.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/remote/remote_settings.h"
#include "posthorn/command.h"

struct explained { /* the message that is not there */
    struct slice from, to, client_ip, user;
    uint64_t size;      /* octets, 0: not told */
    bool is_submission; /* port 587, not 25 */
};

struct explain {
    struct cli *cli;
    const struct explained *mail;
    const struct conf *conf;
    struct conf_citer *citer;
    int run_dirfd;
    struct ipc_client *accountd;
    bool began_here;                /* a user or a trusted host hands it in */
    bool any;                       /* a step was told */
    struct remote_settings *remote; /* once they are needed; for the life of the process */
};

/* Tells one step. `setting` CONF_NO_SETTING: none decides; else with the line of its list file, or
 * 0. */
__attribute__((format(printf, 6, 7))) void explain_say(struct explain *x, const char *step,
                                                       const char *verdict, enum conf_id setting,
                                                       unsigned line, const char *format, ...);

/* The same for a line of a file that no setting names (lib/conf/conf_cite.h). */
void explain_say_rule(struct explain *x, const char *step, const char *verdict, const char *file,
                      unsigned line, struct slice detail);

/* Would smtpd take it? Tells the steps up to the first refusal. */
bool explain_reception(struct explain *x);

/* Where it would go, copies included. An exit code. */
int explain_delivery(struct explain *x);
/* How it leaves for one remote address, with what TLS and signature. */
void explain_way(struct explain *x, struct slice address, struct slice sender);

#endif
