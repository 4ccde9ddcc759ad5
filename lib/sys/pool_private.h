/*
 * lib/sys/pool_private.h - a pool's parent from the inside: for lib/sys/pool.c,
 * lib/sys/pool_start.c and lib/sys/pool_successor.c.
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
    uint32_t label;
    int fd;
    struct loop_fd *watch;
};

struct worker {
    struct pool *pool;
    struct worker *prev, *next; /* in the idle or in the busy list */
    bool idle, ending;
    int fd;
    struct loop_fd *watch;
    /* of the running session */
    bool counted; /* by p->admission; a relay is not, its successor is */
    struct ip from;
    int kept_fd;  /* the session's own socket, to give to a successor, or -1 */
    bool relayed; /* that socket leads to a relay, not to the client */
    struct pool_handover about;
};

struct pool {
    struct daemon *d;
    const struct pool_ops *ops;
    struct admission *admission;
    struct pool_auth *auth;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    int forker_fd;
    struct loop_fd *forker_watch;
    struct worker idle, busy; /* list heads */
    unsigned idle_count, worker_count;
    struct loop_timer *refill, *pause, *deadline, *farewell;
    int64_t refusals_since_ms;
    unsigned refusals_logged;
    bool draining, drain_unlimited, forker_lost;
    struct {
        _Atomic uint64_t *accepted, *refused, *forked;
    } count;
};

/* An idle worker that is not on its way out, a new one if there is none. NULL with errno. */
struct worker *pool_idle_worker(struct pool *p);
/* From the list of idle workers to that of busy ones. */
void pool_make_busy(struct worker *w);

/* ---- lib/sys/pool_start.c ---- */

/* Makes an idle worker serve the client on `client_fd`, with a channel to authd of its own.
 * `ahead_fd`: see pool_ahead_receive, or -1. Both stay the caller's. 0, or -1 with errno. */
int pool_start(struct worker *w, const struct pool_handover *about, int client_fd, int ahead_fd);

/* ---- lib/sys/pool_successor.c ---- */

/* A session wants a successor: takes a worker for it, and answers. */
void pool_successor_give(struct worker *w, const struct pool_request *request);

#endif
