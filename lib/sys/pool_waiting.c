/*
 * lib/sys/pool_waiting.c - connections that wait in the parent of a pool and have no worker: for a
 * load balancer's header, for their greeting, for the client's first line.
 *
 * Input: first bytes of connections, hostile. A header of a listed load balancer is taken off the
 *        stream; everything else is only looked at (MSG_PEEK) and left to the worker.
 * One that waits costs a descriptor and some 600 bytes, and the number of them is bounded: above it
 * the one that has waited longest goes. Each stage has one time for all, so that who came first is
 * first to be late, and one timer will do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "lib/sys/pool_private.h"
#include "lib/sys/proxy_header.h"

#define HEADERS_MAX 1024 /* waited for at once: they come from our own load balancers */
#define HEADER_MS 5000   /* proxy-protocol.txt section 2: at least three seconds */
#define PEEK_MAX 1024    /* bytes that are looked at */
#define LOGGED_MAX 80    /* bytes of a first line */

_Static_assert(PROXY_HEADER_MAX <= PEEK_MAX, "a whole header is seen");

/* Everybody in a stage waits equally long. STAGE_HELLO: for the first byte of TLS. */
enum stage { STAGE_HEADER, STAGE_GREETING, STAGE_LINE, STAGE_HELLO, STAGE_COUNT };

struct waiting {
    struct pool_waiting *all;
    struct waiting *prev, *next; /* in the list of its stage, the newest last */
    enum stage stage;
    int64_t until_ms; /* mono */
    struct loop_fd *watch;
    size_t seen; /* bytes of the first line that have been looked at */
    struct arrival arrival;
};

struct pool_waiting {
    struct pool *pool;
    struct waiting lists[STAGE_COUNT]; /* heads */
    size_t counts[STAGE_COUNT];
    struct loop_timer *timer;
    int64_t timer_ms; /* when it fires; 0: it is not set */
};

static void spoke(void *arg, unsigned ready);

/* ---- the lists ---- */

static int64_t
time_for(const struct pool_waiting *all, enum stage stage)
{
    const struct pool_screening *screening = all->pool->ops->screening;

    if (stage == STAGE_HEADER)
        return HEADER_MS;
    if (stage == STAGE_HELLO)
        return screening->hello_ms;
    return stage == STAGE_GREETING ? screening->greet_delay_ms : screening->first_line_ms;
}

static void
set_timer(struct pool_waiting *all)
{
    int64_t first = 0;

    for (size_t i = 0; i < STAGE_COUNT; i++)
        if (all->counts[i] > 0 && (first == 0 || all->lists[i].next->until_ms < first))
            first = all->lists[i].next->until_ms;
    if (first != 0 && (all->timer_ms == 0 || first < all->timer_ms)) {
        int64_t left = first - clock_mono_ms();

        all->timer_ms = first;
        loop_timer_set(all->timer, left < 0 ? 0 : left);
    }
}

static void
put(struct waiting *w, enum stage stage)
{
    struct waiting *head = &w->all->lists[stage];

    w->stage = stage;
    w->until_ms = clock_mono_ms() + time_for(w->all, stage);
    w->next = head;
    w->prev = head->prev;
    head->prev->next = w;
    head->prev = w;
    w->all->counts[stage]++;
    set_timer(w->all);
}

static void
take_out(struct waiting *w)
{
    w->prev->next = w->next;
    w->next->prev = w->prev;
    w->all->counts[w->stage]--;
}

/* Whoever it is now goes on elsewhere: `out` has the connection. */
static void
release(struct waiting *w, struct arrival *out)
{
    *out = w->arrival;
    take_out(w);
    loop_fd_free(&w->watch);
    free(w);
}

static struct waiting *
hold(struct pool_waiting *all, const struct arrival *a, enum stage stage)
{
    struct waiting *w = xcalloc(1, sizeof(*w));

    w->all = all;
    w->arrival = *a;
    w->watch = loop_fd_new(all->pool->d->loop, a->fd, LOOP_READ, spoke, w);
    put(w, stage);
    return w;
}

/* ---- the end of waiting ---- */

static void
log_away(const struct waiting *w, enum pool_refusal why, struct slice line)
{
    static const char *const events[] = {
        [POOL_EARLY] = "early_talker", [POOL_PIPELINED] = "early_pipelining",
        [POOL_ALIEN] = "http_client",  [POOL_LONG] = "endless_line",
        [POOL_SLOW] = "never_spoke",   [POOL_CROWDED] = "crowded_out",
        [POOL_CLOSING] = "closing"};
    struct pool *p = w->all->pool;

    stats_add(p->count.screened, 1);
    if (pool_may_log(p))
        log_event(LOG_INFO, events[why],
                  KV_STR("listener", p->ports[w->arrival.about.port].is->label),
                  KV_STR("client", w->arrival.about.client_ip),
                  KV_SLICE("line", slice_sub(line, 0, LOGGED_MAX)));
}

static void
send_away(struct waiting *w, enum pool_refusal why, struct slice line)
{
    struct pool *p = w->all->pool;
    struct arrival a;

    if (w->stage != STAGE_HEADER) {
        log_away(w, why, line);
        admission_leave(pool_admission_of(p, &w->arrival.about), &w->arrival.from);
    }
    release(w, &a);
    pool_send_away(p, &a, why, ADMISSION_OK);
}

/* The client has gone. */
static void
forget(struct waiting *w)
{
    struct pool *p = w->all->pool;
    struct arrival a;

    if (w->stage != STAGE_HEADER)
        admission_leave(pool_admission_of(p, &w->arrival.about), &w->arrival.from);
    release(w, &a);
    (void)close(a.fd);
}

/* Since when its longest waiter waits; never: nobody does. */
static int64_t
waits_since(const struct pool_waiting *all, enum stage stage)
{
    return all->counts[stage] == 0 ? INT64_MAX
                                   : all->lists[stage].next->until_ms - time_for(all, stage);
}

bool
pool_waiting_evict(struct pool_waiting *all)
{
    enum stage stage = STAGE_LINE;

    if (all == NULL)
        return false;
    if (waits_since(all, STAGE_HELLO) < waits_since(all, stage))
        stage = STAGE_HELLO;
    if (all->counts[stage] == 0)
        stage = all->counts[STAGE_GREETING] > 0 ? STAGE_GREETING : STAGE_HEADER;
    if (all->counts[stage] == 0)
        return false;
    send_away(all->lists[stage].next, POOL_CROWDED, SLICE(""));
    return true;
}

/* ---- looking at bytes that stay where they are ---- */

/* How many bytes there have to be before we are woken. */
static int
wake_at(struct waiting *w, size_t bytes)
{
    int lowest = (int)bytes;

    return setsockopt(w->arrival.fd, SOL_SOCKET, SO_RCVLOWAT, &lowest, sizeof(lowest));
}

/* We have been woken, and there is no more than before: its end is behind it. */
static void
wait_for_more(struct waiting *w, size_t seen)
{
    if (seen == w->seen || wake_at(w, seen + 1) < 0)
        forget(w);
    else
        w->seen = seen;
}

/* The socket is as it was. */
static int
end_of_looking(struct waiting *w)
{
    bool changed = w->seen > 0;

    w->seen = 0;
    return changed ? wake_at(w, 1) : 0;
}

/* ---- a load balancer's header ---- */

static void
drop_header(struct waiting *w, const char *reason)
{
    if (pool_may_log(w->all->pool))
        log_event(LOG_WARN, "bad_proxy_header", KV_STR("proxy", w->arrival.about.client_ip),
                  KV_STR("reason", reason));
    forget(w);
}

static void
take_header(struct arrival *a, const struct proxy_header *header)
{
    struct pool_handover *about = &a->about;

    if (header->is_local)
        return;
    memcpy(about->proxy_ip, about->client_ip, sizeof(about->proxy_ip));
    a->from = header->client;
    ip_text(&header->client, about->client_ip);
    ip_text(&header->server, about->local_ip);
    about->client_port = header->client_port;
    about->local_port = header->server_port;
}

static void
judge_header(struct waiting *w, struct slice seen)
{
    struct pool *p = w->all->pool;
    char dropped[PROXY_HEADER_MAX];
    struct proxy_header header;
    struct arrival a;
    size_t len = 0;

    switch (proxy_header_parse(seen, &header, &len)) {
    case PROXY_BAD:
        drop_header(w, "not a PROXY header");
        return;
    case PROXY_PART:
        wait_for_more(w, seen.len);
        return;
    case PROXY_OK:
        break;
    }
    if (end_of_looking(w) < 0 || recv(w->arrival.fd, dropped, len, MSG_DONTWAIT) != (ssize_t)len) {
        forget(w);
        return;
    }
    release(w, &a);
    take_header(&a, &header);
    pool_arrived(p, &a);
}

void
pool_wait_for_header(struct pool_waiting *all, const struct arrival *a)
{
    if (all->counts[STAGE_HEADER] == HEADERS_MAX)
        forget(all->lists[STAGE_HEADER].next);
    (void)hold(all, a, STAGE_HEADER);
}

/* ---- greeting and first line ---- */

static void
give_to_worker(struct waiting *w)
{
    struct pool *p = w->all->pool;
    struct arrival a;

    if (end_of_looking(w) < 0) {
        forget(w);
        return;
    }
    release(w, &a);
    a.about.is_pressed = admission_is_pressed(pool_admission_of(p, &a.about));
    pool_serve(p, &a);
}

static void
judge_line(struct waiting *w, struct slice seen)
{
    const struct pool *p = w->all->pool;

    if (p->ports[w->arrival.about.port].is->speaks_late) {
        give_to_worker(w);
        return;
    }
    switch (p->ops->screening->judge(seen, p->ops->arg)) {
    case POOL_FIRST_GOOD:
        give_to_worker(w);
        break;
    case POOL_FIRST_PIPELINED:
        send_away(w, POOL_PIPELINED, seen);
        break;
    case POOL_FIRST_ALIEN:
        send_away(w, POOL_ALIEN, seen);
        break;
    case POOL_FIRST_PART:
        if (seen.len >= POOL_FIRST_MAX)
            send_away(w, POOL_LONG, SLICE(""));
        else
            wait_for_more(w, seen.len);
        break;
    }
}

static void
greet(struct waiting *w)
{
    struct pool *p = w->all->pool;
    const char *text = p->ops->screening->greeting;

    w->arrival.about.is_greeted = true;
    if (send(w->arrival.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) !=
        (ssize_t)strlen(text))
        forget(w);
}

static void
judge(struct waiting *w, struct slice seen)
{
    switch (w->stage) {
    case STAGE_HEADER:
        judge_header(w, seen);
        break;
    case STAGE_GREETING:
        send_away(w, POOL_EARLY, seen);
        break;
    case STAGE_LINE:
    case STAGE_HELLO:
    case STAGE_COUNT:
        judge_line(w, seen);
        break;
    }
}

static void
spoke(void *arg, unsigned ready)
{
    struct waiting *w = arg;
    struct pool *p = w->all->pool;
    char bytes[PEEK_MAX];
    ssize_t n = recv(w->arrival.fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

    (void)ready;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        forget(w);
    else
        judge(w, slice_make(bytes, (size_t)n));
    pool_look_for_end(p);
}

static bool
is_tested(const struct pool *p, const struct arrival *a)
{
    return p->ops->screening->rejects_early && p->ports[a->about.port].is->tests_early &&
           !a->about.is_known && !networks_have(&p->friends, &a->from);
}

void
pool_screen(struct pool_waiting *all, const struct arrival *a)
{
    struct pool *p = all->pool;

    if (pool_waiting_count(all) - all->counts[STAGE_HEADER] >= p->waiting_max)
        (void)pool_waiting_evict(all);
    if (p->ports[a->about.port].is->speaks_late)
        (void)hold(all, a, STAGE_HELLO);
    else if (is_tested(p, a))
        (void)hold(all, a, STAGE_GREETING);
    else
        greet(hold(all, a, STAGE_LINE));
}

/* ---- time ---- */

/* The greeting's time has come: nobody spoke, or has at this moment. */
static void
end_of_delay(struct waiting *w)
{
    char byte;
    ssize_t n = recv(w->arrival.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n > 0) {
        send_away(w, POOL_EARLY, SLICE(""));
    } else if (n == 0) {
        forget(w);
    } else {
        take_out(w);
        put(w, STAGE_LINE);
        greet(w);
    }
}

static void
too_late(struct waiting *w)
{
    switch (w->stage) {
    case STAGE_HEADER:
        drop_header(w, "it did not come in time");
        break;
    case STAGE_GREETING:
        end_of_delay(w);
        break;
    case STAGE_LINE:
    case STAGE_HELLO:
    case STAGE_COUNT:
        send_away(w, POOL_SLOW, SLICE(""));
        break;
    }
}

static void
look_at_list(struct waiting *head, int64_t now)
{
    struct waiting *next;

    for (struct waiting *w = head->next; w != head && w->until_ms <= now; w = next) {
        next = w->next;
        too_late(w);
    }
}

static void
time_passed(void *arg)
{
    struct pool_waiting *all = arg;
    int64_t now = clock_mono_ms();

    all->timer_ms = 0;
    for (size_t i = 0; i < STAGE_COUNT; i++)
        look_at_list(&all->lists[i], now);
    set_timer(all);
    pool_look_for_end(all->pool);
}

/* ---- all of them ---- */

struct pool_waiting *
pool_waiting_new(struct pool *p)
{
    struct pool_waiting *all = xcalloc(1, sizeof(*all));

    all->pool = p;
    for (size_t i = 0; i < STAGE_COUNT; i++)
        all->lists[i].prev = all->lists[i].next = &all->lists[i];
    all->timer = loop_timer_new(p->d->loop, time_passed, all);
    return all;
}

size_t
pool_waiting_count(const struct pool_waiting *all)
{
    size_t count = 0;

    for (size_t i = 0; all != NULL && i < STAGE_COUNT; i++)
        count += all->counts[i];
    return count;
}

static void
close_list(struct waiting *head)
{
    struct waiting *next;

    for (struct waiting *w = head->next; w != head; w = next) {
        next = w->next;
        send_away(w, POOL_CLOSING, SLICE(""));
    }
}

void
pool_waiting_free(struct pool_waiting **allp)
{
    struct pool_waiting *all = *allp;

    if (all == NULL)
        return;
    *allp = NULL;
    for (size_t i = 0; i < STAGE_COUNT; i++)
        close_list(&all->lists[i]);
    loop_timer_free(&all->timer);
    free(all);
}
