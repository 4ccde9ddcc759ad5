/*
 * lib/sys/keeper.c - forks worker processes and replaces those that die.
 *
 * Workers may compute and answer on their socket, nothing else but what their sandbox says. What
 * they work on comes from strangers: one that goes wrong costs its job.
 */
#include "lib/sys/keeper.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { RESPAWN_PAUSE_MS = 200 };

struct keeper {
    const struct daemon *daemon;
    const struct keeper_plan *plan;
    int fds[KEEPER_WORKERS_MAX]; /* the workers' ends */
    pid_t pids[KEEPER_WORKERS_MAX];
};

static void
start_worker(struct keeper *keeper, unsigned i)
{
    const struct keeper_plan *plan = keeper->plan;
    pid_t pid = fork();

    if (pid < 0) {
        log_event(LOG_ERROR, "worker_fork", KV_STR("role", plan->worker_role), KV_ERRNO());
        keeper->pids[i] = 0; /* tried again at the next turn */
        return;
    }
    if (pid > 0) {
        keeper->pids[i] = pid;
        return;
    }
    log_forked();
    sandbox_die_with_parent();
    stats_process_begin(keeper->daemon->stats, plan->worker_role);
    if (sandbox_enter(&plan->box) < 0)
        _exit(EX_NOPERM);
    for (unsigned other = 0; other < plan->width; other++)
        if (other != i)
            (void)close(keeper->fds[other]); /* nothing to do about a failure */
    stats_process_state(keeper->daemon->stats, "running");
    plan->work(plan->arg, keeper->fds[i]);
    _exit(EX_SOFTWARE);
}

/* What the dead one has not read is lost with it: a successor would take it for its own, and give
 * answers that nobody waits for. */
static void
drop_unread(int fd)
{
    char first;

    while (recv(fd, &first, sizeof(first), MSG_DONTWAIT) > 0) /* a packet, whatever its length */
        continue;
}

static void
worker_died(struct keeper *keeper, pid_t pid, int status)
{
    stats_process_end(keeper->daemon->stats, pid);
    for (unsigned i = 0; i < keeper->plan->width; i++) {
        struct slice lost = keeper->plan->lost;

        if (keeper->pids[i] != pid)
            continue;
        keeper->pids[i] = 0;
        log_event(LOG_WARN, "worker_died", KV_STR("role", keeper->plan->worker_role),
                  KV_I64("pid", pid), KV_I64("status", status));
        drop_unread(keeper->fds[i]);
        (void)send(keeper->fds[i], lost.ptr, lost.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static _Noreturn void
keep(struct keeper *keeper)
{
    static const struct timespec pause = {.tv_nsec = RESPAWN_PAUSE_MS * 1000000L};

    for (;;) {
        int status;
        pid_t pid;

        for (unsigned i = 0; i < keeper->plan->width; i++)
            if (keeper->pids[i] == 0)
                start_worker(keeper, i);
        log_flush();
        pid = waitpid(-1, &status, 0);
        /* A worker ends by itself only when the front is gone. The front's death signal does not
         * reach us: Landlock lets no process signal outside of its own domain. */
        if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK)
            _exit(EX_OK);
        if (pid > 0)
            worker_died(keeper, pid, status);
        (void)nanosleep(&pause, NULL); /* a worker that cannot start must not keep us busy */
    }
}

static bool
is_kept(const struct keeper *keeper, int fd)
{
    for (unsigned i = 0; i < keeper->plan->width; i++)
        if (fd == keeper->fds[i])
            return true;
    for (size_t i = 0; i < keeper->plan->keep_count; i++)
        if (fd == keeper->plan->keep[i])
            return true;
    return fd == keeper->daemon->log_fd;
}

static int
highest_kept(const struct keeper *keeper)
{
    int highest = keeper->daemon->log_fd;

    for (unsigned i = 0; i < keeper->plan->width; i++)
        if (keeper->fds[i] > highest)
            highest = keeper->fds[i];
    for (size_t i = 0; i < keeper->plan->keep_count; i++)
        if (keeper->plan->keep[i] > highest)
            highest = keeper->plan->keep[i];
    return highest;
}

/* What the front has open is no business of ours: the workers' sockets and what they work on stay,
 * and the log. */
static void
drop_descriptors(const struct keeper *keeper)
{
    int highest = highest_kept(keeper);

    for (int fd = STDERR_FILENO + 1; fd <= highest; fd++)
        if (!is_kept(keeper, fd))
            (void)close(fd);                          /* most numbers are not open */
    (void)close_range((unsigned)highest + 1, ~0U, 0); /* cannot fail with these arguments */
}

static void
make_sockets(struct keeper *keeper, int front[KEEPER_WORKERS_MAX])
{
    for (unsigned i = 0; i < keeper->plan->width; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
            fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
            err(EX_OSERR, "cannot make a socket for a %s", keeper->plan->worker_role);
        front[i] = pair[0];
        keeper->fds[i] = pair[1];
    }
}

static _Noreturn void
keeper_main(struct keeper *keeper)
{
    struct sandbox box = keeper->plan->box;

    log_forked();
    stats_process_begin(keeper->daemon->stats, keeper->plan->keeper_role);
    drop_descriptors(keeper);
    /* what the workers' own sandboxes need on their way in, and they may only take away */
    box.calls |= SANDBOX_FORK | SANDBOX_THREADS | SANDBOX_RESTRICT | SANDBOX_CHROOT;
    if (box.dir_count > 0)
        box.calls |= SANDBOX_LANDLOCK;
    box.memory_max = 0;
    if (sandbox_enter(&box) < 0 || sandbox_prepare(&keeper->plan->box) < 0)
        _exit(EX_NOPERM);
    sandbox_die_with_parent(); /* after the change of user, which forgets it */
    stats_process_state(keeper->daemon->stats, "running");
    keep(keeper);
}

void
keeper_start(const struct daemon *d, const struct keeper_plan *plan, int fds[KEEPER_WORKERS_MAX])
{
    struct keeper keeper = {.daemon = d, .plan = plan};
    pid_t pid;

    assert_always(plan->width >= 1 && plan->width <= KEEPER_WORKERS_MAX);
    make_sockets(&keeper, fds);
    log_flush();
    pid = fork();
    if (pid < 0)
        err(EX_OSERR, "cannot fork the %s", plan->keeper_role);
    if (pid == 0)
        keeper_main(&keeper);
    for (unsigned i = 0; i < plan->width; i++)
        (void)close(keeper.fds[i]); /* ours are the other ends */
}
