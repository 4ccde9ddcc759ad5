/*
 * posthorn/explain.h - what would become of a message: the suite's decisions, step by step, with
 * nothing sent, queued or counted. For `explain`, and for `config try`, which asks this of two
 * configurations.
 *
 * The decisions are those that the daemons make, by the same functions (lib/smtp/reception,
 * lib/sys/admission, lib/remote) and by asking accountd, dnsd, stsd and keyd as they do.
 */
#ifndef POSTHORN_POSTHORN_EXPLAIN_H
#define POSTHORN_POSTHORN_EXPLAIN_H

#include "lib/conf/approval_rules.h"
#include "lib/conf/archive_conf.h"
#include "lib/conf/conf_cite.h"
#include "lib/conf/monitor_rules.h"
#include "lib/conf/odmr_table.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/client.h"
#include "lib/remote/remote_settings.h"
#include "lib/smtp/reception.h"
#include "posthorn/command.h"
#include "posthorn/explained.h"

/* What one configuration says. */
struct explain_rules {
    const struct conf *conf;
    const struct instance *inst;
    struct conf_citer *citer;
    struct reception_rules reception;
    struct networks allow[SMTP_PORTS], deny[SMTP_PORTS];
    struct approval_rules *approval;
    struct odmr_table *odmr; /* NULL: none */
    struct monitor_rules *monitoring;
    struct archive_conf archive;
    struct remote_settings *remote; /* once they are needed */
};

/* Borrows `conf` and `inst`; for the life of the process. Exits with a message on an error in a
 * list file, as the daemons do. 0, or CLI_FAILED after the message. */
int explain_rules_load(struct explain_rules *rules, const struct cli *cli, const struct conf *conf,
                       const struct instance *inst);

/* The servers that are asked. */
struct explain_servers {
    int run_dirfd;
    struct ipc_client *accountd, *dnsd, *stsd, *keyd;
};
/* 0, or CLI_FAILED after the message: accountd has to be there. explain_servers_close in any case.
 */
int explain_servers_open(struct explain_servers *servers, const struct cli *cli);
void explain_servers_close(struct explain_servers *servers);

struct explain_step {
    const char *step, *verdict; /* "relay", "refused": words that stay */
    struct slice detail;
    const struct conf_cite *cite; /* of the rules' citer; NULL: no line decides */
};

struct explain {
    const struct cli *cli; /* errors are told by it */
    const struct explained *mail;
    struct explain_rules *rules;
    const struct explain_servers *servers;
    void (*tell)(void *arg, const struct explain_step *step);
    void *arg;
    bool began_here; /* a user or a trusted host hands it in */
    bool is_taken;   /* smtpd takes it; the steps from here on are of its delivery */
};

/* Tells all steps. 0, or CLI_FAILED after the message. Without a recipient it ends where that would
 * be named. */
int explain_run(struct explain *x);

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
