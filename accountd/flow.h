/*
 * accountd/flow.h - what users have sent in this hour and today, counted against their limits.
 *
 * In memory, because each message counts, and in the account base every few seconds and at the end:
 * a restart goes on with it, a crash forgets some seconds. Only users with a limit are counted.
 */
#ifndef POSTHORN_ACCOUNTD_FLOW_H
#define POSTHORN_ACCOUNTD_FLOW_H

#include "accountd/server.h"

/* Reads what was written; what is of another day goes. */
struct flow *flow_new(struct server *server);
/* Around a rename: what is counted becomes rows now, and is read again. */
void flow_settle(struct flow *flow);
void flow_reload(struct flow *flow);
void flow_free(struct flow **flowp);
/* How much more `user` (FOUND, or else nothing holds) may send. False: as much as he likes; flow
 * NULL: likewise. */
bool flow_allowances_of(struct flow *flow, const struct account_hit *user, bool remote,
                        struct flow_allowances *out);
/* Counts a message, unless that is too much: then *limit is what it exceeds. -1: there is no room
 * to remember it. */
int flow_spend(struct flow *flow, const struct account_hit *user,
               const struct flow_message *message, const char **limit);
/* Takes back what flow_spend has just counted. */
void flow_unspend(struct flow *flow, const struct account_hit *user,
                  const struct flow_message *message);

#endif
