/*
 * queue-manager/system_sender.h - whose address our own mail to a user comes from: that of the
 * user's domain (property system_sender), or the postmaster's.
 *
 * accountd is asked for all of them at the start and every ten seconds from then on; it answers
 * in full when the account base has changed. What was known last counts while it is away.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SYSTEM_SENDER_H
#define POSTHORN_QUEUE_MANAGER_SYSTEM_SENDER_H

#include "queue-manager/queue.h"

struct system_senders;

struct system_senders *system_senders_new(struct loop *loop, int run_dirfd);
void system_senders_free(struct system_senders **sp);
/* Of the domain of `to`, borrowed until the loop's next turn; empty: it has none of its own. */
struct slice system_senders_find(const struct system_senders *s, struct slice to);

#endif
