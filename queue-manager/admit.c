/*
 * queue-manager/admit.c - whether a message that has been read may become active now.
 *
 * One that waits lies in deferred/ without a record of its own: the envelope says until when it is
 * held, and a restart asks again.
 */
#include "queue-manager/admit.h"

#include "lib/base/clock.h"
#include "lib/log/log.h"
#include "lib/sys/stats.h"
#include "queue-manager/approval.h"
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
find_place(struct queue *q, struct message *m, int64_t not_before_ms)
{
    if (not_before_ms > 0)
        deferrals_add(q->deferrals, m->id, not_before_ms, DUE_DOMAIN_NONE);
    else if (!senders_park(q->senders, m->sender, m->id))
        deferrals_add(q->deferrals, m->id, clock_real_ms() + NO_PLACE_MS, DUE_DOMAIN_ALL);
}

/* 0: it is not for later. */
static int64_t
not_before_ms(const struct message *m)
{
    int64_t ms = queue_log_not_before(&m->log, m->envelope->hold_until_ms);

    return ms > clock_real_ms() ? ms : 0;
}

/* A crash came before the move. */
static int
back_on_hold(struct queue *q, const struct message *m, enum spool_state from)
{
    if (spool_move(&q->spool, m->id, from, SPOOL_HOLD, m->beside) < 0)
        return -1;
    if (queue_log_waits_for_approval(&m->log))
        approvals_note(q->approvals, m->log.approval.deadline_ms);
    return ADMIT_WAITS;
}

int
admit(struct queue *q, struct message *m, enum spool_state from)
{
    int64_t later_ms = not_before_ms(m);
    bool may;
    int rc = 0;

    if (m->log.held && m->log.hold_until_ms == 0)
        return back_on_hold(q, m, from);
    m->sender = senders_get(q->senders, m->envelope);
    may = later_ms == 0 && sender_may_start(m->sender, queue_room(q));
    if (may || from != SPOOL_DEFERRED)
        rc = spool_move(&q->spool, m->id, from, may ? SPOOL_ACTIVE : SPOOL_DEFERRED, m->beside);
    if (rc == 0 && from == SPOOL_NEW)
        tell_queued(q, m);
    if (rc == 0 && may)
        return ADMITTED;
    if (rc == 0)
        find_place(q, m, later_ms);
    rc = rc == 0 ? ADMIT_WAITS : -1;
    sender_release(q->senders, m->sender); /* if it has nothing here */
    return rc;
}
