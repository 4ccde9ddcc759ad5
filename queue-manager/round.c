/*
 * queue-manager/round.c - the end of a round of attempts.
 *
 * The order is what recovery rests on: notices are durable before the log says that a recipient is
 * finished, the log is durable before the message moves, and the file goes last. When the disk is
 * full the message stays in active/ and in memory as it is, and the end of its round is tried
 * again.
 */
#include "queue-manager/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/stats.h"
#include "queue-manager/approval.h"
#include "queue-manager/approval_request.h"
#include "queue-manager/deadline.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/notice.h"
#include "queue-manager/sent.h"

#define SLOW_PER_TURN 32 /* ends that wait for the disk, before the loop looks at its sockets */
#define OVERFLOW_WAIT_MS 60000
#define SOON_WAIT_MS INT64_C(500) /* doubles with each round */

struct rounds {
    struct queue *queue;
    struct message_list ended;
    struct message_list stuck;  /* until the timer */
    struct message_list asking; /* whose requests are being written: of the first one, in steps */
    struct message_list to_log;
    struct loop_timer *timer;
    struct loop_timer *next_turn;
    bool timer_set;
};

struct tally {
    uint32_t delivered, deferred, bounced;
};

static void
list_add(struct message_list *list, struct message *m)
{
    m->finish_link = NULL;
    *list->last = m;
    list->last = &m->finish_link;
}

static struct message *
list_take(struct message_list *list)
{
    struct message *m = list->first;

    if (m == NULL)
        return NULL;
    list->first = m->finish_link;
    if (list->first == NULL)
        list->last = &list->first;
    return m;
}

static void
try_stuck(void *arg)
{
    struct rounds *r = arg;
    struct message *m;

    r->timer_set = false;
    while ((m = list_take(&r->stuck)) != NULL)
        list_add(&r->ended, m);
    queue_wake(r->queue);
}

static void
wake(void *arg)
{
    queue_wake(arg);
}

struct rounds *
rounds_new(struct queue *q)
{
    struct rounds *r = xcalloc(1, sizeof(*r));

    r->queue = q;
    message_list_init(&r->ended);
    message_list_init(&r->stuck);
    message_list_init(&r->asking);
    message_list_init(&r->to_log);
    r->timer = loop_timer_new(q->loop, try_stuck, r);
    r->next_turn = loop_timer_new(q->loop, wake, q);
    return r;
}

void
rounds_free(struct rounds **rp)
{
    if (*rp == NULL)
        return;
    loop_timer_free(&(*rp)->timer);
    loop_timer_free(&(*rp)->next_turn);
    xfree(rp);
}

void
rounds_end(struct rounds *r, struct message *m)
{
    if (m->finishing)
        return;
    m->finishing = true;
    list_add(&r->ended, m);
    queue_wake(r->queue);
}

void
rounds_log(struct rounds *r, struct message *m)
{
    if (m->log_wanted)
        return;
    m->log_wanted = true;
    m->log_link = NULL;
    *r->to_log.last = m;
    r->to_log.last = &m->log_link;
}

static void
log_all(struct rounds *r)
{
    struct message *m = r->to_log.first;

    message_list_init(&r->to_log);
    for (struct message *next; m != NULL; m = next) {
        next = m->log_link;
        m->log_wanted = false;
        if (!m->finishing && message_log_finished(r->queue, m) < 0)
            log_event(LOG_WARN, "log_failed", KV_STR("queue_id", m->id), KV_ERRNO());
    }
}

static struct tally
count(const struct message *m)
{
    struct tally n = {0};

    for (uint32_t i = 0; i < m->target_count; i++) {
        n.delivered += m->targets[i].state == TARGET_DELIVERED;
        n.deferred += m->targets[i].state == TARGET_DEFERRED;
        n.bounced += m->targets[i].state == TARGET_BOUNCED;
    }
    return n;
}

static void
add_target_record(struct strbuf *records, const struct message *m, const struct target *t,
                  int64_t now_ms, bool brief)
{
    bool done = t->state != TARGET_DEFERRED;
    struct queue_log_entry e = {.kind = done ? QUEUE_LOG_DONE : QUEUE_LOG_WAIT,
                                .time_ms = now_ms,
                                .address = t->address,
                                .outcome =
                                    t->state == TARGET_BOUNCED ? QUEUE_BOUNCED : QUEUE_DELIVERED,
                                .dsn = t->dsn};
    const struct queue_log_entry *before = done ? NULL : queue_log_find(&m->log, t->address);

    if (t->logged || (brief && !done))
        return;
    if (!brief) {
        e.text = t->text;
        e.remote = t->remote;
    }
    if (before != NULL && slice_eq(before->text, e.text) && slice_eq(before->dsn, e.dsn) &&
        slice_eq(before->remote, e.remote))
        return; /* the same reason as the last time */
    queue_log_encode(records, &e);
}

/* Attempts that never were one do not make the next wait longer. */
static uint32_t
round_number(const struct message *m)
{
    return m->overflow && m->round > 0 ? m->round : m->round + 1;
}

static void
encode_round(struct strbuf *records, const struct message *m, int64_t now_ms, int64_t next_ms,
             bool brief)
{
    strbuf_clear(records);
    for (uint32_t i = 0; i < m->target_count; i++)
        add_target_record(records, m, &m->targets[i], now_ms, brief);
    queue_log_encode(records, &(struct queue_log_entry){.kind = QUEUE_LOG_ROUND,
                                                        .time_ms = now_ms,
                                                        .round = round_number(m),
                                                        .next_ms = next_ms});
    if (m->fate == MESSAGE_HOLD)
        queue_log_encode(records, &(struct queue_log_entry){.kind = QUEUE_LOG_HOLD,
                                                            .time_ms = now_ms,
                                                            .text = slice_of(m->reason)});
    if (m->asking != NULL)
        approval_encode(records, m, now_ms);
    if (m->log.notice_ms != 0 && !m->notice_logged)
        queue_log_encode(records, &(struct queue_log_entry){.kind = QUEUE_LOG_NOTICE,
                                                            .time_ms = m->log.notice_ms});
}

/* One append for the whole round. It must be durable when recipients are finished: a message in
 * deferred/ is not in doubt. A log that grows too long does without reasons: who is finished counts
 * (200,000 such records fit). */
static int
log_round(struct queue *q, struct message *m, int64_t now_ms, int64_t next_ms)
{
    struct strbuf records = strbuf_new(QUEUE_LOG_MAX);
    struct tally n = count(m);
    int rc = -1;

    encode_round(&records, m, now_ms, next_ms, false);
    if (records.overflow || records.len + m->log_length > QUEUE_LOG_MAX / 2)
        encode_round(&records, m, now_ms, next_ms, true);
    errno = EFBIG;
    if (!records.overflow)
        rc = queue_log_append(q->spool.fds[SPOOL_ACTIVE], m->id, &m->log_length,
                              strbuf_slice(&records),
                              n.delivered + n.bounced > 0 || m->asking != NULL);
    strbuf_free(&records);
    if (rc == 0)
        m->beside |= SPOOL_LOG;
    else if (errno == ENOENT)
        m->log_length = 0; /* somebody has removed it: the next try begins it again */
    return rc;
}

/* Why there is another attempt, or none. */
static enum conf_id
setting_of(const struct target *t)
{
    if (t->state == TARGET_DEFERRED)
        return QUEUE_RETRY_INTERVAL;
    return t->expired ? QUEUE_LIFETIME : CONF_NO_SETTING;
}

static void
tell_outcome(struct queue *q, struct message *m)
{
    struct tally n = count(m);

    if (m->outcome_told)
        return; /* the end of this round was stuck on the way */
    m->outcome_told = true;
    sent_note(q->sent, m);
    stats_add(q->counters.delivered, n.delivered);
    stats_add(q->counters.deferred, n.deferred);
    stats_add(q->counters.bounced, n.bounced);
    stats_add(q->counters.messages_bounced, n.bounced > 0);
    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];

        if (t->state == TARGET_BOUNCED || t->state == TARGET_DEFERRED)
            log_event(LOG_INFO, t->state == TARGET_BOUNCED ? "bounced" : "deferred",
                      KV_STR("queue_id", m->id), KV_SLICE("rcpt", t->address),
                      KV_SLICE("dsn", t->dsn), KV_SLICE("reason", t->text),
                      KV_SLICE("remote", t->remote), KV_U64("attempt", m->round + 1),
                      KV_STR("why", t->expired ? "lifetime" : ""),
                      KV_STR("setting", conf_decider(setting_of(t))));
    }
}

static int
remove_message(struct queue *q, struct message *m, const char *reason)
{
    struct tally n = count(m);
    int cut_fd = -1;

    if (spool_remove(&q->spool, SPOOL_ACTIVE, m->id, m->beside, m->linked ? &cut_fd : NULL) < 0)
        return -1;
    trim_add(q->trim, cut_fd, m->envelope->content_size);
    log_event(LOG_INFO, "removed", KV_STR("queue_id", m->id), KV_STR("reason", reason),
              KV_U64("delivered", n.delivered), KV_U64("bounced", n.bounced));
    return 0;
}

static uint64_t
domains(const struct message *m)
{
    uint64_t waiting = DUE_DOMAIN_NONE;

    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].state == TARGET_DEFERRED)
            waiting = due_domain_join(waiting, due_domain(m->targets[i].address));
    return waiting;
}

/* The next attempt finds the mailbox where it is now; one that cannot be made is tried ever less.
 */
static int64_t
soon_next_ms(const struct message *m, int64_t now_ms, int64_t next_ms)
{
    int64_t soon_ms = now_ms + (SOON_WAIT_MS << (m->round < 10 ? m->round : 10));

    return soon_ms < next_ms ? soon_ms : next_ms;
}

/* Nobody else's server is asked too often. */
static bool
only_the_archive_waits(const struct message *m)
{
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].state == TARGET_DEFERRED && m->targets[i].kind != TARGET_ARCHIVE)
            return false;
    return true;
}

static int
set_down(struct queue *q, struct message *m, int64_t now_ms)
{
    enum spool_state to = m->fate == MESSAGE_HOLD ? SPOOL_HOLD : SPOOL_DEFERRED;
    int64_t next_ms = deadline_next_ms(q, m, now_ms);

    if (m->overflow)
        next_ms = now_ms + OVERFLOW_WAIT_MS;
    else if (m->soon || only_the_archive_waits(m))
        next_ms = soon_next_ms(m, now_ms, next_ms);
    if (!m->round_logged && log_round(q, m, now_ms, next_ms) < 0)
        return -1;
    m->round_logged = true; /* if the move fails it alone is tried again */
    if (spool_move(&q->spool, m->id, SPOOL_ACTIVE, to, m->beside) < 0) {
        if (errno != ENOENT)
            return -1;
        log_event(LOG_ERROR, "vanished", KV_STR("queue_id", m->id));
        return 0;
    }
    if (to == SPOOL_DEFERRED)
        deferrals_add(q->deferrals, m->id, next_ms, domains(m));
    else
        log_event(LOG_INFO, "held", KV_STR("queue_id", m->id), KV_STR("reason", m->reason),
                  KV_STR("setting", m->asking != NULL ? conf_decider(QUEUE_APPROVAL_RULES) : ""),
                  KV_U64("line", m->asking != NULL ? m->asking->line : 0));
    if (m->asking != NULL)
        approvals_note(q->approvals, m->asking_until_ms);
    return 0;
}

static bool
all_delivered(const struct message *m)
{
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].state != TARGET_DELIVERED)
            return false;
    return true;
}

/* 0: the message is out of memory's concern. -1 with errno: as before. */
static int
end_round(struct queue *q, struct message *m)
{
    int64_t now_ms = clock_real_ms();

    if (m->fate == MESSAGE_DELETE)
        return remove_message(q, m, m->reason);
    if (m->fate == MESSAGE_GO_ON && !m->judged)
        deadline_expire(q, m, now_ms);
    m->judged = true; /* notices that were sent hold: nothing changes until the end of the round */
    if (m->asking != NULL ? approval_requests_send(q, m) < 0 : notices_send(q, m) < 0)
        return -1;
    tell_outcome(q, m);
    if (m->fate == MESSAGE_GO_ON && count(m).deferred == 0)
        return remove_message(q, m, all_delivered(m) ? "delivered" : "finished");
    return set_down(q, m, now_ms);
}

static void
get_stuck(struct rounds *r, struct message *m)
{
    if (!m->stuck_told)
        log_event(LOG_WARN, "stuck", KV_STR("queue_id", m->id), KV_ERRNO(),
                  KV_STR("hint", "queue directory not writable now; tried again"));
    m->stuck_told = true;
    list_add(&r->stuck, m);
    if (!r->timer_set)
        loop_timer_set(r->timer, r->queue->settings.trouble_ms);
    r->timer_set = true;
}

static void
finish(struct rounds *r, struct message *m)
{
    if (end_round(r->queue, m) < 0)
        get_stuck(r, m);
    else
        message_free(r->queue, &m);
}

/* A step for the message that is first in line. */
static void
ask_approvers(struct rounds *r)
{
    struct message *m = r->asking.first;
    int rc = m == NULL ? 1 : m->fate == MESSAGE_DELETE ? 0 : approval_requests_write(r->queue, m);

    if (rc > 0)
        return;
    (void)list_take(&r->asking);
    if (rc < 0)
        get_stuck(r, m);
    else
        finish(r, m);
}

void
rounds_turn(struct rounds *r)
{
    struct queue *q = r->queue;
    struct message *m;
    unsigned slow = 0;

    log_all(r);
    ask_approvers(r);
    while (slow < SLOW_PER_TURN && (m = list_take(&r->ended)) != NULL) {
        if (m->asking != NULL && m->fate != MESSAGE_DELETE) {
            list_add(&r->asking, m);
            continue;
        }
        slow += !all_delivered(m);
        finish(r, m);
    }
    sent_write(q->sent);
    if (r->ended.first != NULL || r->asking.first != NULL)
        loop_timer_set(r->next_turn, 0);
    intake_resume(q->intake);
}
