/*
 * local-deliver/crew.c - the worker processes: started, replaced when they die, stopped.
 *
 * A worker ends when its end of the stop pipe says so, or with its parent. One that dies at once
 * again and again is started no more often than every RESTART_PAUSE_MS.
 */
#include "local-deliver/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { RESTART_PAUSE_MS = 200, STOP_WAIT_MS = 10000, STOP_STEP_MS = 5 };

struct crew {
    struct daemon *daemon;
    struct worker pattern;
    size_t size;
    pid_t *pids;      /* 0: not running */
    int stop_pipe[2]; /* nobody writes: closing our end is the order */
    struct loop_timer *again;
};

static _Noreturn void
be_worker(const struct crew *c)
{
    struct worker w = c->pattern;

    (void)close(c->stop_pipe[1]);
    sandbox_die_with_parent();
    log_forked();
    stats_process_begin(c->daemon->stats, "worker");
    w.stop_fd = c->stop_pipe[0];
    worker_run(&w);
    log_flush();
    stats_process_end(c->daemon->stats, getpid());
    _exit(EX_OK);
}

static void
start_missing(void *arg)
{
    struct crew *c = arg;

    for (size_t i = 0; i < c->size; i++) {
        if (c->pids[i] != 0)
            continue;
        log_flush();
        c->pids[i] = fork();
        if (c->pids[i] == 0)
            be_worker(c);
        if (c->pids[i] < 0) {
            log_event(LOG_ERROR, "fork_failed", KV_ERRNO());
            c->pids[i] = 0;
            loop_timer_set(c->again, RESTART_PAUSE_MS);
        }
    }
}

/* Forgets the workers that have ended. Returns how many are left. */
static size_t
reap(struct crew *c)
{
    size_t left = 0;

    for (size_t i = 0; i < c->size; i++) {
        int status;

        if (c->pids[i] == 0)
            continue;
        if (waitpid(c->pids[i], &status, WNOHANG) == c->pids[i]) {
            log_event(LOG_WARN, "worker_ended", KV_I64("worker_pid", c->pids[i]),
                      KV_I64("status", status));
            stats_process_end(c->daemon->stats, c->pids[i]);
            c->pids[i] = 0;
        } else {
            left++;
        }
    }
    return left;
}

static void
child_ended(void *arg, int signo)
{
    struct crew *c = arg;

    (void)signo;
    (void)reap(c);
    loop_timer_set(c->again, RESTART_PAUSE_MS);
}

struct crew *
crew_start(struct daemon *d, const struct worker *w)
{
    struct crew *c = xcalloc(1, sizeof(*c));

    c->daemon = d;
    c->pattern = *w;
    c->size = (size_t)conf_u64(d->conf, LOCAL_WORKERS);
    c->pids = xcalloc(c->size, sizeof(*c->pids));
    if (pipe2(c->stop_pipe, O_CLOEXEC) < 0) {
        log_event(LOG_ERROR, "pipe_failed", KV_ERRNO());
        exit(EX_OSERR);
    }
    c->again = loop_timer_new(d->loop, start_missing, c);
    start_missing(c);
    loop_on_signal(d->loop, SIGCHLD, child_ended, c);
    return c;
}

void
crew_stop(struct crew **crewp)
{
    struct crew *c = *crewp;
    int64_t end = clock_mono_ms() + STOP_WAIT_MS;
    const struct timespec step = {.tv_nsec = STOP_STEP_MS * 1000000L};

    close_keep_errno(c->stop_pipe[1]);
    while (reap(c) > 0 && clock_mono_ms() < end)
        (void)nanosleep(&step, NULL); /* shorter is harmless */
    for (size_t i = 0; i < c->size; i++)
        if (c->pids[i] != 0)
            (void)kill(c->pids[i], SIGKILL); /* its jobs are in doubt, nothing is lost */
    close_keep_errno(c->stop_pipe[0]);
    loop_timer_free(&c->again);
    free(c->pids);
    xfree(crewp);
}
