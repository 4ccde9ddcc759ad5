/*
 * lib/conf/copy_rules.h - who gets copies of a message: by monitoring.rules (MON-01 to 04) and
 * [archive] (MON-08, MON-09). A decision on what is known of the message; asks nobody and changes
 * nothing.
 */
#ifndef POSTHORN_LIB_CONF_COPY_RULES_H
#define POSTHORN_LIB_CONF_COPY_RULES_H

#include "lib/conf/archive_conf.h"
#include "lib/conf/monitor_rules.h"

struct copy_mail {
    struct slice user;   /* who handed it in, or empty */
    struct slice sender; /* reverse path */
    bool is_local;       /* the sender is a user of ours, or a host that may send like one */
};

/* Where it goes, aliases, groups and forwards resolved. */
struct copy_target {
    enum { COPY_TO_MAILBOX, COPY_TO_NOBODY, COPY_TO_REMOTE, COPY_TO_FAILURE, COPY_TO_OTHER } kind;
    struct slice address;
    struct slice via;   /* "forward", ...: lib/ipc/accountd.h */
    struct slice named; /* the recipient that led there */
};

/* What decides, besides the message. */
struct copy_rules {
    const struct monitor_rules *rules; /* NULL: none */
    const struct archive_conf *archive;
};

/* One copy: to whom, and what made it. */
struct copy {
    struct slice address;            /* as in the rule: a mailbox, alias, ... or remote address */
    struct slice monitored;          /* whose mail it is; borrows from envelope or targets */
    const struct monitor_rule *rule; /* its name and line say what decided; NULL: archive.classes */
};

struct copy_decision {
    struct copy *copies; /* each address once */
    uint32_t count;
    unsigned classes; /* enum archive_class: of those that are archived, what this message is */
};

/* What of `targets` (none left out yet) is copied to whom. copy_rules_clear afterwards. */
void copy_rules_decide(const struct copy_rules *policy, const struct copy_mail *mail_of,
                       const struct copy_target *targets, uint32_t count,
                       struct copy_decision *out);
void copy_rules_clear(struct copy_decision *decision);

#endif
