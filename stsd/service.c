/*
 * stsd/service.c - run/sts.sock: questions in, policies out; starts what is to be fetched.
 *
 * Input: questions of our own delivery processes, and what the fetching children write into their
 * pipes, which strangers have written: parsed here, never trusted. At most FETCHES_MAX children
 * run; a question that finds no place is answered from what is known.
 */
#include "stsd/service.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"
#include "lib/mail/address.h"

enum {
    PEERS_MAX = 1024,
    FETCHES_MAX = 16,
    SWEEP_MS = 60000,
    PAUSE_MS = 5 * 60 * 1000, /* after a failure, RFC 8461 section 3.3 */
    READ_STEP = 16384
};

struct waiter {
    struct waiter *next;
    uint64_t peer_id;
    uint32_t request_id;
};

struct attempt { /* one child */
    TAILQ_ENTRY(attempt) link;
    struct service *service;
    struct cached *cached;
    char id[STS_ID_MAX + 1];
    pid_t pid;
    int fd;
    struct loop_fd *watch;
    struct strbuf reply;
};

struct service {
    struct daemon *daemon;
    struct cache *cache;
    const struct fetch_options *options;
    struct ipc_server *server;
    struct loop_timer *sweep;
    TAILQ_HEAD(, attempt) attempts;
    unsigned running;
    uid_t asking_uid;
    _Atomic uint64_t *asked, *fetched, *failed;
};

/* ---- answers ---- */

static void
answer(struct service *s, uint64_t peer_id, uint32_t request_id, const struct cached *c)
{
    struct ipc_peer *peer = ipc_server_peer(s->server, peer_id);
    struct strbuf frame = strbuf_new(STSD_PAYLOAD_MAX + FRAME_HEADER);
    struct stsd_answer reply = {.text = SLICE("")};

    if (c != NULL && c->text != NULL && clock_real_ms() < c->expires_ms)
        reply.text = slice_make(c->text, c->text_len);
    if (peer != NULL && stsd_answer_encode(&frame, request_id, &reply) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
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
    loop_fd_free(&a->watch);
    (void)close(a->fd); /* only read from */
    strbuf_free(&a->reply);
    free(a);
}

static void
fetch_failed(struct service *s, struct cached *c, const char *id, struct slice why)
{
    stats_add(s->failed, 1);
    c->not_before_ms = clock_real_ms() + PAUSE_MS;
    if (c->text == NULL)
        memcpy(c->id, id, sizeof(c->id)); /* another id may try at once */
    log_event(c->text == NULL ? LOG_INFO : LOG_WARN, "sts_fetch_failed",
              KV_STR("domain", c->domain), KV_STR("cached", c->text == NULL ? "no" : "yes"),
              KV_SLICE("reason", why));
}

/* The child has closed its pipe. */
static void
attempt_done(struct attempt *a)
{
    struct service *s = a->service;
    struct cached *c = a->cached;
    struct slice reply = strbuf_slice(&a->reply), text = slice_sub(reply, 1, reply.len);
    struct sts_policy policy;
    const char *trouble = NULL;

    if (reply.len == 0)
        text = SLICE("the fetching process gave up");
    else if (reply.ptr[0] == '+' && (trouble = sts_policy_parse(text, &policy)) != NULL)
        text = slice_of(trouble);
    if (reply.len == 0 || reply.ptr[0] != '+' || trouble != NULL) {
        fetch_failed(s, c, a->id, text);
    } else {
        stats_add(s->fetched, 1);
        c->not_before_ms = 0;
        memcpy(c->id, a->id, sizeof(c->id));
        cache_keep(s->cache, c, text, &policy);
        log_event(LOG_INFO, "sts_fetched", KV_STR("domain", c->domain), KV_STR("id", c->id),
                  KV_STR("mode", sts_mode_word(policy.mode)), KV_U64("max_age", policy.max_age_s));
    }
    attempt_end(a);
    answer_waiters(s, c);
}

static void
attempt_ready(void *arg, unsigned ready)
{
    struct attempt *a = arg;
    char *room = strbuf_room(&a->reply, READ_STEP);
    ssize_t n;

    (void)ready;
    if (room == NULL) { /* more than it can have been told to write */
        strbuf_clear(&a->reply);
        attempt_done(a);
        return;
    }
    n = read(a->fd, room, READ_STEP);
    if (n > 0)
        strbuf_grew(&a->reply, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        attempt_done(a);
}

/* `id` of the record, or what the policy had when it is only refreshed. */
static bool
attempt_start(struct service *s, struct cached *c, struct slice id)
{
    struct attempt *a;
    pid_t pid;
    int fd;

    if (s->running == FETCHES_MAX)
        return false;
    fd = fetch_start(s->options, c->domain, &pid);
    if (fd < 0) {
        log_event(LOG_ERROR, "sts_fetch_start", KV_ERRNO());
        return false;
    }
    a = xcalloc(1, sizeof(*a));
    *a = (struct attempt){.service = s,
                          .cached = c,
                          .pid = pid,
                          .fd = fd,
                          .reply = strbuf_new(FETCH_REPLY_MAX + READ_STEP)};
    memcpy(a->id, id.ptr, id.len);
    a->watch = loop_fd_new(s->daemon->loop, fd, LOOP_READ, attempt_ready, a);
    TAILQ_INSERT_TAIL(&s->attempts, a, link);
    s->running++;
    c->fetching = true;
    return true;
}

static void
reap(void *arg, int signo)
{
    (void)arg;
    (void)signo;
    while (waitpid(-1, NULL, WNOHANG) > 0) /* what a child had to say went through its pipe */
        continue;
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
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *s = ipc_peer_data(peer);
    struct stsd_query query;
    struct cached *c;

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    if (header->type != STSD_QUERY || stsd_query_decode(payload, &query) < 0 ||
        !address_is_domain(query.domain, false))
        return -1;
    stats_add(s->asked, 1);
    c = cache_entry(s->cache, query.domain);
    if (c != NULL && wants_fetch(c, query.id) && !known_bad(c, query.id) &&
        (c->fetching || attempt_start(s, c, query.id))) {
        struct waiter *w = xcalloc(1, sizeof(*w));

        *w = (struct waiter){c->waiters, ipc_peer_id(peer), header->request_id};
        c->waiters = w;
        return 0;
    }
    answer(s, ipc_peer_id(peer), header->request_id, c);
    return 0;
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
service_start(struct daemon *d, struct cache *cache, const struct fetch_options *options)
{
    struct service *s = xcalloc(1, sizeof(*s));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " STSD_SOCKET);
    s->daemon = d;
    s->cache = cache;
    s->options = options;
    s->asking_uid = daemon_role_uid(d, USERS_OUT);
    s->asked = stats_counter(d->stats, "sts_questions");
    s->fetched = stats_counter(d->stats, "sts_fetched");
    s->failed = stats_counter(d->stats, "sts_failed");
    TAILQ_INIT(&s->attempts);
    s->sweep = loop_timer_new(d->loop, sweep, s);
    s->server = ipc_server_new(d->loop, fd, &handlers, uid_allowed, PEERS_MAX, s);
    loop_on_signal(d->loop, SIGCHLD, reap, s);
    sweep(s);
    return s;
}

void
service_stop(struct service **servicep)
{
    struct service *s = *servicep;
    struct attempt *a;

    if (s == NULL)
        return;
    ipc_server_free(&s->server);
    while ((a = TAILQ_FIRST(&s->attempts)) != NULL)
        attempt_end(a); /* the children end with us */
    loop_timer_free(&s->sweep);
    xfree(servicep);
}
