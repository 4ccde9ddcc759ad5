/*
 * master/lock.c - two locks: one in the run directory, one in the queue's.
 *
 * run/master.lock is master's own and tells a second one to go away. queue/instance.lock is
 * inherited by every process of the suite (a flock belongs to the open file): after a kill -9 of
 * master the next one waits for it, so that no daemon of the old generation still works on the
 * queue or the database. It lies with what it guards: run/ is swept away by whoever believes that
 * we have ended (systemd does it when a start fails), and a second suite must not come in by that.
 * Versions before this one had it in run/: a suite of theirs is waited for there.
 */
#include "master/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/master.h"

#define WAIT_MS 10000
#define STEP_MS 10

static int
open_lock(int dirfd, const char *name, int flags, struct strbuf *error)
{
    int fd = openat(dirfd, name, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        (void)strbuf_printf(error, "%s: %s\n", name, strerror(errno));
    return fd;
}

static int
be_only_master(int run_dirfd, struct strbuf *error)
{
    int fd = open_lock(run_dirfd, MASTER_LOCK, O_RDWR, error);
    struct strbuf pid = strbuf_new(32);
    char text[32];

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)read_file(run_dirfd, MASTER_LOCK, &pid); /* without it the message says less */
        (void)strbuf_printf(error, "it is running already (pid %s)\n",
                            strbuf_cstr(&pid)[0] != '\0' ? strbuf_cstr(&pid) : "unknown");
        strbuf_free(&pid);
        close_keep_errno(fd);
        return -1;
    }
    (void)snprintf(text, sizeof(text), "%d", getpid());
    if (ftruncate(fd, 0) == 0)
        (void)write_all(fd, slice_of(text)); /* only for the message above */
    return 0;                                /* the descriptor stays open as long as we live */
}

/* Until nobody else holds it. 0, or -1 with a line in `error`. */
static int
wait_for(int fd, int64_t deadline, struct strbuf *error)
{
    static const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (clock_mono_ms() > deadline) {
            (void)strbuf_printf(error, "processes of an earlier start still run after %d s\n",
                                WAIT_MS / 1000);
            return -1;
        }
        (void)nanosleep(&step, NULL); /* shorter is harmless */
    }
    return 0;
}

/* Until a suite of an older version has gone. */
static int
wait_for_older(int run_dirfd, int64_t deadline, struct strbuf *error)
{
    int fd = openat(run_dirfd, INSTANCE_LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0) {
        (void)strbuf_printf(error, "%s: %s\n", INSTANCE_LOCK, strerror(errno));
        return -1;
    }
    rc = wait_for(fd, deadline, error);
    close_keep_errno(fd);
    return rc;
}

int
lock_instance(int run_dirfd, const char *queue, struct strbuf *error)
{
    int64_t deadline = clock_mono_ms() + WAIT_MS;
    int queue_dirfd, fd;

    if (be_only_master(run_dirfd, error) < 0 || wait_for_older(run_dirfd, deadline, error) < 0)
        return -1;
    queue_dirfd = open(queue, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (queue_dirfd < 0) {
        (void)strbuf_printf(error, "%s: %s\n", queue, strerror(errno));
        return -1;
    }
    /* Every session has it: there is nothing to be written through it. */
    fd = open_lock(queue_dirfd, INSTANCE_LOCK, O_RDONLY, error);
    close_keep_errno(queue_dirfd);
    if (fd >= 0 && wait_for(fd, deadline, error) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}
