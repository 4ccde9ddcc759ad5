/*
 * queue-manager/schedule.c - which target goes to which agent, and when.
 */
#include "queue-manager/schedule_private.h"

#include <errno.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/deadline.h"
#include "queue-manager/message.h"
#include "queue-manager/odmr.h"
#include "queue-manager/result.h"
#include "queue-manager/round.h"

#define SWEEP_MS 20000
#define LOST_MAX 5        /* agents that die with a recipient in one round */
#define NO_AGENT_MS 60000 /* mail that waits longer for any agent goes back to disk */

static enum target_kind
kind_of(const struct schedule *s, const struct lane *lane)
{
    if (lane == &s->archive)
        return TARGET_ARCHIVE;
    return lane->is_local ? TARGET_MAILBOX : TARGET_REMOTE;
}

/* Targets of one kind that nobody is there to deliver: deferred, so that they make room. */
static void
strand(struct schedule *s, struct message *m, enum target_kind kind)
{
    struct share *share = LIST_FIRST(&m->shares);

    while (share != NULL) {
        struct share *next = LIST_NEXT(share, in_message);

        if (kind_of(s, share->lane) == kind)
            lane_remove(share);
        share = next;
    }
    for (uint32_t i = 0; i < m->target_count; i++) {
        struct target *t = &m->targets[i];

        if (t->kind != kind || t->state != TARGET_WAITING)
            continue;
        m->overflow = true;
        message_set_outcome(m, t, TARGET_DEFERRED, SLICE("4.3.2"),
                            SLICE("the delivery agent is not running"), SLICE(""));
    }
    if (m->open_count == 0)
        rounds_end(s->queue->rounds, m);
}

static void
strand_all(struct schedule *s, enum target_kind kind)
{
    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = s->queue->table[row]; m != NULL; m = m->table_next)
            if (m->expanded && m->open_count > 0)
                strand(s, m, kind);
}

static void
sweep(void *arg)
{
    struct schedule *s = arg;
    int64_t now_ms = clock_mono_ms();

    destinations_sweep(s->destinations);
    if (s->agents.local_count == 0 && now_ms - s->agents.local_since_ms > NO_AGENT_MS)
        strand_all(s, TARGET_MAILBOX);
    if (s->agents.remote_slots == 0 && now_ms - s->agents.remote_since_ms > NO_AGENT_MS)
        strand_all(s, TARGET_REMOTE);
    if (line_up_archive_is_away(s))
        strand_all(s, TARGET_ARCHIVE);
    loop_timer_set(s->sweep, SWEEP_MS);
    queue_wake(s->queue); /* the dead may be tried again */
}

struct schedule *
schedule_new(struct queue *q)
{
    struct schedule *s = xcalloc(1, sizeof(*s));

    s->queue = q;
    agents_init(&s->agents);
    s->destinations = destinations_new(&q->settings);
    lane_init(&s->archive, false, NULL);
    s->odmr = odmr_new(s);
    s->sweep = loop_timer_new(q->loop, sweep, s);
    loop_timer_set(s->sweep, SWEEP_MS);
    return s;
}

void
schedule_free(struct schedule **sp)
{
    struct schedule *s = *sp;

    if (s == NULL)
        return;
    odmr_free(&s->odmr);
    agents_clear(&s->agents);
    destinations_free(&s->destinations);
    loop_timer_free(&s->sweep);
    xfree(sp);
}

void
schedule_withdraw(struct schedule *s, struct message *m, struct slice why)
{
    while (!LIST_EMPTY(&m->shares))
        lane_remove(LIST_FIRST(&m->shares));
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].state == TARGET_WAITING && m->expanded)
            message_set_outcome(m, &m->targets[i], TARGET_DEFERRED, SLICE("4.3.2"), why, SLICE(""));
    queue_wake(s->queue);
}

/* ---- agents come and go ---- */

static void
remove_local_shares(struct message *m)
{
    struct share *share = LIST_FIRST(&m->shares);

    while (share != NULL) {
        struct share *next = LIST_NEXT(share, in_message);

        if (share->lane->is_local)
            lane_remove(share);
        share = next;
    }
}

/* The set of local agents has changed: `change` it when all local lanes are empty. */
static void
change_locals(struct schedule *s, void (*change)(struct agents *all, struct agent *a),
              struct agent *a)
{
    struct queue *q = s->queue;

    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = q->table[row]; m != NULL; m = m->table_next)
            remove_local_shares(m);
    change(&s->agents, a);
    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = q->table[row]; m != NULL; m = m->table_next)
            if (m->expanded && m->open_count > 0)
                line_up_local(s, m);
}

static const char *
kind_name(const struct agent *a)
{
    static const char *const names[] = {[QUEUE_AGENT_LOCAL] = "local",
                                        [QUEUE_AGENT_REMOTE] = "remote",
                                        [QUEUE_AGENT_ARCHIVE] = "archive"};

    return names[a->kind];
}

void
schedule_agent_joined(struct schedule *s, struct agent *a)
{
    if (a->kind == QUEUE_AGENT_LOCAL)
        change_locals(s, agents_add, a);
    else
        agents_add(&s->agents, a);
    log_event(LOG_INFO, "agent_joined", KV_STR("agent", kind_name(a)), KV_U64("slots", a->slots),
              KV_U64("pid", ipc_peer_pid(a->peer)));
    queue_wake(s->queue);
}

void
schedule_agent_lost(struct schedule *s)
{
    s->agent_lost = true;
    queue_wake(s->queue);
}

/* The job's targets are to be given out again, as deliveries that may have happened. */
static void
job_lost(struct schedule *s, struct agent *a, struct job *job)
{
    struct message *m = job->message;
    struct destination *d = job->destination;
    uint32_t *indices = arena_alloc(&m->arena, job->count * sizeof(uint32_t));
    uint32_t count = 0;

    log_event(LOG_WARN, "job_lost", KV_STR("queue_id", m->id), KV_U64("rcpts", job->count));
    for (uint32_t i = 0; i < job->count; i++) {
        struct target *t = &m->targets[job->indices[i]];

        if (t->state != TARGET_IN_JOB)
            continue; /* a broken result has settled it already */
        t->in_doubt = true;
        if (++t->lost < LOST_MAX) {
            t->state = TARGET_WAITING;
            indices[count++] = job->indices[i];
        } else { /* perhaps it is this message that kills agents: the others go first */
            message_set_outcome(m, t, TARGET_DEFERRED, SLICE("4.3.0"),
                                SLICE("delivery agents ended in the middle of it"), SLICE(""));
        }
    }
    if (d != NULL && count > 0 && m->fate == MESSAGE_GO_ON) {
        lane_add(&d->lane, m, indices, count);
        if (d->fetch_number == 0)
            destinations_line_up(s->destinations, d);
    } else if (a->kind == QUEUE_AGENT_ARCHIVE && count > 0 && m->fate == MESSAGE_GO_ON) {
        lane_add(&s->archive, m, indices, count);
    }
    agent_job_done(a, job);
    if (m->fate != MESSAGE_GO_ON)
        schedule_withdraw(s, m, slice_of(m->reason));
    if (m->open_count == 0)
        rounds_end(s->queue->rounds, m);
}

static void
bury(struct schedule *s, struct agent *a)
{
    log_event(LOG_WARN, "agent_lost", KV_STR("agent", kind_name(a)), KV_U64("jobs", a->busy));
    for (uint32_t i = 0; i < a->slots; i++)
        if (a->jobs[i].id != 0)
            job_lost(s, a, &a->jobs[i]);
    odmr_agent_lost(s->odmr, a);
    if (a->kind == QUEUE_AGENT_LOCAL)
        change_locals(s, agents_remove, a);
    else
        agents_remove(&s->agents, a);
    agent_free(&a);
}

static void
bury_the_lost(struct schedule *s)
{
    struct agent *a = LIST_FIRST(&s->agents.list);

    s->agent_lost = false;
    while (a != NULL) {
        struct agent *next = LIST_NEXT(a, link);

        if (a->peer == NULL)
            bury(s, a);
        a = next;
    }
}

/* ---- out of line ---- */

/* How many of the share's next targets may go into one job: forwards of different recipients carry
 * different traces, and may have different senders; copies have one of their own. */
static uint32_t
run_length(const struct share *share, uint32_t max)
{
    const struct message *m = share->message;
    const uint32_t *next = share->indices + share->taken;
    uint32_t left = share->count - share->taken, count = 1;
    const struct target *first = &m->targets[next[0]];

    if (first->kind != TARGET_REMOTE)
        return left < max ? left : max;
    while (count < left && count < max) {
        const struct target *t = &m->targets[next[count]];

        if ((t->via.len > 0 || first->via.len > 0) && t->source != first->source)
            break;
        if (!slice_eq(t->sender, first->sender))
            break;
        count++;
    }
    return count;
}

/* The sender's time for it is over: what is in line is not tried any more. */
static void
stop_late(struct schedule *s, struct message *m)
{
    schedule_withdraw(s, m, SLICE("delivery time expired"));
    if (m->open_count == 0)
        rounds_end(s->queue->rounds, m);
}

/* One job from the lane's first share. False: this could not be sent now. */
bool
schedule_give(struct schedule *s, struct agent *a, struct lane *lane, struct destination *d)
{
    struct share *share = lane_first(lane);
    struct message *m = share->message;
    uint32_t max = d == NULL ? QUEUE_JOB_RCPTS_MAX : s->queue->settings.remote_rcpts_max;
    uint32_t count = run_length(share, max);

    if (lane != &s->archive && deadline_stops(m, clock_real_ms())) {
        stop_late(s, m);
        return true;
    }
    if (agent_give(s->queue, a, m, d, share->indices + share->taken, count) < 0) {
        if (errno != ENOENT)
            return false; /* out of descriptors: the next turn */
        log_event(LOG_ERROR, "vanished", KV_STR("queue_id", m->id));
        m->fate = MESSAGE_DELETE;
        xfree(&m->reason);
        m->reason = xstrdup("its file is gone");
        schedule_withdraw(s, m, slice_of(m->reason));
        if (m->open_count == 0)
            rounds_end(s->queue->rounds, m);
        return true;
    }
    share->taken += count;
    lane_turn(share);
    return true;
}

void
schedule_turn(struct schedule *s)
{
    struct destination *d;
    struct agent *archive;

    if (s->agent_lost)
        bury_the_lost(s);
    for (uint32_t i = 0; i < s->agents.local_count; i++) {
        struct agent *a = s->agents.locals[i];

        while (agent_has_room(a) && lane_first(&a->lane) != NULL)
            if (!schedule_give(s, a, &a->lane, NULL))
                break;
    }
    while (lane_first(&s->archive) != NULL && (archive = agents_archive(&s->agents)) != NULL)
        if (!schedule_give(s, archive, &s->archive, NULL))
            break;
    odmr_turn(s->odmr);
    while (agents_remote_room(&s->agents) &&
           (d = destinations_next(s->destinations, s->agents.remote_slots)) != NULL) {
        struct agent *a = agents_remote_for(&s->agents, d);

        d->last_agent = a->peer_id;
        if (!schedule_give(s, a, &d->lane, d))
            break;
    }
}

void
schedule_flush(struct schedule *s, struct slice domain)
{
    destinations_revive(s->destinations, domain);
    queue_wake(s->queue);
}

/* ---- results ---- */

void
schedule_empty_lane(struct schedule *s, struct lane *lane, struct slice why)
{
    struct share *share;

    while ((share = lane_first(lane)) != NULL) {
        struct message *m = share->message;

        for (uint32_t i = share->taken; i < share->count; i++)
            message_set_outcome(m, &m->targets[share->indices[i]], TARGET_DEFERRED, SLICE("4.4.1"),
                                why, SLICE(""));
        lane_remove(share);
        if (m->open_count == 0)
            rounds_end(s->queue->rounds, m);
    }
}

/* The destination is dead: what waits in its lane is deferred with it. */
static void
give_up(struct schedule *s, struct destination *d)
{
    struct strbuf why = strbuf_new(QUEUE_TEXT_MAX);

    log_event(LOG_WARN, "destination_dead", KV_SLICE("destination", d->name),
              KV_U64("waiting", d->lane.share_count), KV_STR("reason", d->reason));
    destination_describe_rest(d, &why);
    schedule_empty_lane(s, &d->lane, strbuf_slice(&why));
    strbuf_free(&why);
}

static void
learn(struct schedule *s, struct agent *a, struct message *m, struct destination *d,
      const struct queue_result *result)
{
    if (a->fetch_number != 0) {
        odmr_result(s->odmr, a, result);
    } else if (d == NULL) {
        m->soon |= result->destination_failed;
    } else if (!result->destination_failed) {
        destination_succeeded(s->destinations, d);
    } else if (destination_failed(s->destinations, d, result->rcpts[0].text)) {
        give_up(s, d);
    }
}

int
schedule_result(struct schedule *s, struct agent *a, const struct queue_result *result)
{
    struct job *job = agent_job(a, result->job_id);
    struct message *m;
    struct destination *d;

    if (job == NULL || result_apply(job, result) < 0)
        return -1; /* what is left of the job is in doubt when the agent is buried */
    m = job->message;
    d = job->destination;
    agent_job_done(a, job);
    learn(s, a, m, d, result);
    if (m->open_count == 0)
        rounds_end(s->queue->rounds, m);
    else if (a->kind != QUEUE_AGENT_LOCAL)
        rounds_log(s->queue->rounds, m);
    queue_wake(s->queue);
    return 0;
}

unsigned
schedule_fetch(struct schedule *s, const struct odmr_request *request, int fd, const char **text)
{
    return odmr_ask(s->odmr, request, fd, text);
}

int
schedule_connection_over(struct schedule *s, struct agent *a, uint64_t number)
{
    return odmr_over(s->odmr, a, number);
}

void
schedule_figures(const struct schedule *s, struct schedule_figures *out)
{
    *out = (struct schedule_figures){.local_agents = s->agents.local_count};
    for (const struct agent *a = LIST_FIRST(&s->agents.list); a != NULL; a = LIST_NEXT(a, link)) {
        out->remote_agents += a->kind == QUEUE_AGENT_REMOTE;
        out->slots += a->slots;
        out->busy += a->busy;
    }
}
