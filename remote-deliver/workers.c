/*
 * remote-deliver/workers.c - keeps the agents running. The parent talks to nobody but them and
 * master.
 */
#include "remote-deliver/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "remote-deliver/agent.h"

enum { RESTART_PAUSE_MS = 1000, STOP_POLL_MS = 20, FDS_LOOKED_AT = 64 };

struct workers {
    struct daemon *daemon;
    const struct remote_settings *settings;
    const struct sandbox *box;
    const struct scratch *scratch; /* one for each worker */
    pid_t *pids;                   /* likewise; 0: it does not run */
    struct counters counters;
    unsigned running;
    int stop_pipe[2]; /* its end of file tells the workers to end */
    struct loop_timer *restart;
};

/* The loop's descriptors (epoll, signalfd) have no file type; nobody but the parent may hold them,
 * nor its line to master. */
static void
close_parents_fds(const struct workers *w)
{
    for (int fd = STDERR_FILENO + 1; fd < FDS_LOOKED_AT; fd++) {
        struct stat st;

        if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0)
            close_keep_errno(fd);
    }
    close_keep_errno(w->daemon->control_fd);
    close_keep_errno(w->stop_pipe[1]);
}

static _Noreturn void
run_child(const struct workers *w, unsigned number, pid_t parent)
{
    sigset_t none;

    sandbox_die_with_parent();
    if (getppid() != parent)
        _exit(EXIT_SUCCESS);
    (void)sigemptyset(&none); /* neither can fail for these arguments */
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    close_parents_fds(w);
    scratch_keep_one(w->scratch, w->settings->workers, number);
    log_forked();
    stats_process_begin(w->daemon->stats, "worker");
    stats_process_landlock(w->daemon->stats, sandbox_landlock_abi(), sandbox_landlock_layers());
    if (sandbox_enter(w->box) < 0) {
        log_flush();
        _exit(EX_OSERR);
    }
    agent_run(w->daemon, w->settings, &w->scratch[number], &w->counters, w->stop_pipe[0]);
}

static void
fill_up(void *arg)
{
    struct workers *w = arg;
    pid_t parent = getpid();

    log_flush(); /* a child must not inherit unsent lines */
    for (unsigned i = 0; i < w->settings->workers; i++) {
        pid_t pid = w->pids[i] != 0 ? w->pids[i] : fork();

        if (pid == 0)
            run_child(w, i, parent);
        if (pid < 0) {
            log_event(LOG_ERROR, "fork_failed", KV_ERRNO());
            loop_timer_set(w->restart, RESTART_PAUSE_MS);
            return;
        }
        w->running += w->pids[i] == 0;
        w->pids[i] = pid;
    }
}

static void
forget(struct workers *w, pid_t pid)
{
    for (unsigned i = 0; i < w->settings->workers; i++)
        if (w->pids[i] == pid)
            w->pids[i] = 0;
    w->running--;
}

static void
reap(struct workers *w)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        forget(w, pid);
        stats_process_end(w->daemon->stats, pid);
        if (WIFSIGNALED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            log_event(LOG_ERROR, "worker_died", KV_U64("worker", pid),
                      KV_U64("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
                      KV_U64("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
    }
}

static void
children_ended(void *arg, int signo)
{
    struct workers *w = arg;

    (void)signo;
    reap(w);
    loop_timer_set(w->restart, RESTART_PAUSE_MS); /* one that dies at once must not keep us busy */
}

struct workers *
workers_start(struct daemon *d, const struct remote_settings *settings,
              const struct scratch *scratch, const struct sandbox *box)
{
    struct workers *w = xcalloc(1, sizeof(*w));

    *w = (struct workers){.daemon = d,
                          .settings = settings,
                          .box = box,
                          .scratch = scratch,
                          .pids = xcalloc(settings->workers, sizeof(*w->pids)),
                          .counters = counters_open(d->stats)};
    if (pipe2(w->stop_pipe, O_CLOEXEC) < 0) {
        log_event(LOG_ERROR, "pipe_failed", KV_ERRNO());
        log_flush();
        exit(EX_OSERR);
    }
    w->restart = loop_timer_new(d->loop, fill_up, w);
    loop_on_signal(d->loop, SIGCHLD, children_ended, w);
    fill_up(w);
    return w;
}

void
workers_stop(struct workers **wp, int64_t wait_ms)
{
    static const struct timespec step = {.tv_nsec = STOP_POLL_MS * 1000000L};
    struct workers *w = *wp;
    int64_t deadline = clock_mono_ms() + wait_ms;

    loop_timer_free(&w->restart);
    close_keep_errno(w->stop_pipe[1]);
    for (reap(w); w->running > 0 && clock_mono_ms() < deadline; reap(w))
        (void)nanosleep(&step, NULL); /* shorter is harmless */
    if (w->running > 0)
        log_event(LOG_WARN, "workers_cut_off", KV_U64("count", w->running));
    close_keep_errno(w->stop_pipe[0]);
    xfree(&w->pids);
    xfree(wp);
}
