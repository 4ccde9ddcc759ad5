/*
 * dnsd/question.c - questions under way: how many at once, how long each may take.
 *
 * Input:  names from our own programs, who have them from strangers: checked here.
 * The places bound how many packets leave in a burst. A question that is not answered soon waits
 * for servers that are slow or dead: it gives its place to the next one, so that dead zones do not
 * keep living ones waiting, and is answered "later" at its deadline. The resolver goes on with it,
 * and what it finds is in the cache for the next time.
 */
#include "dnsd/question.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/dns/name.h"
#include "lib/dns/packet.h"
#include "lib/log/log.h"

enum {
    WAITING_MAX = 16384,
    PLACE_MS = 1500, /* how long a question may hold its place */
    SLOW_TIMES = 4   /* of running_max: questions that have lost theirs */
};

struct question {
    TAILQ_ENTRY(question) link; /* in `queue` while it waits, then in `asked` */
    struct questions *all;
    uint16_t rr;
    enum {
        WAITING,  /* for a place */
        STARTING, /* inside resolver_ask */
        RUNNING,  /* has a place */
        SLOW,     /* has none any more */
        ANSWERED  /* only the resolver is still busy with it */
    } state;
    int64_t deadline_ms;
    struct loop_timer *timer;
    void (*answered)(void *arg, const struct dnsd_answer *answer);
    void *arg;
    char name[DNS_NAME_TEXT_MAX + 1];
};

struct questions {
    struct loop *loop;
    struct resolver *resolver;
    unsigned running, running_max, slow, waiting;
    int64_t timeout_ms;
    TAILQ_HEAD(question_list, question) queue, asked;
    struct dnsd_answer answer; /* 10 KiB: one at a time */
    struct strbuf text;
};

static void start_waiting(struct questions *all);

static const struct dnsd_answer *
bare_answer(struct questions *all, enum dns_status status)
{
    all->answer.status = (uint8_t)status;
    all->answer.secure = all->answer.bogus = false;
    all->answer.ttl_s = 0;
    all->answer.canonical = SLICE("");
    all->answer.count = 0;
    return &all->answer;
}

static void
question_free(struct question *q)
{
    loop_timer_free(&q->timer);
    free(q);
}

static const struct dnsd_answer *
make_answer(struct question *q, const struct resolver_result *result)
{
    struct questions *all = q->all;

    if (result->packet.len == 0)
        return bare_answer(all, DNS_TEMPORARY);
    if (dns_packet_parse(result->packet, q->rr, &all->text, &all->answer) < 0) {
        log_event(LOG_WARN, "dns_answer_damaged", KV_STR("name", q->name), KV_U64("rr", q->rr));
        return bare_answer(all, DNS_TEMPORARY);
    }
    if (result->bogus) { /* RFC 4035 section 5.5: as if the server had failed */
        log_event(LOG_INFO, "dns_bogus", KV_STR("name", q->name), KV_U64("rr", q->rr),
                  KV_STR("reason", result->why_bogus));
        (void)bare_answer(all, DNS_TEMPORARY);
    }
    all->answer.secure = result->secure;
    all->answer.bogus = result->bogus;
    return &all->answer;
}

static void
resolver_done(void *arg, const struct resolver_result *result)
{
    struct question *q = arg;
    struct questions *all = q->all;

    if (q->state == STARTING || q->state == RUNNING)
        all->running--;
    else
        all->slow--;
    if (q->state != ANSWERED)
        q->answered(q->arg, make_answer(q, result));
    if (q->state == STARTING) {
        q->state = ANSWERED; /* start() frees it and its caller goes on: no recursion */
        return;
    }
    TAILQ_REMOVE(&all->asked, q, link);
    question_free(q);
    start_waiting(all);
}

static void
set_timer(struct question *q)
{
    int64_t left_ms = q->deadline_ms - clock_mono_ms();

    if (q->state == RUNNING && left_ms > PLACE_MS)
        left_ms = PLACE_MS;
    loop_timer_set(q->timer, left_ms > 0 ? left_ms : 0);
}

static void
too_late(struct question *q)
{
    log_event(LOG_INFO, "dns_timeout", KV_STR("name", q->name), KV_U64("rr", q->rr));
    q->answered(q->arg, bare_answer(q->all, DNS_TEMPORARY));
    if (q->state == WAITING) {
        TAILQ_REMOVE(&q->all->queue, q, link);
        q->all->waiting--;
        question_free(q);
    } else {
        q->state = ANSWERED;
    }
}

static void
timer_fired(void *arg)
{
    struct question *q = arg;
    struct questions *all = q->all;

    if (q->state == RUNNING) {
        q->state = SLOW;
        all->running--;
        all->slow++;
    }
    if (q->state == SLOW && clock_mono_ms() < q->deadline_ms)
        set_timer(q);
    else
        too_late(q);
    start_waiting(all);
}

static void
start(struct question *q)
{
    q->all->running++;
    q->state = STARTING;
    resolver_ask(q->all->resolver, q->name, q->rr, resolver_done, q);
    if (q->state == ANSWERED) { /* out of the cache: no timer was needed */
        question_free(q);
        return;
    }
    q->state = RUNNING;
    TAILQ_INSERT_TAIL(&q->all->asked, q, link);
    if (q->timer == NULL)
        q->timer = loop_timer_new(q->all->loop, timer_fired, q);
    set_timer(q);
}

static bool
has_place(const struct questions *all)
{
    return all->running < all->running_max && all->slow < SLOW_TIMES * all->running_max;
}

static void
start_waiting(struct questions *all)
{
    struct question *q;

    while (has_place(all) && (q = TAILQ_FIRST(&all->queue)) != NULL) {
        TAILQ_REMOVE(&all->queue, q, link);
        all->waiting--;
        start(q);
    }
}

static void
wait_for_place(struct question *q)
{
    q->state = WAITING;
    q->all->waiting++;
    TAILQ_INSERT_TAIL(&q->all->queue, q, link);
    q->timer = loop_timer_new(q->all->loop, timer_fired, q);
    set_timer(q);
}

/* The name to ask for. -1: nobody can have it. */
static int
set_name(struct question *q, struct slice name)
{
    struct strbuf reversed = strbuf_new(DNS_NAME_TEXT_MAX);
    int rc = -1;

    if (q->rr == DNS_PTR && dns_name_reverse(name, &reversed) == 0)
        name = strbuf_slice(&reversed);
    if (dns_name_valid(name)) {
        memcpy(q->name, name.ptr, name.len); /* dns_name_valid: at most 253 */
        q->name[name.len] = '\0';
        rc = 0;
    }
    strbuf_free(&reversed);
    return rc;
}

void
question_ask(struct questions *all, uint16_t rr, struct slice name,
             void (*answered)(void *arg, const struct dnsd_answer *answer), void *arg)
{
    struct question *q = xcalloc(1, sizeof(*q));

    q->all = all;
    q->rr = rr;
    q->deadline_ms = clock_mono_ms() + all->timeout_ms;
    q->answered = answered;
    q->arg = arg;
    if (set_name(q, name) < 0) {
        answered(arg, bare_answer(all, DNS_NXDOMAIN));
        question_free(q);
    } else if (has_place(all)) {
        start(q);
    } else if (all->waiting >= WAITING_MAX) {
        answered(arg, bare_answer(all, DNS_TEMPORARY));
        question_free(q);
    } else {
        wait_for_place(q);
    }
}

struct questions *
questions_new(struct loop *loop, struct resolver *resolver, unsigned running_max,
              int64_t timeout_ms)
{
    struct questions *all = xcalloc(1, sizeof(*all));

    all->loop = loop;
    all->resolver = resolver;
    all->running_max = running_max;
    all->timeout_ms = timeout_ms;
    all->text = strbuf_new(DNS_PACKET_TEXT_MAX);
    TAILQ_INIT(&all->queue);
    TAILQ_INIT(&all->asked);
    return all;
}

static void
answer_all(struct questions *all, struct question_list *list)
{
    struct question *q;

    while ((q = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, q, link);
        if (q->state != ANSWERED)
            q->answered(q->arg, bare_answer(all, DNS_TEMPORARY));
        question_free(q);
    }
}

void
questions_free(struct questions **questionsp)
{
    if (*questionsp == NULL)
        return;
    answer_all(*questionsp, &(*questionsp)->queue);
    answer_all(*questionsp, &(*questionsp)->asked);
    strbuf_free(&(*questionsp)->text);
    xfree(questionsp);
}
