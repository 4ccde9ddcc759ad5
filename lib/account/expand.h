/*
 * lib/account/expand.h - where mail for an address goes in the end: mailboxes, remote addresses,
 * or a reason why not.
 *
 * Follows aliases, groups within groups, forwarding and the policy for unknown mailboxes. Each
 * mailbox and remote address comes once per source. Forwarding in a circle ends in the mailbox that
 * the circle comes back to: nothing is lost and nothing goes round. An address that leads nowhere
 * gives a failure, never silence. Mail from outside that goes outside again gets a sender of ours
 * (lib/mail/srs.h), and bounces to such senders go on to the real ones.
 */
#ifndef POSTHORN_LIB_ACCOUNT_EXPAND_H
#define POSTHORN_LIB_ACCOUNT_EXPAND_H

#include "lib/account/account.h"
#include "lib/ipc/accountd.h"

#define EXPAND_DEPTH_MAX 100 /* aliases, groups and forwards on one way */

struct expansion;

struct expansion *expansion_new(struct account_base *base, int64_t now_ms);
void expansion_free(struct expansion **expansionp);
/* Adds what an address leads to under the index `source`. */
void expansion_add(struct expansion *expansion, uint16_t source,
                   const struct accountd_recipient *recipient);
/* All results; borrowed until the next add or free. */
struct accountd_target *expansion_targets(struct expansion *expansion, uint32_t *count);

#endif
