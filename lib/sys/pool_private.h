/*
 * lib/sys/pool_private.h - a pool's parent from the inside: for lib/sys/pool.c and the other files
 * lib/sys/pool_*.c that are a part of it.
 */
#ifndef POSTHORN_LIB_SYS_POOL_PRIVATE_H
#define POSTHORN_LIB_SYS_POOL_PRIVATE_H

#include "lib/base/cidr.h"
#include "lib/sys/admission.h"
#include "lib/sys/pool.h"
#include "lib/sys/pool_auth.h"
#include "lib/sys/pool_worker.h"

#define LISTENERS_MAX 64
#define SESSION_ID_LEN 10

struct listener {
    struct pool *pool;
    uint32_t port; /* index into ports */
    int fd;
    struct loop_fd *watch;
};

struct port {
    const struct pool_port *is;
    struct admission *admission;
};

/* A connection that has no worker yet. */
struct arrival {
    int fd;
    struct ip from;
    struct pool_handover about;
};

struct worker {
    struct pool *pool;
    struct worker *prev, *next; /* in the idle or in the busy list */
    bool idle, ending;
    int fd;
    struct loop_fd *watch;
    /* of the running session */
    bool counted; /* by its port's admission, with a place; a relay is not, its successor is */
    struct ip from;
    int kept_fd;  /* the session's own socket, to give to a successor, or -1 */
    bool relayed; /* that socket leads to a relay, not to the client */
    struct pool_handover about;
};

struct pool {
    struct daemon *d;
    const struct pool_ops *ops;
    struct port ports[POOL_PORTS_MAX];
    struct networks proxies, friends;
    struct pool_auth *auth;
    struct blocked_set *blocked; /* NULL: no port is for logins alone */
    struct pool_waiting *waiting;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    int forker_fd;
    struct loop_fd *forker_watch;
    struct worker idle, busy; /* list heads */
    unsigned idle_count, worker_count, waiting_max;
    struct loop_timer *refill, *pause, *deadline, *farewell;
    int64_t refusals_since_ms;
    unsigned refusals_logged;
    bool draining, drain_unlimited, forker_lost;
    struct {
        _Atomic uint64_t *accepted, *refused, *screened, *forked, *blocked;
    } count;
};

/* An idle worker that is not on its way out, a new one if there is none. NULL with errno. */
struct worker *pool_idle_worker(struct pool *p);
/* From the list of idle workers to that of busy ones. */
void pool_make_busy(struct worker *w);
/* Closing its socket is how a worker is told to end: a waiting one ends, a session says goodbye. */
void pool_dismiss(struct worker *w);
/* Some work has ended: is it the last of a pool that drains? */
void pool_look_for_end(struct pool *p);
void pool_listeners_want(struct pool *p, unsigned events);

static inline struct admission *
pool_admission_of(const struct pool *p, const struct pool_handover *about)
{
    return p->ports[about->port].admission;
}

/* ---- lib/sys/pool_accept.c ---- */

/* For a listener's loop_fd: `arg` is the struct listener. */
void pool_connections_wait(void *arg, unsigned ready);
/* The client's address is known: its limits, then the screening or a session. Takes a->fd. */
void pool_arrived(struct pool *p, const struct arrival *a);
/* Gives an arrival that was admitted to a worker, or sends it away. Takes a->fd. */
void pool_serve(struct pool *p, const struct arrival *a);
/* Tells it why, if there is a text, and closes a->fd. `verdict`: OK if it is not for admission that
 * it has to go, and the caller logs it. */
void pool_send_away(struct pool *p, const struct arrival *a, enum pool_refusal why,
                    enum admission_verdict verdict);
/* A flood of clients that are sent away is counted, but shall not fill the log. */
bool pool_may_log(struct pool *p);

/* ---- lib/sys/pool_waiting.c ---- */

struct pool_waiting *pool_waiting_new(struct pool *p);
void pool_waiting_free(struct pool_waiting **waitingp); /* sends all of them away */
size_t pool_waiting_count(const struct pool_waiting *waiting);
/* Sends the one away that waits longest. False: nobody waits. */
bool pool_waiting_evict(struct pool_waiting *waiting);
/* Until its PROXY header has come. Takes a->fd. */
void pool_wait_for_header(struct pool_waiting *waiting, const struct arrival *a);
/* From the test for early talkers to the first line. Takes a->fd. */
void pool_screen(struct pool_waiting *waiting, const struct arrival *a);

/* ---- lib/sys/pool_start.c ---- */

/* Makes an idle worker serve the client on `client_fd`, with a channel to authd of its own.
 * `ahead_fd`: see pool_ahead_receive, or -1. Both stay the caller's. 0, or -1 with errno. */
int pool_start(struct worker *w, const struct pool_handover *about, int client_fd, int ahead_fd);

/* ---- lib/sys/pool_successor.c ---- */

/* A session wants a successor: takes a worker for it, and answers. */
void pool_successor_give(struct worker *w, const struct pool_request *request);

#endif
