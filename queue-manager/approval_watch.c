/*
 * queue-manager/approval_watch.c - passes over hold/: messages whose time for approval is over, and
 * those that a crash left there behind their last decision.
 *
 * Nothing is kept in memory but the time of the next pass, so it does not matter how many messages
 * wait. A pass reads some logs at each turn of the loop; the next one comes with the next deadline.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/approval.h"

#define LOGS_PER_TURN 100
#define PAUSE_MIN_MS 200
#define PAUSE_MAX_MS 86400000

struct approvals {
    struct queue *queue;
    struct spool_scan scan;
    struct loop_timer *timer;
    bool scanning;
    int64_t next_ms; /* of the next pass, real time; INT64_MAX: nothing waits */
    uint64_t seen;   /* in this pass */
};

static void
set_timer(struct approvals *a)
{
    int64_t now_ms = clock_real_ms();
    int64_t wait_ms = a->next_ms > now_ms ? a->next_ms - now_ms : 0;
    int64_t least_ms = PAUSE_MIN_MS + (int64_t)a->seen; /* very many make passes rare */

    if (a->scanning)
        return;
    if (wait_ms < least_ms)
        wait_ms = least_ms;
    loop_timer_set(a->timer, wait_ms < PAUSE_MAX_MS ? wait_ms : PAUSE_MAX_MS);
}

void
approvals_note(struct approvals *a, int64_t deadline_ms)
{
    if (deadline_ms >= a->next_ms)
        return;
    a->next_ms = deadline_ms;
    set_timer(a);
}

static void
look_at(struct approvals *a, const char *id)
{
    struct queue *q = a->queue;
    struct queue_log log;
    int rc = 0;

    if (!q->tidy)
        (void)spool_gather(&q->spool, id, SPOOL_HOLD);
    if (queue_log_load(q->spool.fds[SPOOL_HOLD], id, &log) < 0)
        return; /* damaged or gone: the administrator's */
    if (log.approval.kinds != 0 && !queue_log_waits_for_approval(&log) && log.released)
        rc = approval_go_on(q, id);
    else if (queue_log_waits_for_approval(&log) && log.approval.deadline_ms > clock_real_ms())
        approvals_note(a, log.approval.deadline_ms);
    else if (queue_log_waits_for_approval(&log) &&
             approval_decide_on(q, id,
                                &(struct approval_verdict){.kinds = APPROVAL_KINDS_ALL,
                                                           .way = "deadline"}) == APPROVAL_TROUBLE)
        rc = -1;
    if (rc < 0 && errno != ENOENT) {
        log_event(LOG_WARN, "approval_waits", KV_STR("queue_id", id), KV_ERRNO());
        approvals_note(a, clock_real_ms() + q->settings.trouble_ms);
    }
    queue_log_free(&log);
}

static void
work(void *arg)
{
    struct approvals *a = arg;

    if (!a->scanning) {
        a->next_ms = INT64_MAX;
        a->seen = 0;
    }
    a->scanning = true;
    for (int i = 0; i < LOGS_PER_TURN && a->scanning; i++) {
        const char *id = spool_scan_next(&a->scan);
        char copy[QUEUE_ID_SIZE];

        a->scanning = id != NULL;
        if (id == NULL)
            break;
        a->seen++;
        (void)snprintf(copy, sizeof(copy), "%s", id);
        look_at(a, copy);
    }
    if (a->scanning)
        loop_timer_set(a->timer, 0);
    else
        set_timer(a);
}

struct approvals *
approvals_new(struct queue *q)
{
    struct approvals *a = xcalloc(1, sizeof(*a));

    a->queue = q;
    if (spool_scan_open(&a->scan, &q->spool, SPOOL_HOLD) < 0) {
        xfree(&a);
        return NULL;
    }
    a->timer = loop_timer_new(q->loop, work, a);
    loop_timer_set(a->timer, 0);
    return a;
}

void
approvals_free(struct approvals **ap)
{
    if (*ap == NULL)
        return;
    spool_scan_close(&(*ap)->scan);
    loop_timer_free(&(*ap)->timer);
    xfree(ap);
}
