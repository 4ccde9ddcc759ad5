/*
 * imapd/arrivals.h - FETCH responses of messages that came into the selected mailbox, with what the
 * client asked for ahead of time (RFC 5465 sections 5.2 and 7).
 */
#ifndef POSTHORN_IMAPD_ARRIVALS_H
#define POSTHORN_IMAPD_ARRIVALS_H

#include "imapd/fetch_args.h"
#include "imapd/session.h"

struct arrivals {
    struct session *s;
    uint32_t first, last; /* sequence numbers; empty if first > last */
    bool *sent;           /* NULL: none */
};

struct arrivals arrivals_begin(struct session *s, uint32_t first, uint32_t last);
/* Sends what `args` asks for, which NOTIFY's items have been added to. Not of messages that this
 * session brought itself. */
void arrivals_send(struct arrivals *a, uint32_t seq, const struct fetch_args *args);
/* Sends what NOTIFY asks for of those that were not sent. */
void arrivals_end(struct arrivals *a);

#endif
