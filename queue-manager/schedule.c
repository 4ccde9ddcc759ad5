/*
 * queue-manager/schedule.c - which target goes to which agent, and when.
 */
#include "queue-manager/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"
#include "queue-manager/message.h"
#include "queue-manager/round.h"

#define SWEEP_MS 60000
#define LOCALS_MAX 64 /* local agents among which mailboxes are spread */

struct schedule {
    struct queue *queue;
    LIST_HEAD(, agent) agents;
    struct agent *locals[LOCALS_MAX];
    uint32_t local_count;
    uint32_t remote_slots;
    uint64_t seed;
    struct destinations *destinations;
    struct loop_timer *sweep;
    bool agent_lost;
};

static void
sweep(void *arg)
{
    struct schedule *s = arg;

    destinations_sweep(s->destinations);
    loop_timer_set(s->sweep, SWEEP_MS);
    queue_wake(s->queue); /* the dead may be tried again */
}

struct schedule *
schedule_new(struct queue *q)
{
    struct schedule *s = xcalloc(1, sizeof(*s));

    s->queue = q;
    s->seed = random_u64();
    LIST_INIT(&s->agents);
    s->destinations = destinations_new(&q->settings);
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
    while (!LIST_EMPTY(&s->agents)) {
        struct agent *a = LIST_FIRST(&s->agents);

        LIST_REMOVE(a, link);
        agent_free(&a);
    }
    destinations_free(&s->destinations);
    loop_timer_free(&s->sweep);
    xfree(sp);
}

/* ---- into line ---- */

static uint32_t
local_of(const struct schedule *s, const struct target *t)
{
    uint64_t hash = s->seed;

    for (size_t i = 0; i < t->path.len; i++)
        hash = (hash ^ (unsigned char)t->path.ptr[i]) * 1099511628211u;
    return (uint32_t)((hash >> 20) % s->local_count);
}

/* All WAITING mailboxes of a message into the local agents' lanes; nothing without agents. */
static void
line_up_local(struct schedule *s, struct message *m)
{
    uint32_t counts[LOCALS_MAX] = {0};
    uint32_t *indices[LOCALS_MAX] = {NULL};

    if (s->local_count == 0)
        return;
    for (uint32_t i = 0; i < m->target_count; i++)
        if (m->targets[i].kind == TARGET_MAILBOX && m->targets[i].state == TARGET_WAITING)
            counts[local_of(s, &m->targets[i])]++;
    for (uint32_t l = 0; l < s->local_count; l++) {
        if (counts[l] > 0)
            indices[l] = arena_alloc(&m->arena, counts[l] * sizeof(uint32_t));
        counts[l] = 0;
    }
    for (uint32_t i = 0; i < m->target_count; i++) {
        uint32_t l;

        if (m->targets[i].kind != TARGET_MAILBOX || m->targets[i].state != TARGET_WAITING)
            continue;
        l = local_of(s, &m->targets[i]);
        indices[l][counts[l]++] = i;
    }
    for (uint32_t l = 0; l < s->local_count; l++)
        if (counts[l] > 0)
            lane_add(&s->locals[l]->lane, m, indices[l], counts[l]);
}

static void
defer_dead(struct message *m, struct target *t, const struct destination *d)
{
    char text[QUEUE_TEXT_MAX];
    struct strbuf line = strbuf_new(sizeof(text));

    (void)strbuf_str(&line, "destination is not tried for a while");
    if (d->reason != NULL && d->reason[0] != '\0')
        (void)strbuf_printf(&line, ": %s", d->reason); /* too long: left out */
    message_set_outcome(m, t, TARGET_DEFERRED, SLICE("4.4.1"), strbuf_slice(&line), SLICE(""));
    strbuf_free(&line);
}

struct routed {
    struct destination *destination;
    uint32_t index;
};

static int
compare_routed(const void *a, const void *b)
{
    const struct routed *x = a, *y = b;

    if (x->destination != y->destination)
        return x->destination < y->destination ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* One destination's targets of a message: in line, unless it is dead or its line is too long. */
static void
line_up_run(struct schedule *s, struct message *m, const struct routed *run, uint32_t count)
{
    struct destination *d = run[0].destination;
    uint32_t *indices;

    if (destination_is_dead(d)) {
        for (uint32_t i = 0; i < count; i++)
            defer_dead(m, &m->targets[run[i].index], d);
        return;
    }
    if (d->lane.share_count >= s->queue->settings.active_max / 2) {
        m->overflow = true; /* one destination shall not fill the memory: soon again */
        for (uint32_t i = 0; i < count; i++)
            message_set_outcome(m, &m->targets[run[i].index], TARGET_DEFERRED, SLICE("4.4.5"),
                                SLICE("too much mail waits for this destination"), SLICE(""));
        return;
    }
    indices = arena_alloc(&m->arena, count * sizeof(uint32_t));
    for (uint32_t i = 0; i < count; i++)
        indices[i] = run[i].index;
    lane_add(&d->lane, m, indices, count);
    destinations_line_up(s->destinations, d);
}

static void
line_up_remote(struct schedule *s, struct message *m)
{
    struct routed *routed;
    uint32_t count = 0, from = 0;

    for (uint32_t i = 0; i < m->target_count; i++)
        count += m->targets[i].kind == TARGET_REMOTE && m->targets[i].state == TARGET_WAITING;
    if (count == 0)
        return;
    routed = xreallocarray(NULL, count, sizeof(*routed));
    count = 0;
    for (uint32_t i = 0; i < m->target_count; i++) {
        const struct target *t = &m->targets[i];

        if (t->kind == TARGET_REMOTE && t->state == TARGET_WAITING)
            routed[count++] =
                (struct routed){destinations_get(s->destinations, destination_name(t->address)), i};
    }
    qsort(routed, count, sizeof(*routed), compare_routed);
    for (uint32_t i = 1; i <= count; i++)
        if (i == count || routed[i].destination != routed[from].destination) {
            line_up_run(s, m, &routed[from], i - from);
            from = i;
        }
    xfree(&routed);
}

void
schedule_message(struct schedule *s, struct message *m)
{
    line_up_local(s, m);
    line_up_remote(s, m);
    queue_wake(s->queue);
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
change_locals(struct schedule *s, void (*change)(struct schedule *s, struct agent *a),
              struct agent *a)
{
    struct queue *q = s->queue;

    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = q->table[row]; m != NULL; m = m->table_next)
            remove_local_shares(m);
    change(s, a);
    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = q->table[row]; m != NULL; m = m->table_next)
            if (m->expanded && m->open_count > 0)
                line_up_local(s, m);
}

static void
add_local(struct schedule *s, struct agent *a)
{
    if (s->local_count < LOCALS_MAX)
        s->locals[s->local_count++] = a;
}

static void
drop_local(struct schedule *s, struct agent *a)
{
    for (uint32_t i = 0; i < s->local_count; i++)
        if (s->locals[i] == a)
            s->locals[i] = s->locals[--s->local_count];
}

void
schedule_agent_joined(struct schedule *s, struct agent *a)
{
    LIST_INSERT_HEAD(&s->agents, a, link);
    if (a->kind == QUEUE_AGENT_LOCAL)
        change_locals(s, add_local, a);
    else
        s->remote_slots += a->slots;
    log_event(LOG_INFO, "agent_joined",
              KV_STR("agent", a->kind == QUEUE_AGENT_LOCAL ? "local" : "remote"),
              KV_U64("slots", a->slots), KV_U64("pid", ipc_peer_pid(a->peer)));
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
        t->state = TARGET_WAITING;
        t->in_doubt = true;
        indices[count++] = job->indices[i];
    }
    if (d != NULL && count > 0 && m->fate == MESSAGE_GO_ON) {
        lane_add(&d->lane, m, indices, count);
        destinations_line_up(s->destinations, d);
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
    log_event(LOG_WARN, "agent_lost",
              KV_STR("agent", a->kind == QUEUE_AGENT_LOCAL ? "local" : "remote"),
              KV_U64("jobs", a->busy));
    for (uint32_t i = 0; i < a->slots; i++)
        if (a->jobs[i].id != 0)
            job_lost(s, a, &a->jobs[i]);
    LIST_REMOVE(a, link);
    if (a->kind == QUEUE_AGENT_LOCAL)
        change_locals(s, drop_local, a);
    else
        s->remote_slots -= a->slots;
    agent_free(&a);
}

static void
bury_the_lost(struct schedule *s)
{
    struct agent *a = LIST_FIRST(&s->agents);

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
 * different traces. */
static uint32_t
run_length(const struct share *share, uint32_t max)
{
    const struct message *m = share->message;
    const uint32_t *next = share->indices + share->taken;
    uint32_t left = share->count - share->taken, count = 1;
    const struct target *first = &m->targets[next[0]];

    if (first->kind == TARGET_MAILBOX)
        return left < max ? left : max;
    while (count < left && count < max) {
        const struct target *t = &m->targets[next[count]];

        if ((t->via.len > 0 || first->via.len > 0) && t->source != first->source)
            break;
        count++;
    }
    return count;
}

/* One job from the lane's first share. False: this could not be sent now. */
static bool
give_from(struct schedule *s, struct agent *a, struct lane *lane, struct destination *d)
{
    struct share *share = lane_first(lane);
    struct message *m = share->message;
    uint32_t max = d == NULL ? QUEUE_JOB_RCPTS_MAX : s->queue->settings.remote_rcpts_max;
    uint32_t count = run_length(share, max);

    if (agent_give(s->queue, a, m, d, share->indices + share->taken, count) < 0) {
        if (errno != ENOENT)
            return false; /* out of descriptors: the next turn */
        log_event(LOG_ERROR, "vanished", KV_STR("queue_id", m->id));
        m->fate = MESSAGE_DELETE;
        m->reason = "its file is gone";
        schedule_withdraw(s, m, slice_of(m->reason));
        if (m->open_count == 0)
            rounds_end(s->queue->rounds, m);
        return true;
    }
    share->taken += count;
    lane_turn(lane);
    return true;
}

static struct agent *
remote_agent_for(struct schedule *s, const struct destination *d)
{
    struct agent *best = NULL, *a;

    LIST_FOREACH(a, &s->agents, link)
    {
        if (a->kind != QUEUE_AGENT_REMOTE || !agent_has_room(a))
            continue;
        if (a->peer_id == d->last_agent)
            return a;
        if (best == NULL || a->busy * best->slots < best->busy * a->slots)
            best = a;
    }
    return best;
}

static bool
remote_room(const struct schedule *s)
{
    const struct agent *a;

    LIST_FOREACH(a, &s->agents, link)
    {
        if (a->kind == QUEUE_AGENT_REMOTE && agent_has_room(a))
            return true;
    }
    return false;
}

void
schedule_turn(struct schedule *s)
{
    struct destination *d;

    if (s->agent_lost)
        bury_the_lost(s);
    for (uint32_t i = 0; i < s->local_count; i++) {
        struct agent *a = s->locals[i];

        while (agent_has_room(a) && lane_first(&a->lane) != NULL)
            if (!give_from(s, a, &a->lane, NULL))
                break;
    }
    while (remote_room(s) && (d = destinations_next(s->destinations, s->remote_slots)) != NULL) {
        struct agent *a = remote_agent_for(s, d);

        d->last_agent = a->peer_id;
        if (!give_from(s, a, &d->lane, d))
            break;
    }
}

void
schedule_flush(struct schedule *s)
{
    destinations_revive(s->destinations);
    queue_wake(s->queue);
}

/* ---- results ---- */

/* The destination is dead: what waits in its lane is deferred with it. */
static void
empty_lane(struct schedule *s, struct destination *d)
{
    struct share *share;

    log_event(LOG_WARN, "destination_dead", KV_SLICE("destination", d->name),
              KV_U64("waiting", d->lane.share_count), KV_STR("reason", d->reason));
    while ((share = lane_first(&d->lane)) != NULL) {
        struct message *m = share->message;

        for (uint32_t i = share->taken; i < share->count; i++)
            defer_dead(m, &m->targets[share->indices[i]], d);
        lane_remove(share);
        if (m->open_count == 0)
            rounds_end(s->queue->rounds, m);
    }
}

static void
learn(struct schedule *s, struct destination *d, const struct queue_result *result)
{
    if (d == NULL)
        return;
    if (!result->destination_failed)
        destination_succeeded(s->destinations, d);
    else if (destination_failed(s->destinations, d, result->rcpts[0].text))
        empty_lane(s, d);
}

static bool
job_has(const struct job *job, uint32_t position, uint32_t index)
{
    if (position < job->count && job->indices[position] == index)
        return true; /* in the order of the job, as agents do it */
    for (uint32_t i = 0; i < job->count; i++)
        if (job->indices[i] == index)
            return true;
    return false;
}

static int
apply_outcomes(struct message *m, const struct job *job, const struct queue_result *result)
{
    static const enum target_state states[] = {[QUEUE_DELIVERED] = TARGET_DELIVERED,
                                               [QUEUE_DEFERRED] = TARGET_DEFERRED,
                                               [QUEUE_BOUNCED] = TARGET_BOUNCED};

    for (uint32_t i = 0; i < result->rcpt_count; i++) {
        const struct queue_result_rcpt *r = &result->rcpts[i];
        struct target *t;

        if (!job_has(job, i, r->index) || m->targets[r->index].state != TARGET_IN_JOB)
            return -1;
        t = &m->targets[r->index];
        message_set_outcome(m, t, states[r->outcome], r->dsn, r->text, r->remote);
        t->relayed = r->dsn_relayed;
        m->linked |= t->kind == TARGET_MAILBOX && r->outcome == QUEUE_DELIVERED;
    }
    return 0;
}

int
schedule_result(struct schedule *s, struct agent *a, const struct queue_result *result)
{
    struct job *job = agent_job(a, result->job_id);
    struct message *m;
    struct destination *d;

    if (job == NULL || apply_outcomes(job->message, job, result) < 0)
        return -1; /* the job stays in the agent's table and is in doubt when it is buried */
    m = job->message;
    d = job->destination;
    for (uint32_t i = 0; i < job->count; i++) {
        struct target *t = &m->targets[job->indices[i]];

        if (t->state != TARGET_IN_JOB)
            continue;
        t->in_doubt = true;
        message_set_outcome(m, t, TARGET_DEFERRED, SLICE("4.3.0"),
                            SLICE("the delivery agent gave no result"), SLICE(""));
    }
    agent_job_done(a, job);
    learn(s, d, result);
    if (m->open_count == 0)
        rounds_end(s->queue->rounds, m);
    else if (a->kind == QUEUE_AGENT_REMOTE)
        rounds_log(s->queue->rounds, m);
    queue_wake(s->queue);
    return 0;
}

void
schedule_figures(const struct schedule *s, struct schedule_figures *out)
{
    const struct agent *a;

    *out = (struct schedule_figures){.local_agents = s->local_count};
    LIST_FOREACH(a, &s->agents, link)
    {
        out->remote_agents += a->kind == QUEUE_AGENT_REMOTE;
        out->slots += a->slots;
        out->busy += a->busy;
    }
}
