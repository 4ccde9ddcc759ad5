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

#include "lib/conf/copy_rules.h"
#include "queue-manager/queue.h"

/* copy_rules_decide for the targets of a message (resolved, none left out yet). */
void copies_decide(const struct copy_rules *policy, const struct queue_envelope *envelope,
                   bool is_local, const struct target *targets, uint32_t count,
                   struct copy_decision *out);

/* Decides for a message whose envelope's recipients are all resolved, once in a round. True: it has
 * copies now, whose addresses have still to be resolved. */
bool copies_find(const struct queue *q, struct message *m);

#define COPIES_ARCHIVE "(archive)" /* in place of an address, also in the message's log */
/* Adds the archive's target, where one was decided, behind all others. */
void copies_add_archive(struct message *m);

#endif
