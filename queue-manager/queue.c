/*
 * queue-manager/queue.c - makes the queue's parts and runs them, once each turn of the loop.
 */
#include "queue-manager/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/queue/spool_recover.h"
#include "lib/sys/stats.h"
#include "queue-manager/approval.h"
#include "queue-manager/deferral.h"
#include "queue-manager/expand.h"
#include "queue-manager/intake.h"
#include "queue-manager/message.h"
#include "queue-manager/pressure.h"
#include "queue-manager/round.h"
#include "queue-manager/schedule.h"
#include "queue-manager/sender.h"
#include "queue-manager/sent.h"
#include "queue-manager/system_sender.h"

#define TROUBLE_MS 3000
#define TMP_AGE_MS 86400000 /* what is written for longer has been abandoned, if we ran so long */
#define TMP_SWEEP_MS 3600000

static bool
copies_wanted(const struct conf *conf, const char *of)
{
    for (size_t i = 0; i < conf_list_count(conf, QUEUE_POSTMASTER_COPIES); i++)
        if (strcmp(conf_list_item(conf, QUEUE_POSTMASTER_COPIES, i), of) == 0)
            return true;
    return false;
}

void
queue_read_settings(const struct conf *conf, struct queue_settings *out)
{
    *out = (struct queue_settings){
        .retry_interval_ms = (int64_t)conf_u64(conf, QUEUE_RETRY_INTERVAL),
        .retry_max_ms = (int64_t)conf_u64(conf, QUEUE_RETRY_MAX),
        .lifetime_ms = (int64_t)conf_u64(conf, QUEUE_LIFETIME),
        .delay_notice_ms = (int64_t)conf_u64(conf, QUEUE_DELAY_NOTICE),
        .trouble_ms = TROUBLE_MS,
        .messages_max = (uint32_t)conf_u64(conf, QUEUE_MAX_MESSAGES),
        .max_outgoing_size = conf_u64(conf, SMTP_MAX_OUTGOING_SIZE),
        .active_max = (uint32_t)conf_u64(conf, QUEUE_ACTIVE_MAX),
        .hop_limit = (uint32_t)conf_u64(conf, QUEUE_HOP_LIMIT),
        .destination_concurrency = (uint32_t)conf_u64(conf, QUEUE_DESTINATION_CONCURRENCY),
        .remote_rcpts_max = (uint32_t)conf_u64(conf, QUEUE_REMOTE_RECIPIENTS),
        .bounce_size_max = conf_u64(conf, QUEUE_BOUNCE_SIZE),
        .double_bounce = conf_bool(conf, QUEUE_DOUBLE_BOUNCE),
        .copy_bounces = copies_wanted(conf, "bounce"),
        .copy_delays = copies_wanted(conf, "delay"),
        .sent_days = (uint32_t)conf_u64(conf, QUEUE_SENT_DAYS),
        .hostname = conf_str(conf, SYSTEM_HOSTNAME),
        .postmaster = conf_str(conf, SMTP_POSTMASTER),
        .approval_lifetime_ms = (int64_t)conf_u64(conf, QUEUE_APPROVAL_LIFETIME),
        .monitored_told = strcmp(conf_str(conf, MONITORING_NOTIFY), "mailbox") == 0,
        .trusted_hosts = networks_of(conf, SMTP_HOSTS_NO_AUTH),
    };
    disk_limits_load(&out->disk, conf);
}

/* In the order in which one duty gives work to the next; each may wake the queue again. */
static void
turn(void *arg)
{
    struct queue *q = arg;

    rounds_turn(q->rounds);
    expansion_turn(q->expansion);
    schedule_turn(q->schedule);
}

void
queue_wake(struct queue *q)
{
    loop_task_schedule(q->turn);
}

static void
sweep_tmp(void *arg)
{
    struct queue *q = arg;

    if (spool_sweep_tmp(&q->spool, TMP_AGE_MS) < 0)
        log_event(LOG_WARN, "sweep_failed", KV_ERRNO());
    loop_timer_set(q->tmp_sweep, TMP_SWEEP_MS);
}

static void
find_counters(struct queue_counters *c, struct stats *stats)
{
    c->received = stats_counter(stats, "messages_received");
    c->delivered = stats_counter(stats, "recipients_delivered");
    c->deferred = stats_counter(stats, "recipients_deferred");
    c->bounced = stats_counter(stats, "recipients_bounced");
    c->looping = stats_counter(stats, "messages_looping");
    c->delayed = stats_counter(stats, "messages_delayed");
    c->notices = stats_counter(stats, "notices_sent");
    c->corrupt = stats_counter(stats, "messages_corrupt");
    c->active = stats_counter(stats, "messages_active");
    c->messages_bounced = stats_counter(stats, "messages_bounced");
    c->waiting = stats_counter(stats, "messages_waiting");
    c->on_hold = stats_counter(stats, "messages_on_hold");
}

struct queue *
queue_new(struct loop *loop, const struct spool *spool, const struct queue_settings *settings,
          struct stats *stats)
{
    struct queue *q = xcalloc(1, sizeof(*q));

    q->loop = loop;
    q->spool = *spool;
    q->settings = *settings;
    q->started_ms = clock_real_ms();
    find_counters(&q->counters, stats);
    q->turn = loop_task_new(loop, turn, q);
    q->tmp_sweep = loop_timer_new(loop, sweep_tmp, q);
    q->senders = senders_new();
    q->sent = sent_new(q);
    q->rounds = rounds_new(q);
    q->trim = trim_new(loop, q->spool.fds[SPOOL_ACTIVE]);
    q->schedule = schedule_new(q);
    return q;
}

int
queue_start(struct queue *q, int run_dirfd)
{
    int64_t requeued = spool_recover(&q->spool);

    if (requeued < 0)
        return -1;
    if (requeued > 0)
        log_event(LOG_INFO, "recovered", KV_U64("messages", requeued));
    loop_timer_set(q->tmp_sweep, TMP_AGE_MS); /* not now: alertd settles what it left there */
    q->expansion = expansion_new(q, run_dirfd);
    q->system_senders = system_senders_new(q->loop, run_dirfd);
    q->deferrals = deferrals_new(q, DEFERRALS_MAX);
    q->approvals = approvals_new(q);
    q->intake = intake_new(q);
    if (q->intake == NULL || q->approvals == NULL)
        return -1;
    q->pressure = pressure_new(q);
    return q->pressure == NULL ? -1 : 0;
}

static void
free_messages(struct queue *q)
{
    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        while (q->table[row] != NULL) {
            struct message *m = q->table[row];

            message_free(q, &m);
        }
}

void
queue_free(struct queue **qp)
{
    struct queue *q = *qp;

    if (q == NULL)
        return;
    pressure_free(&q->pressure);
    intake_free(&q->intake);
    approvals_free(&q->approvals);
    deferrals_free(&q->deferrals);
    expansion_free(&q->expansion);
    system_senders_free(&q->system_senders);
    free_messages(q); /* before the lanes that they are in */
    schedule_free(&q->schedule);
    rounds_free(&q->rounds);
    trim_free(&q->trim);
    senders_free(&q->senders);
    sent_free(&q->sent);
    loop_task_free(&q->turn);
    loop_timer_free(&q->tmp_sweep);
    spool_close(&q->spool);
    xfree(qp);
}
