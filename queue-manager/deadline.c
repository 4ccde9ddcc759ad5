/*
 * queue-manager/deadline.c - until when a message is worth an attempt.
 */
#include "queue-manager/deadline.h"

#include "queue-manager/deferral.h"
#include "queue-manager/message.h"

static bool
is_over(const struct message *m, uint8_t mode, int64_t now_ms)
{
    const struct queue_envelope *e = m->envelope;

    return e->by_mode == mode && e->deliver_by_ms != 0 && now_ms >= e->deliver_by_ms;
}

bool
deadline_stops(const struct message *m, int64_t now_ms)
{
    return is_over(m, QUEUE_BY_RETURN, now_ms);
}

bool
deadline_to_be_told(const struct message *m, int64_t now_ms)
{
    return is_over(m, QUEUE_BY_NOTIFY, now_ms) && m->log.notice_ms < m->envelope->deliver_by_ms;
}

int64_t
deadline_born_ms(const struct message *m)
{
    const struct queue_envelope *e = m->envelope;
    int64_t born = e->hold_until_ms > e->received_ms ? e->hold_until_ms : e->received_ms;

    return m->log.approval.decided_ms > born ? m->log.approval.decided_ms : born;
}

void
deadline_expire(const struct queue *q, struct message *m, int64_t now_ms)
{
    bool stops = deadline_stops(m, now_ms);

    if (!stops && now_ms - deadline_born_ms(m) < q->settings.lifetime_ms)
        return;
    for (uint32_t i = 0; i < m->target_count; i++) {
        struct target *t = &m->targets[i];

        if (t->state != TARGET_DEFERRED || t->kind == TARGET_ARCHIVE)
            continue; /* an archive with a hole is none */
        t->state = TARGET_BOUNCED;
        t->expired = !stops;
        if (stops) /* RFC 2852 section 4.1.3 */
            message_set_outcome(m, t, TARGET_BOUNCED, SLICE("5.4.7"),
                                SLICE("delivery time expired (DELIVERBY)"), SLICE(""));
    }
}

int64_t
deadline_next_ms(const struct queue *q, const struct message *m, int64_t now_ms)
{
    int64_t next_ms = deferral_next_ms(&q->settings, m->round + 1, now_ms, deadline_born_ms(m));
    int64_t by_ms = m->envelope->deliver_by_ms;

    return m->envelope->by_mode != QUEUE_BY_NONE && by_ms > now_ms && by_ms < next_ms ? by_ms
                                                                                      : next_ms;
}
