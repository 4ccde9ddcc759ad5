/*
 * lib/sys/forker.c - the process that forks a pool's workers. Reads nothing but descriptors from
 * its parent.
 */
#include "lib/sys/forker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/log/log.h"
#include "lib/sys/heap.h"
#include "lib/sys/heap_image.h"
#include "lib/sys/pool_worker.h"
#include "lib/sys/session_table.h"

#define FDS_MAX 256      /* descriptors that a daemon may have open when its pool begins */
#define WORKER_FILES 256 /* RLIMIT_NOFILE of a session */
#ifdef __SANITIZE_ADDRESS__
#define WORKER_HEAP 0 /* its shadow counts as heap */
#else
#define WORKER_HEAP (1u << 30) /* bytes: RLIMIT_DATA of a session, should a limit of ours fail */
#endif

struct forker {
    struct daemon *d;
    const struct pool_ops *ops;
    struct sandbox own_box, worker_box;
    int fd; /* to the parent */
};

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int
forker_ask(int forker_fd, int control_fd)
{
    union control control = {{0}};
    struct iovec part = {.iov_base = &(char){'F'}, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &control_fd, sizeof(int));
    return sendmsg(forker_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* The next worker's socket, or -1: the parent has gone. */
static int
receive_request(int fd)
{
    char byte;
    union control control;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *cmsg;
    int control_fd;

    if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1;
    cmsg = CMSG_FIRSTHDR(&message);
    if (cmsg == NULL || cmsg->cmsg_type != SCM_RIGHTS || cmsg->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    memcpy(&control_fd, CMSG_DATA(cmsg), sizeof(int));
    return control_fd;
}

/* ---- what it gives up ---- */

/* The loop's epoll, signalfd and pipes: no file type, or in no file system that has names. */
static bool
belongs_to_loop(int fd)
{
    struct stat st;
    struct statfs fs;

    return fstat(fd, &st) == 0 &&
           ((st.st_mode & S_IFMT) == 0 || (fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC));
}

static void
close_parents_fds(struct forker *f)
{
    for (size_t port = 0; port < f->ops->port_count; port++) {
        int fd;

        for (size_t n = 0; (fd = daemon_listener(f->d, f->ops->ports[port].label, n)) >= 0; n++)
            (void)close(fd);
    }
    for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++)
        if (belongs_to_loop(fd))
            (void)close(fd);
    close_keep_errno(f->d->control_fd);
    close_keep_errno(f->d->run_dirfd); /* a directory from outside the chroot leads out of it */
    f->d->control_fd = f->d->run_dirfd = -1;
}

/* What is the same for all workers the forker puts on, and they inherit it. */
static void
split_sandbox(struct forker *f)
{
    f->own_box = f->worker_box = f->ops->worker_box;
    if (f->own_box.files_max == 0)
        f->own_box.files_max = WORKER_FILES;
    if (f->own_box.heap_max == 0)
        f->own_box.heap_max = WORKER_HEAP;
    f->own_box.calls |= SANDBOX_FORK | SANDBOX_RESTRICT;
    f->own_box.landlock = f->own_box.dir_count > 0; /* none named: left to the sessions */
    f->worker_box.landlock = false;
    f->worker_box.uid = (uid_t)-1;
}

static int
give_up(struct forker *f)
{
    if (sandbox_enter(&f->own_box) < 0)
        return -1;
    for (size_t i = 0; i < f->own_box.dir_count && !f->ops->keep_dirs; i++)
        (void)close(f->own_box.dirs[i].fd); /* Landlock's rules stay */
    return sandbox_prepare(&f->worker_box);
}

/* ---- its work ---- */

static void
reap(const struct forker *f)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        stats_process_end(f->d->stats, pid);
        session_table_forget(f->d->sessions, pid);
        if (WIFSIGNALED(status))
            log_event(LOG_ERROR, "worker_killed", KV_U64("worker", pid),
                      KV_STR("signal", sigabbrev_np(WTERMSIG(status))));
        else if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS)
            log_event(LOG_ERROR, "worker_failed", KV_U64("worker", pid),
                      KV_U64("status", WEXITSTATUS(status)));
    }
    log_flush();
}

static void
fork_worker(const struct forker *f, int control_fd)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)close(f->fd);
        pool_worker_run(f->d, f->ops, &f->worker_box, control_fd);
    }
    if (pid < 0)
        log_event(LOG_ERROR, "fork_failed", KV_ERRNO());
    close_keep_errno(control_fd);
}

static void
note_child(int signo)
{
    (void)signo; /* it is enough that ppoll returns */
}

static _Noreturn void
run(const struct forker *f)
{
    struct pollfd p = {.fd = f->fd, .events = POLLIN};
    sigset_t none;

    (void)sigemptyset(&none); /* cannot fail */
    for (;;) {
        int control_fd;

        if (ppoll(&p, 1, NULL, &none) < 1) {
            reap(f);
            continue;
        }
        control_fd = receive_request(f->fd);
        if (control_fd < 0)
            _exit(EXIT_SUCCESS); /* the workers are told by the kernel */
        fork_worker(f, control_fd);
    }
}

static void
catch_children(void)
{
    struct sigaction act = {.sa_handler = note_child};
    sigset_t child;

    (void)sigemptyset(&child); /* none of these can fail for these arguments */
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_SETMASK, &child, NULL);
    (void)sigaction(SIGCHLD, &act, NULL);
    (void)signal(SIGTERM, SIG_IGN); /* sent to a whole group: the parent decides */
    (void)signal(SIGINT, SIG_IGN);
}

static _Noreturn void
begin(struct forker *f, pid_t parent)
{
    int image_fd;

    log_forked();
    stats_process_begin(f->d->stats, "forker");
    close_parents_fds(f);
    catch_children();
    image_fd = heap_image_open();
    if (give_up(f) < 0) {
        log_event(LOG_ERROR, "forker_failed", KV_ERRNO());
        log_flush();
        _exit(EX_OSERR);
    }
    sandbox_die_with_parent();
    if (getppid() != parent)
        _exit(EXIT_SUCCESS);
    stats_process_state(f->d->stats, "running");
    heap_seal();
    (void)heap_image_make(image_fd); /* without it sessions take more memory, no more */
    run(f);
}

int
forker_start(struct daemon *d, const struct pool_ops *ops)
{
    struct forker f = {.d = d, .ops = ops};
    pid_t parent = getpid(), pid;
    int ends[2];

    split_sandbox(&f);
    if (d->is_root && (f.own_box.chroot_fd = daemon_empty_dir(d)) < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        f.fd = ends[1];
        begin(&f, parent);
    }
    close_keep_errno(ends[1]);
    close_keep_errno(f.own_box.chroot_fd);
    if (pid < 0) {
        close_keep_errno(ends[0]);
        return -1;
    }
    return ends[0];
}
