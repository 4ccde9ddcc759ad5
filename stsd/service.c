/*
 * stsd/service.c - run/sts.sock: questions in, policies out; starts what is to be fetched, and
 * takes TLS outcomes in.
 *
 * Input: questions and outcomes of our own delivery processes, and what the fetching children write
 * into their pipes, which strangers have written: parsed here, never trusted. At most FETCHES_MAX
 * children run; a question that finds no place is answered from what is known.
 */
#include "stsd/service.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

enum {
    PEERS_MAX = 1024,
    FETCHES_MAX = 16,
    SWEEP_MS = 60000,
    PAUSE_MS = 5 * 60 * 1000, /* after a failure, RFC 8461 section 3.3 */
};

struct waiter {
    struct waiter *next;
    uint64_t peer_id;
    uint32_t request_id;
};

struct attempt {        /* one child */
    struct fetch fetch; /* the first member: what the child works on */
    TAILQ_ENTRY(attempt) link;
    struct service *service;
    struct cached *cached;
    char id[STS_ID_MAX + 1];
    struct one_shot *child;
};

struct service {
    struct daemon *daemon;
    struct cache *cache;
    const struct fetch_options *options;
    struct reporter *reporter;
    struct ipc_server *server;
    struct loop_timer *sweep;
    TAILQ_HEAD(attempt_list, attempt) attempts;
    unsigned running;
    uid_t asking_uid;
    _Atomic uint64_t *asked, *fetched, *failed, *outcomes;
};

/* ---- answers ---- */

/* A policy that should be there and is not: the domain's owner hears of it (RFC 8460 section
 * 4.3.2.2). The session itself counts as one without policy. */
static void
count_failure(struct service *s, const struct cached *c)
{
    struct outcome o = {.policy = OUTCOME_STS,
                        .result = c->failure,
                        .domain = slice_of(c->domain),
                        .policy_domain = slice_of(c->domain),
                        .reason = slice_of(c->reason)};

    if (c->failure != OUTCOME_SUCCESS)
        reporter_count(s->reporter, &o);
}

static void
answer(struct service *s, uint64_t peer_id, uint32_t request_id, const struct cached *c)
{
    struct ipc_peer *peer = ipc_server_peer(s->server, peer_id);
    struct strbuf frame = strbuf_new(STSD_PAYLOAD_MAX + FRAME_HEADER);
    struct stsd_answer reply = {.text = SLICE("")};

    if (c != NULL && c->text != NULL && clock_real_ms() < c->expires_ms)
        reply.text = slice_make(c->text, c->text_len);
    else if (c != NULL)
        count_failure(s, c);
    if (peer != NULL && stsd_answer_encode(&frame, request_id, &reply) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
}

static void
forget_waiters(struct cached *c)
{
    struct waiter *w;

    while ((w = c->waiters) != NULL) {
        c->waiters = w->next;
        free(w);
    }
}

static void
answer_waiters(struct service *s, struct cached *c)
{
    struct waiter *w;

    while ((w = c->waiters) != NULL) {
        c->waiters = w->next;
        answer(s, w->peer_id, w->request_id, c);
        free(w);
    }
}

/* ---- attempts ---- */

static void
attempt_end(struct attempt *a)
{
    struct service *s = a->service;

    TAILQ_REMOVE(&s->attempts, a, link);
    s->running--;
    a->cached->fetching = false;
    free(a);
}

static void
fetch_failed(struct service *s, struct cached *c, const char *id, enum outcome_result failure,
             struct slice why)
{
    stats_add(s->failed, 1);
    c->not_before_ms = clock_real_ms() + PAUSE_MS;
    c->failure = (uint8_t)failure;
    (void)snprintf(c->reason, sizeof(c->reason), "%.*s", (int)why.len, why.ptr); /* cut */
    if (c->text == NULL)
        memcpy(c->id, id, sizeof(c->id)); /* another id may try at once */
    log_event(c->text == NULL ? LOG_INFO : LOG_WARN, "sts_fetch_failed",
              KV_STR("domain", c->domain), KV_STR("cached", c->text == NULL ? "no" : "yes"),
              KV_SLICE("reason", why));
}

static void
fetched(struct service *s, struct cached *c, const char *id, struct slice text,
        const struct sts_policy *policy)
{
    stats_add(s->fetched, 1);
    c->not_before_ms = 0;
    c->failure = OUTCOME_SUCCESS;
    memcpy(c->id, id, sizeof(c->id));
    cache_keep(s->cache, c, text, policy);
    log_event(LOG_INFO, "sts_fetched", KV_STR("domain", c->domain), KV_STR("id", c->id),
              KV_STR("mode", sts_mode_word(policy->mode)), KV_U64("max_age", policy->max_age_s));
}

static void
attempt_done(void *arg, struct slice reply)
{
    struct attempt *a = arg;
    struct service *s = a->service;
    struct cached *c = a->cached;
    struct slice text = slice_sub(reply, 1, reply.len);
    struct sts_policy policy;
    const char *trouble;

    if (reply.len == 0) {
        fetch_failed(s, c, a->id, OUTCOME_STS_FETCH, SLICE("the fetching process gave up"));
    } else if (reply.ptr[0] != FETCH_POLICY) {
        fetch_failed(s, c, a->id,
                     reply.ptr[0] == FETCH_DISTRUSTED ? OUTCOME_STS_WEBPKI : OUTCOME_STS_FETCH,
                     text);
    } else {
        trouble = sts_policy_parse(text, &policy);
        if (trouble != NULL)
            fetch_failed(s, c, a->id, OUTCOME_STS_INVALID, slice_of(trouble));
        else
            fetched(s, c, a->id, text, &policy);
    }
    attempt_end(a);
    answer_waiters(s, c);
}

/* `id` of the record, or what the policy had when it is only refreshed. */
static bool
attempt_start(struct service *s, struct cached *c, struct slice id)
{
    struct attempt *a;

    if (s->running == FETCHES_MAX)
        return false;
    a = xcalloc(1, sizeof(*a));
    *a = (struct attempt){
        .fetch = {.options = s->options, .domain = c->domain}, .service = s, .cached = c};
    memcpy(a->id, id.ptr, id.len);
    a->child = one_shot_start(&s->options->child, fetch_run, attempt_done, a);
    if (a->child == NULL) {
        log_event(LOG_ERROR, "sts_fetch_start", KV_ERRNO());
        free(a);
        return false;
    }
    TAILQ_INSERT_TAIL(&s->attempts, a, link);
    s->running++;
    c->fetching = true;
    return true;
}

/* ---- questions ---- */

/* An expired policy is as good as none, and is fetched again. */
static bool
has_policy(const struct cached *c)
{
    return c->text != NULL && clock_real_ms() < c->expires_ms;
}

static bool
wants_fetch(const struct cached *c, struct slice id)
{
    if (id.len == 0 || c->fetching)
        return c->fetching && !has_policy(c);
    return !slice_eq(id, slice_of(c->id)) ||
           (!has_policy(c) && c->not_before_ms <= clock_real_ms());
}

static bool
known_bad(const struct cached *c, struct slice id)
{
    return c->not_before_ms > clock_real_ms() && (has_policy(c) || slice_eq(id, slice_of(c->id)));
}

static int
take_query(struct service *s, struct ipc_peer *peer, uint32_t request_id, struct slice payload)
{
    struct stsd_query query;
    struct cached *c;

    if (stsd_query_decode(payload, &query) < 0 || !address_is_domain(query.domain, false))
        return -1;
    stats_add(s->asked, 1);
    c = cache_entry(s->cache, query.domain);
    if (c != NULL && query.id.len == 0)
        c->failure = OUTCOME_SUCCESS; /* there should be none any more */
    if (c != NULL && wants_fetch(c, query.id) && !known_bad(c, query.id) &&
        (c->fetching || attempt_start(s, c, query.id))) {
        struct waiter *w = xcalloc(1, sizeof(*w));

        *w = (struct waiter){c->waiters, ipc_peer_id(peer), request_id};
        c->waiters = w;
        return 0;
    }
    answer(s, ipc_peer_id(peer), request_id, c);
    return 0;
}

/* ---- outcomes ---- */

static int
take_outcome(struct service *s, struct slice payload)
{
    struct outcome outcome;

    if (stsd_outcome_decode(payload, &outcome) < 0)
        return -1;
    stats_add(s->outcomes, 1);
    reporter_count(s->reporter, &outcome);
    return 0;
}

static void
reply(struct service *s, uint64_t peer_id, uint32_t request_id, const char *trouble,
      struct slice data)
{
    struct ipc_peer *peer = ipc_server_peer(s->server, peer_id);
    struct strbuf frame = strbuf_new(STSD_REPLY_MAX + FRAME_HEADER);
    struct stsd_reply reply = {.result = trouble != NULL, .text = slice_of(trouble), .data = data};

    if (peer != NULL && stsd_reply_encode(&frame, request_id, &reply) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
}

struct sending { /* that the command line waits for */
    struct service *service;
    uint64_t peer_id;
    uint32_t request_id;
};

static void
sent(void *arg, struct slice objects)
{
    struct sending *sending = arg;

    reply(sending->service, sending->peer_id, sending->request_id, NULL, objects);
    free(sending);
}

static void
run_send(struct service *s, uint64_t peer_id, uint32_t request_id, const struct stsd_control *c)
{
    struct sending *sending = xcalloc(1, sizeof(*sending));
    const char *trouble;

    *sending = (struct sending){s, peer_id, request_id};
    trouble = reporter_send(s->reporter, c->day, c->domain, sent, sending);
    if (trouble == NULL)
        return;
    free(sending);
    reply(s, peer_id, request_id, trouble, SLICE(""));
}

static void
run_show(struct service *s, uint64_t peer_id, uint32_t request_id, const struct stsd_control *c)
{
    struct strbuf objects = strbuf_new(STSD_REPLY_MAX - 2 * STSD_TEXT_MAX);
    const char *trouble = reporter_show(s->reporter, c->day, c->domain, &objects);

    if (trouble == NULL && objects.overflow)
        trouble = "there is too much of it: name a domain";
    reply(s, peer_id, request_id, trouble, trouble == NULL ? strbuf_slice(&objects) : SLICE(""));
    strbuf_free(&objects);
}

/* Root's, or the owner's of a suite without root: delivery processes have no business here. */
static int
take_control(struct service *s, struct ipc_peer *peer, uint32_t request_id, struct slice payload)
{
    struct stsd_control control;

    if (stsd_control_decode(payload, &control) < 0 ||
        (s->daemon->is_root && ipc_peer_uid(peer) != 0))
        return -1;
    if (slice_eq(control.verb, SLICE("show")))
        run_show(s, ipc_peer_id(peer), request_id, &control);
    else if (slice_eq(control.verb, SLICE("send")))
        run_send(s, ipc_peer_id(peer), request_id, &control);
    else
        reply(s, ipc_peer_id(peer), request_id, "unknown verb", SLICE(""));
    return 0;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = ipc_peer_data(peer);

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    switch (header->type) {
    case STSD_QUERY:
        return take_query(s, peer, header->request_id, payload);
    case STSD_OUTCOME:
        return take_outcome(s, payload);
    case STSD_CONTROL:
        return take_control(s, peer, header->request_id, payload);
    default:
        return -1;
    }
}

static const struct ipc_handlers handlers = {
    .payload_max = STSD_PAYLOAD_MAX,
    .frame = peer_frame,
};

static bool
uid_allowed(uid_t uid, void *data)
{
    return uid == ((const struct service *)data)->asking_uid;
}

/* ---- the service ---- */

static void
refresh(void *arg, struct cached *c)
{
    (void)attempt_start(arg, c, slice_of(c->id)); /* no place: at the next sweep */
}

static void
sweep(void *arg)
{
    struct service *s = arg;

    cache_sweep(s->cache, refresh, s);
    loop_timer_set(s->sweep, SWEEP_MS);
}

struct service *
service_start(struct daemon *d, struct cache *cache, const struct fetch_options *options,
              struct reporter *reporter, uid_t asking_uid)
{
    struct service *s = xcalloc(1, sizeof(*s));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " STSD_SOCKET);
    s->daemon = d;
    s->cache = cache;
    s->options = options;
    s->reporter = reporter;
    s->asking_uid = asking_uid;
    s->asked = stats_counter(d->stats, "sts_questions");
    s->fetched = stats_counter(d->stats, "sts_fetched");
    s->failed = stats_counter(d->stats, "sts_failed");
    s->outcomes = stats_counter(d->stats, "tls_outcomes");
    TAILQ_INIT(&s->attempts);
    s->sweep = loop_timer_new(d->loop, sweep, s);
    s->server = ipc_server_new(d->loop, fd, &handlers, uid_allowed, PEERS_MAX, s);
    one_shot_reap_all(d->loop);
    sweep(s);
    return s;
}

void
service_stop(struct service **servicep)
{
    struct service *s = *servicep;
    struct attempt *a, *next;

    if (s == NULL)
        return;
    ipc_server_free(&s->server);
    for (a = TAILQ_FIRST(&s->attempts); a != NULL; a = next) {
        next = TAILQ_NEXT(a, link);
        forget_waiters(a->cached);
        one_shot_stop(&a->child);
        attempt_end(a);
    }
    loop_timer_free(&s->sweep);
    xfree(servicep);
}
