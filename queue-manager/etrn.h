/*
 * queue-manager/etrn.h - requests, from outside, to try what waits for a domain (ETRN, RFC 1985).
 */
#ifndef POSTHORN_QUEUE_MANAGER_ETRN_H
#define POSTHORN_QUEUE_MANAGER_ETRN_H

#include "queue-manager/queue.h"

#define ETRN_PAUSE_MS 10000 /* between two runs for one domain */
#define ETRN_DOMAINS_MAX 64 /* remembered for so long: while it is full, no other runs */

struct etrn {
    struct {
        uint64_t domain;  /* due_domain() */
        int64_t until_ms; /* monotonic; over: the place is free */
    } recent[ETRN_DOMAINS_MAX];
};

/* What is deferred for `domain` is due now, and its next hop counts as alive. Too soon after the
 * last time nothing happens: the attempts of then are under way or have just failed. `now_ms` is
 * monotonic. */
void etrn_run(struct queue *q, struct etrn *etrn, struct slice domain, int64_t now_ms);

#endif
