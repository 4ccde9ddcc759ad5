/*
 * queue-manager/admit.c - whether a message that has been read may become active now.
 *
 * One that waits lies in deferred/ without a record of its own: the envelope says until when it is
 * held, and a restart asks again.
 */
#include "queue-manager/admit.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/sys/stats.h"
#include "queue-manager/deferral.h"
#include "queue-manager/sender.h"

#define NO_PLACE_MS 60000 /* when even the list of those that wait is full */

static void
tell_queued(struct queue *q, const struct message *m)
{
    const struct queue_envelope *e = m->envelope;

    stats_add(q->counters.received, 1);
    log_event(LOG_INFO, "queued", KV_STR("queue_id", m->id), KV_SLICE("from", e->sender),
              KV_U64("size", e->content_size), KV_U64("nrcpt", e->rcpt_count),
              KV_STR("in_doubt", m->in_doubt ? "yes" : "no"));
}

static void
find_place(struct queue *q, struct message *m)
{
    if (!senders_park(q->senders, m->sender, m->id))
        deferrals_add(q->deferrals, m->id, clock_real_ms() + NO_PLACE_MS, DUE_DOMAIN_ALL);
}

int
admit(struct queue *q, struct message *m, enum spool_state from)
{
    enum spool_state to = SPOOL_ACTIVE;
    bool may;
    int rc = 0;

    m->sender = senders_get(q->senders, m->envelope);
    may = sender_may_start(m->sender, queue_room(q));
    if (!may)
        to = SPOOL_DEFERRED;
    if (to != from)
        rc = spool_move(&q->spool, m->id, from, to, m->beside);
    if (rc < 0) {
        int saved = errno;

        sender_release(q->senders, m->sender);
        errno = saved;
        return -1;
    }
    if (from == SPOOL_NEW)
        tell_queued(q, m);
    if (may)
        return ADMITTED;
    find_place(q, m);
    return ADMIT_WAITS;
}
