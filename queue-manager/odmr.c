/*
 * queue-manager/odmr.c - mail that its customers fetch: who may, what is in line for them, and when
 * all of it has been tried.
 *
 * Input:  requests of sessions. Whose they are authd has said; the domains are the client's words.
 */
#include "queue-manager/odmr.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/odmr_table.h"
#include "lib/log/log.h"
#include "queue-manager/deferral.h"
#include "queue-manager/message.h"
#include "queue-manager/round.h"
#include "queue-manager/schedule_private.h"

#define LOOK_MS 50        /* how often a session is looked at for its end */
#define IDLE_MAX_MS 60000 /* without a job: what is still being looked for is for others */
#define USER_SESSIONS_MAX 2
#define FRAME_MAX 1024

struct odmr_session {
    LIST_ENTRY(odmr_session) link;
    struct odmr *odmr;
    uint64_t number;
    struct agent *agent; /* has no other jobs until the connection is over */
    char *user;
    struct destination **destinations; /* none once nothing more is sent */
    uint32_t count, next;              /* next: whose turn it is */
    uint32_t jobs;
    bool settled;        /* somebody's mail, since what waits on disk was called up */
    int64_t last_job_ms; /* when one began or ended (monotonic) */
    bool called_up;      /* all that waited on disk is in memory, */
    uint64_t serial;     /* where its last message has this number */
    bool ending;         /* the agent was told */
};

struct odmr {
    struct schedule *schedule;
    struct queue *queue;
    LIST_HEAD(odmr_sessions, odmr_session) sessions;
    uint64_t last_number;
    struct loop_timer *timer;
};

bool
odmr_keeps(const struct queue *q, const struct destination *d)
{
    return d->fetch_number == 0 && odmr_table_find(q->settings.odmr_table, d->name) != NULL;
}

/* ---- the end of a session ---- */

/* What is still in line waits for the next time. */
static void
leave_lines(struct odmr_session *x)
{
    for (uint32_t i = 0; i < x->count; i++) {
        struct destination *d = x->destinations[i];

        d->fetch_number = 0;
        schedule_empty_lane(x->odmr->schedule, &d->lane,
                            SLICE("the customer's connection ended before its turn came"));
    }
    x->count = 0;
}

static void
forget(struct odmr_session *x)
{
    leave_lines(x);
    LIST_REMOVE(x, link);
    free(x->destinations);
    free(x->user);
    free(x);
}

static void
finish(struct odmr_session *x, const char *reason)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    struct queue_connection connection = {.number = x->number};

    if (x->ending)
        return;
    x->ending = true;
    log_event(LOG_INFO, "fetch_ends", KV_STR("user", x->user), KV_U64("jobs", x->jobs),
              KV_STR("reason", reason));
    leave_lines(x);
    assert_always(queue_connection_encode(&frame, QUEUE_CONNECTION_END, &connection) == 0);
    if (x->agent->peer != NULL)
        ipc_peer_send(x->agent->peer, &frame, -1);
    strbuf_free(&frame);
}

static struct odmr_session *
session_of(const struct odmr *o, const struct agent *a)
{
    struct odmr_session *x = LIST_FIRST(&o->sessions);

    while (x != NULL && x->agent != a)
        x = LIST_NEXT(x, link);
    return x;
}

int
odmr_over(struct odmr *o, struct agent *a, uint64_t number)
{
    struct odmr_session *x = session_of(o, a);

    if (x == NULL || x->number != number || a->busy > 0)
        return -1;
    a->fetch_number = 0;
    forget(x);
    queue_wake(o->queue);
    return 0;
}

void
odmr_result(struct odmr *o, const struct agent *a, const struct queue_result *result)
{
    struct odmr_session *x = session_of(o, a);

    if (x == NULL)
        return;
    x->last_job_ms = clock_mono_ms();
    for (uint32_t i = 0; i < result->rcpt_count; i++)
        x->settled |= result->rcpts[i].outcome != QUEUE_DEFERRED;
    if (result->destination_failed)
        finish(x, "the connection is lost");
}

void
odmr_agent_lost(struct odmr *o, const struct agent *a)
{
    struct odmr_session *x = session_of(o, a);

    if (x != NULL)
        forget(x);
}

/* ---- its course ---- */

static struct destination *
next_in_line(struct odmr_session *x)
{
    for (uint32_t i = 0; i < x->count; i++) {
        struct destination *d = x->destinations[x->next++ % x->count];

        if (lane_first(&d->lane) != NULL)
            return d;
    }
    return NULL;
}

/* One job after the other: there is one connection. */
static void
give_some(struct odmr_session *x)
{
    struct destination *d;

    while (x->agent->peer != NULL && x->agent->busy == 0 && (d = next_in_line(x)) != NULL) {
        if (!schedule_give(x->odmr->schedule, x->agent, &d->lane, d))
            break;
        x->jobs += x->agent->busy;
        x->last_job_ms = clock_mono_ms();
    }
}

void
odmr_turn(struct odmr *o)
{
    for (struct odmr_session *x = LIST_FIRST(&o->sessions); x != NULL; x = LIST_NEXT(x, link))
        give_some(x);
}

/* Has everything up to that number been found to be for this session, or for others? */
static bool
is_known(const struct queue *q, uint64_t serial)
{
    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (const struct message *m = q->table[row]; m != NULL; m = m->table_next)
            if (!m->expanded && m->serial <= serial)
                return false;
    return true;
}

/* What waits on disk for these domains is due now. How many messages that may be. */
static uint32_t
call_up(struct odmr_session *x)
{
    struct queue *q = x->odmr->queue;
    uint32_t count = 0;

    for (uint32_t i = 0; i < x->count; i++) {
        count += deferrals_flush(q->deferrals, due_domain(x->destinations[i]->name));
        x->destinations[i]->fetch_crowded = false;
    }
    x->called_up = false;
    x->settled = false;
    return count;
}

/* There was no room in line for all of it, and there is some again: what the customer puts off
 * makes none, for it would be called up once more. */
static bool
call_up_rest(struct odmr_session *x)
{
    bool crowded = false;

    for (uint32_t i = 0; i < x->count; i++)
        crowded |= x->destinations[i]->fetch_crowded;
    if (!crowded || !x->settled)
        return false;
    (void)call_up(x);
    return true;
}

static bool
all_tried(struct odmr_session *x)
{
    struct queue *q = x->odmr->queue;

    if (x->agent->busy > 0 || next_in_line(x) != NULL)
        return false;
    if (clock_mono_ms() - x->last_job_ms >= IDLE_MAX_MS)
        return true;
    if (!deferrals_are_waiting(q->deferrals) || senders_parked(q->senders) > 0)
        return false;
    if (!x->called_up)
        x->serial = q->last_serial;
    x->called_up = true;
    return is_known(q, x->serial) && !call_up_rest(x);
}

static void
look(void *arg)
{
    struct odmr *o = arg;

    for (struct odmr_session *x = LIST_FIRST(&o->sessions); x != NULL; x = LIST_NEXT(x, link))
        if (!x->ending && all_tried(x))
            finish(x, "all was tried");
    if (!LIST_EMPTY(&o->sessions))
        loop_timer_set(o->timer, LOOK_MS);
    queue_wake(o->queue);
}

/* ---- its beginning ---- */

/* Recipients of messages that are under way otherwise and had been put off: in line again. */
static uint32_t
line_up_put_off(struct odmr_session *x, struct message *m)
{
    uint32_t count = 0;

    if (!m->expanded || m->finishing || m->fate != MESSAGE_GO_ON || m->asking != NULL)
        return 0;
    for (uint32_t i = 0; i < m->target_count; i++) {
        struct target *t = &m->targets[i];
        struct destination *d;
        uint32_t *index;

        if (t->kind != TARGET_REMOTE || t->state != TARGET_DEFERRED)
            continue;
        d = destinations_get(x->odmr->schedule->destinations, destination_name(t->address));
        if (d->fetch_number != x->number)
            continue;
        t->state = TARGET_WAITING;
        m->open_count++;
        index = arena_alloc(&m->arena, sizeof(*index));
        *index = i;
        lane_add(&d->lane, m, index, 1);
        count++;
    }
    return count;
}

/* Nothing at all waits for these domains; what cannot be said yet may. */
static bool
has_no_mail(struct odmr_session *x)
{
    struct queue *q = x->odmr->queue;
    uint32_t count = call_up(x);

    for (size_t row = 0; row < QUEUE_TABLE_SIZE; row++)
        for (struct message *m = q->table[row]; m != NULL; m = m->table_next)
            count += line_up_put_off(x, m) + !m->expanded;
    return count == 0 && deferrals_are_waiting(q->deferrals) && senders_parked(q->senders) == 0;
}

/* No more than half of them: other mail has to go out, too. One is enough for one. */
static struct agent *
free_agent(const struct odmr *o)
{
    struct agent *found = NULL;
    unsigned all = 0, taken = 0;

    for (struct agent *a = LIST_FIRST(&o->schedule->agents.list); a != NULL;
         a = LIST_NEXT(a, link)) {
        if (a->kind != QUEUE_AGENT_REMOTE)
            continue;
        all++;
        taken += a->fetch_number != 0;
        if (a->busy == 0 && agent_has_room(a))
            found = a;
    }
    return taken == 0 || taken < all / 2 ? found : NULL;
}

static void
add_domain(struct odmr_session *x, const struct odmr_domain *domain)
{
    struct destination *d =
        destinations_get(x->odmr->schedule->destinations, slice_of(domain->name));

    if (d->fetch_number == x->number)
        return; /* named twice */
    d->fetch_number = x->number;
    x->destinations = xreallocarray(x->destinations, x->count + 1, sizeof(struct destination *));
    x->destinations[x->count++] = d;
}

/* Someone else, or the same customer on a connection of before, is at it. */
static bool
is_fetched(const struct odmr *o, const struct odmr_domain *domain)
{
    return destinations_get(o->schedule->destinations, slice_of(domain->name))->fetch_number != 0;
}

/* 0, or the reply's code. */
static unsigned
check_domains(const struct odmr *o, const struct odmr_request *request, const char **text)
{
    const struct odmr_table *table = o->queue->settings.odmr_table;
    struct slice rest = request->domains;
    size_t own = 0;

    while (rest.len > 0) {
        const struct odmr_domain *d = odmr_table_find(table, slice_split(&rest, ','));

        *text = "you have no access to all of these domains";
        if (d == NULL || !odmr_domain_is_of(d, request->user))
            return 450;
    }
    for (size_t i = 0; table != NULL && i < table->count; i++)
        own += odmr_domain_is_of(&table->domains[i], request->user);
    *text = "no mail waits here for you to fetch it";
    return own == 0 ? 450 : 0;
}

/* Calls `take` with each domain that is asked for, until it says false. */
static bool
each_domain(const struct odmr *o, const struct odmr_request *request,
            bool (*take)(void *arg, const struct odmr_domain *domain), void *arg)
{
    const struct odmr_table *table = o->queue->settings.odmr_table;
    struct slice rest = request->domains;

    while (rest.len > 0)
        if (!take(arg, odmr_table_find(table, slice_split(&rest, ','))))
            return false;
    for (size_t i = 0; request->domains.len == 0 && i < table->count; i++)
        if (odmr_domain_is_of(&table->domains[i], request->user) && !take(arg, &table->domains[i]))
            return false;
    return true;
}

static bool
take_free(void *arg, const struct odmr_domain *domain)
{
    return !is_fetched(arg, domain);
}

static bool
take_into(void *arg, const struct odmr_domain *domain)
{
    add_domain(arg, domain);
    return true;
}

static void
hand_over(struct odmr_session *x, const struct odmr_request *request, int fd)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    struct queue_connection connection = {x->number, request->client_ip};

    assert_always(queue_connection_encode(&frame, QUEUE_CONNECTION, &connection) == 0);
    ipc_peer_send(x->agent->peer, &frame, fd);
    strbuf_free(&frame);
    x->agent->fetch_number = x->number;
    log_event(LOG_INFO, "fetch_begins", KV_STR("user", x->user),
              KV_SLICE("client", request->client_ip), KV_SLICE("domains", request->domains),
              KV_STR("setting", conf_decider(QUEUE_ODMR_DOMAINS)));
}

static struct odmr_session *
session_new(struct odmr *o, const struct odmr_request *request, struct agent *agent)
{
    struct odmr_session *x = xcalloc(1, sizeof(*x));

    x->odmr = o;
    x->number = ++o->last_number;
    x->agent = agent;
    x->user = xslicedup(request->user);
    x->last_job_ms = clock_mono_ms();
    LIST_INSERT_HEAD(&o->sessions, x, link);
    (void)each_domain(o, request, take_into, x);
    return x;
}

/* The agents are everybody's. */
static bool
has_enough(const struct odmr *o, struct slice user)
{
    unsigned count = 0;

    for (const struct odmr_session *x = LIST_FIRST(&o->sessions); x != NULL; x = LIST_NEXT(x, link))
        count += !x->ending && slice_eq(slice_of(x->user), user);
    return count >= USER_SESSIONS_MAX;
}

unsigned
odmr_ask(struct odmr *o, const struct odmr_request *request, int fd, const char **text)
{
    unsigned code = check_domains(o, request, text);
    struct odmr_session *x;
    struct agent *agent;

    if (code != 0)
        return code;
    *text = "this mail is being fetched on another connection";
    if (!each_domain(o, request, take_free, o))
        return 450;
    *text = "you fetch mail on other connections already";
    if (has_enough(o, request->user))
        return 450;
    *text = "too much is under way, try again later";
    agent = free_agent(o);
    if (agent == NULL || fd < 0)
        return 451;
    x = session_new(o, request, agent);
    if (has_no_mail(x)) {
        forget(x);
        *text = "you have no mail";
        return 453;
    }
    hand_over(x, request, fd);
    loop_timer_set(o->timer, LOOK_MS);
    queue_wake(o->queue);
    *text = "OK now reversing the connection";
    return 250;
}

struct odmr *
odmr_new(struct schedule *s)
{
    struct odmr *o = xcalloc(1, sizeof(*o));

    o->schedule = s;
    o->queue = s->queue;
    LIST_INIT(&o->sessions);
    o->timer = loop_timer_new(s->queue->loop, look, o);
    return o;
}

void
odmr_free(struct odmr **op)
{
    if (*op == NULL)
        return;
    for (struct odmr_session *x = LIST_FIRST(&(*op)->sessions), *next; x != NULL; x = next) {
        next = LIST_NEXT(x, link);
        x->count = 0; /* all messages are gone, and with them the lines */
        forget(x);
    }
    loop_timer_free(&(*op)->timer);
    xfree(op);
}
