/*
 * queue-manager/copies.h - who reads along: monitoring copies (MON-01 to 04) and the archive
 * (MON-08, MON-09).
 *
 * What is decided here are further targets of the message itself. They have no recipient in the
 * envelope: their source is rcpt_count or more, and message_source() knows them. They are
 * journalled and tried again like any other, the sender never hears of them, and what cannot be
 * delivered is told to the postmaster or to the monitored mailbox.
 */
#ifndef POSTHORN_QUEUE_MANAGER_COPIES_H
#define POSTHORN_QUEUE_MANAGER_COPIES_H

#include "lib/conf/monitor_rules.h"
#include "queue-manager/queue.h"

/* What decides, besides the message. */
struct copies_policy {
    const struct monitor_rules *rules; /* NULL: none */
    const struct archive_conf *archive;
};

/* One copy: to whom, and what made it. */
struct copy {
    struct slice address;            /* as in the rule: a mailbox, alias, ... or remote address */
    struct slice monitored;          /* whose mail it is; borrows from envelope or targets */
    const struct monitor_rule *rule; /* its name and line say what decided; NULL: archive.classes */
};

struct copies_decision {
    struct copy *copies; /* each address once */
    uint32_t count;
    unsigned classes; /* enum archive_class: of those that are archived, what this message is */
};

/* What of `targets` (resolved, none left out yet) is copied to whom. `is_local`: the sender is a
 * user of ours, or a host that may send like one. Depends on nothing else and changes nothing. */
void copies_decide(const struct copies_policy *policy, const struct queue_envelope *envelope,
                   bool is_local, const struct target *targets, uint32_t count,
                   struct copies_decision *out);
void copies_decision_clear(struct copies_decision *decision);

/* Decides for a message whose envelope's recipients are all resolved, once in a round. True: it has
 * copies now, whose addresses have still to be resolved. */
bool copies_find(const struct queue *q, struct message *m);

#define COPIES_ARCHIVE "(archive)" /* in place of an address, also in the message's log */
/* Adds the archive's target, where one was decided, behind all others. */
void copies_add_archive(struct message *m);

#endif
