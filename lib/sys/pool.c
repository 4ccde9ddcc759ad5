/*
 * lib/sys/pool.c - the parent of a protocol daemon: its workers, from the start to the drain.
 *
 * From the network come addresses, and the first bytes of a connection (lib/sys/pool_waiting.c).
 * From a worker, which may have been taken over by its client, it takes one byte, a request of
 * fixed size (lib/sys/pool_successor.c) and the end. It has no privilege and no child but the
 * forker (lib/sys/forker.h). Touches its listeners and the sockets of authd and of the backend.
 */
#include "lib/sys/pool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/cidr.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/conf/role.h"
#include "lib/conf/services.h"
#include "lib/log/log.h"
#include "lib/sys/forker.h"
#include "lib/sys/heap.h"
#include "lib/sys/pool_admission.h"
#include "lib/sys/session_table.h"
#include "lib/sys/stats_dir.h"

#define FD_SPARE 1024    /* descriptors beyond one per client */
#define ROWS_SPARE 64    /* of the table of sessions */
#define FORKS_PER_TURN 8 /* to refill the spares, between two looks at the listeners */
#define FAREWELL_MS 1000 /* for the sessions that the drain time did not end */
#define PAUSE_MS 100     /* accepting rests when the system is out of something */

/* ---- workers ---- */

static void
list_put(struct worker *head, struct worker *w)
{
    w->next = head->next;
    w->prev = head;
    head->next->prev = w;
    head->next = w;
}

static void
list_take(struct worker *w)
{
    w->prev->next = w->next;
    w->next->prev = w->prev;
}

static void
make_idle(struct pool *p, struct worker *w)
{
    w->idle = true;
    p->idle_count++;
    list_put(&p->idle, w);
}

static void
leave_idle(struct pool *p, struct worker *w)
{
    w->idle = false;
    p->idle_count--;
    list_take(w);
}

void
pool_make_busy(struct worker *w)
{
    leave_idle(w->pool, w);
    list_put(&w->pool->busy, w);
}

static void
session_ended(struct pool *p, struct worker *w)
{
    struct admission *admission = pool_admission_of(p, &w->about);

    list_take(w);
    if (w->counted) {
        admission_leave(admission, &w->from);
        admission_rise(admission);
    }
    w->counted = false;
    close_keep_errno(w->kept_fd); /* the connection ends with its last session */
    w->kept_fd = -1;
    w->about.session_id[0] = '\0';
}

static void
worker_gone(struct worker *w)
{
    struct pool *p = w->pool;
    /* one that dies before it has worked would die again at once */
    int64_t refill_in_ms = w->idle && !w->ending ? PAUSE_MS : 0;

    if (w->idle)
        leave_idle(p, w);
    else
        session_ended(p, w);
    loop_fd_free(&w->watch);
    close_keep_errno(w->fd);
    free(w);
    p->worker_count--;
    if (p->draining)
        pool_look_for_end(p);
    else
        loop_timer_set(p->refill, refill_in_ms);
}

void
pool_look_for_end(struct pool *p)
{
    if (p->draining && p->worker_count == 0 && pool_waiting_count(p->waiting) == 0)
        loop_stop(p->d->loop);
}

void
pool_dismiss(struct worker *w)
{
    if (w->ending)
        return;
    w->ending = true;
    (void)shutdown(w->fd, SHUT_WR); /* its end of file; ours follows when it is gone */
}

/* authd says that a session holds more than it may. */
static void
end_session(void *arg, struct slice session_id)
{
    struct pool *p = arg;

    for (struct worker *w = p->busy.next; w != &p->busy; w = w->next) {
        if (!slice_eq(session_id, slice_of(w->about.session_id)))
            continue;
        if (!w->ending) /* a full socket takes no byte: then it just ends */
            (void)send(w->fd, &(char){POOL_REVOKED}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        pool_dismiss(w);
        return;
    }
}

static void
session_done(struct worker *w)
{
    struct pool *p = w->pool;

    session_ended(p, w);
    make_idle(p, w);
    if (p->draining || p->idle_count > p->ops->spare_max)
        pool_dismiss(w);
}

static void
worker_spoke(void *arg, unsigned ready)
{
    struct worker *w = arg;
    union {
        char byte;
        struct pool_request request;
    } word;
    ssize_t n = recv(w->fd, &word, sizeof(word), MSG_DONTWAIT | MSG_TRUNC);

    (void)ready;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == 1 && word.byte == POOL_PROVED && !w->idle)
        admission_know(pool_admission_of(w->pool, &w->about), &w->from, clock_mono_ms());
    else if (n == 1 && word.byte == POOL_DONE && !w->idle)
        session_done(w);
    else if (n == (ssize_t)sizeof(word.request) && w->pool->ops->successors && !w->idle)
        pool_successor_give(w, &word.request);
    else
        worker_gone(w);
}

/* A new worker, idle, or NULL with errno. It may still be on its way: its socket keeps what it is
 * sent meanwhile. */
static struct worker *
new_worker(struct pool *p)
{
    struct worker *w;
    int ends[2], rc;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return NULL;
    rc = forker_ask(p->forker_fd, ends[1]);
    close_keep_errno(ends[1]);
    if (rc < 0) {
        close_keep_errno(ends[0]);
        return NULL;
    }
    w = xcalloc(1, sizeof(*w));
    w->pool = p;
    w->fd = ends[0];
    w->kept_fd = -1;
    w->watch = loop_fd_new(p->d->loop, w->fd, LOOP_READ, worker_spoke, w);
    p->worker_count++;
    make_idle(p, w);
    stats_add(p->count.forked, 1);
    return w;
}

static void
refill(void *arg)
{
    struct pool *p = arg;

    for (unsigned i = 0; i < FORKS_PER_TURN && p->idle_count < p->ops->spare_min; i++) {
        if (new_worker(p) == NULL) { /* the forker is behind, or we are out of descriptors */
            loop_timer_set(p->refill, PAUSE_MS);
            return;
        }
    }
    if (p->idle_count < p->ops->spare_min)
        loop_timer_set(p->refill, 0);
}

/* It does not speak: this is its end. Without it there will be no more workers. */
static void
forker_gone(void *arg, unsigned ready)
{
    struct pool *p = arg;

    (void)ready;
    log_note(LOG_ERROR, "forker_gone");
    p->forker_lost = true;
    loop_fd_free(&p->forker_watch);
    loop_stop(p->d->loop);
}

/* ---- listeners ---- */

void
pool_listeners_want(struct pool *p, unsigned events)
{
    for (size_t i = 0; i < p->listener_count; i++)
        loop_fd_want(p->listeners[i].watch, events);
}

static void
resume(void *arg)
{
    struct pool *p = arg;

    if (!p->draining)
        pool_listeners_want(p, LOOP_READ);
}

struct worker *
pool_idle_worker(struct pool *p)
{
    for (struct worker *w = p->idle.next; w != &p->idle; w = w->next)
        if (!w->ending)
            return w;
    return new_worker(p);
}

/* ---- start ---- */

static void
find_listeners(struct pool *p)
{
    for (uint32_t port = 0; port < p->ops->port_count; port++) {
        for (size_t n = 0; p->listener_count < LISTENERS_MAX; n++) {
            int fd = daemon_listener(p->d, p->ops->ports[port].label, n);

            if (fd < 0)
                break;
            /* accepted sockets inherit both; a socket of another family just has none */
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
            (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
            p->listeners[p->listener_count++] =
                (struct listener){.pool = p, .port = port, .fd = fd};
        }
    }
}

/* Descriptors beside those of connections that wait. With successors there may be a relay for each
 * session, and the socket between them. */
static rlim_t
files_of_sessions(const struct pool *p)
{
    rlim_t sessions = 0;

    for (size_t i = 0; i < p->ops->port_count; i++)
        sessions += conf_u64(p->d->conf, p->ops->ports[i].clients_max);
    return sessions * (p->ops->successors ? 3 : 1) + FD_SPARE;
}

static void
open_counts(struct pool *p)
{
    struct stats *stats = p->d->stats;

    p->count.accepted = stats_counter(stats, "connections");
    p->count.refused = stats_counter(stats, "connections_refused");
    p->count.screened = stats_counter(stats, "connections_screened");
    p->count.blocked = stats_counter(stats, "connections_of_blocked");
    p->count.forked = stats_counter(stats, "workers_started");
    p->d->port_counts = xcalloc(p->ops->port_count, sizeof(*p->d->port_counts));
    for (size_t i = 0; i < p->ops->port_count; i++)
        port_counts_open(&p->d->port_counts[i], stats, p->ops->ports[i].label);
}

/* As many rows as there can be sessions, and some, so that a free one is found soon. */
static void
open_session_table(struct pool *p)
{
    char name[SERVICE_NAME_MAX + sizeof(SESSION_TABLE_PREFIX)];
    struct role figures;
    int dirfd = openat(p->d->run_dirfd, "stats", O_PATH | O_DIRECTORY | O_CLOEXEC);
    size_t rows = ROWS_SPARE;

    (void)snprintf(name, sizeof(name), SESSION_TABLE_PREFIX "%s", p->d->service);
    for (size_t i = 0; i < p->ops->port_count; i++)
        rows += conf_u64(p->d->conf, p->ops->ports[i].clients_max) * 5 / 4;
    p->d->sessions = dirfd < 0 ? NULL : session_table_make(dirfd, p->d->service, rows);
    if (p->d->is_root && role_find(p->d->conf, USERS_FIGURES, &figures) == 0)
        (void)stats_dir_share(p->d->run_dirfd, name, figures.gid); /* else figured misses them */
    if (p->d->sessions == NULL) /* sessions are served all the same */
        log_event(LOG_WARN, "session_table_failed", KV_ERRNO());
    close_keep_errno(dirfd);
}

/* As far as the system lets us: what is missing, fewer connections may wait. */
static void
raise_file_limit(struct pool *p)
{
    rlim_t sessions = files_of_sessions(p);
    unsigned waiting = p->ops->screening == NULL ? 0 : p->ops->screening->waiting_max;
    rlim_t want = sessions + waiting;
    struct rlimit now, raised;

    p->waiting_max = waiting;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0 || now.rlim_cur >= want)
        return;
    raised =
        (struct rlimit){.rlim_cur = want, .rlim_max = now.rlim_max < want ? want : now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return;
    raised = (struct rlimit){.rlim_cur = now.rlim_max, .rlim_max = now.rlim_max};
    if (now.rlim_max < want && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        now = raised;
    p->waiting_max = now.rlim_cur > sessions ? (unsigned)(now.rlim_cur - sessions) : 0;
    log_event(LOG_WARN, "file_limit", KV_U64("wanted", want), KV_U64("got", now.rlim_cur));
}

static void
open_ports(struct pool *p)
{
    const struct pool_ops *ops = p->ops;

    assert_always(ops->port_count <= POOL_PORTS_MAX);
    for (size_t i = 0; i < ops->port_count; i++)
        p->ports[i] = (struct port){&ops->ports[i], pool_admission(p->d, ops, &ops->ports[i])};
    for (size_t i = 0; i < ops->port_count && p->blocked == NULL; i++)
        if (ops->ports[i].login_only && !ops->anonymous)
            p->blocked = blocked_set_new();
    if (ops->proxies != 0)
        p->proxies = networks_of(p->d->conf, ops->proxies);
    if (ops->screening != NULL && ops->screening->friends != 0)
        p->friends = networks_of(p->d->conf, ops->screening->friends);
    find_listeners(p);
}

static _Noreturn void
give_up(const char *step)
{
    log_event(LOG_ERROR, "start_failed", KV_STR("step", step), KV_ERRNO());
    log_flush();
    exit(EX_OSERR);
}

static void
enter_sandbox(struct pool *p)
{
    struct sandbox box = p->ops->parent_box;

    box.calls |= SANDBOX_ACCEPT | SANDBOX_SEND_FDS | SANDBOX_CONNECT_UNIX;
    daemon_sandbox(p->d, &box);
}

/* ---- end ---- */

static void
hang_up(void *arg, int signo)
{
    struct pool *p = arg;

    (void)signo;
    if (p->draining)
        return;
    p->drain_unlimited = true;
    loop_stop(p->d->loop);
}

/* The forker ends, and with it every worker. */
static void
end_sessions(struct pool *p)
{
    loop_fd_free(&p->forker_watch);
    close_keep_errno(p->forker_fd);
    p->forker_fd = -1;
}

static void
farewell_passed(void *arg)
{
    struct pool *p = arg;

    end_sessions(p);
}

/* What runs now is cut, but may say so to its client first (RFC 3501 section 7.1.5). */
static void
deadline_passed(void *arg)
{
    struct pool *p = arg;

    log_event(LOG_WARN, "sessions_cut", KV_U64("sessions", p->worker_count));
    for (struct worker *w = p->busy.next; w != &p->busy; w = w->next)
        pool_dismiss(w);
    loop_timer_set(p->farewell, FAREWELL_MS);
}

static bool
must_wait(const struct pool *p)
{
    return (p->worker_count > 0 || pool_waiting_count(p->waiting) > 0) && !p->forker_lost &&
           !p->d->master_gone;
}

static void
drain(struct pool *p)
{
    p->draining = true;
    log_event(LOG_INFO, "draining", KV_U64("sessions", p->worker_count - p->idle_count));
    for (size_t i = 0; i < p->listener_count; i++) {
        loop_fd_free(&p->listeners[i].watch);
        (void)close(p->listeners[i].fd);
    }
    for (struct worker *w = p->idle.next; w != &p->idle; w = w->next)
        pool_dismiss(w);
    if (p->drain_unlimited && must_wait(p))
        daemon_run(p->d); /* until the last session, SIGTERM, or the end of master */
    pool_waiting_free(&p->waiting);
    if (must_wait(p)) {
        loop_timer_set(p->deadline, (int64_t)conf_u64(p->d->conf, SYSTEM_DRAIN_TIME));
        daemon_run(p->d);
    }
    end_sessions(p);
}

int
pool_run(struct daemon *d, const struct pool_ops *ops)
{
    struct pool *p = xcalloc(1, sizeof(*p));

    *p = (struct pool){.d = d, .ops = ops};
    p->idle.prev = p->idle.next = &p->idle;
    p->busy.prev = p->busy.next = &p->busy;
    open_ports(p);
    open_counts(p);
    loop_on_signal(d->loop, SIGHUP, hang_up, p);
    p->refill = loop_timer_new(d->loop, refill, p);
    p->pause = loop_timer_new(d->loop, resume, p);
    p->deadline = loop_timer_new(d->loop, deadline_passed, p);
    p->farewell = loop_timer_new(d->loop, farewell_passed, p);
    raise_file_limit(p);
    open_session_table(p);
    heap_tune();
    p->forker_fd = forker_start(d, ops);
    if (p->forker_fd < 0)
        give_up("forker");
    enter_sandbox(p);
    p->forker_watch = loop_fd_new(d->loop, p->forker_fd, LOOP_READ, forker_gone, p);
    if (!ops->anonymous)
        p->auth = pool_auth_new(d->loop, d->run_dirfd, p->blocked, end_session, p);
    p->waiting = pool_waiting_new(p);
    refill(p);
    for (size_t i = 0; i < p->listener_count; i++)
        p->listeners[i].watch = loop_fd_new(d->loop, p->listeners[i].fd, LOOP_READ,
                                            pool_connections_wait, &p->listeners[i]);
    daemon_ready(d);
    daemon_run(d);
    drain(p);
    pool_auth_free(&p->auth);
    blocked_set_free(&p->blocked);
    return p->forker_lost ? EX_SOFTWARE : daemon_exit_status(d);
}
