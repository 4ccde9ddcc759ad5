/*
 * lib/sys/one_shot.c - forks, confines and listens to a process that talks to strangers.
 *
 * The child has no directory and can open no path. What it writes is limited in length here and
 * parsed by who wanted it.
 */
#include "lib/sys/one_shot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { READ_STEP = 16384 };

struct one_shot {
    void (*done)(void *arg, struct slice reply);
    void *arg;
    int fd;
    struct loop_fd *watch;
    struct strbuf reply;
};

static size_t
reply_max(const struct one_shot_options *options)
{
    return options->reply_max == 0 ? ONE_SHOT_REPLY_MAX : options->reply_max;
}

/* ---- in the child ---- */

/* The connections of those who ask, and the directories, are no business of this process. */
static void
close_others(int pipe_fd, int log_fd)
{
    unsigned low = (unsigned)(pipe_fd < log_fd ? pipe_fd : log_fd);
    unsigned high = (unsigned)(pipe_fd < log_fd ? log_fd : pipe_fd);

    /* none of these can fail */
    if (low > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, low - 1, 0);
    if (high > low + 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, ~0U, 0);
}

static _Noreturn void
run_child(const struct one_shot_options *options, void (*errand)(void *arg, struct strbuf *reply),
          void *arg, int pipe_fd)
{
    struct strbuf reply = strbuf_new(reply_max(options));
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    sandbox_die_with_parent();
    log_forked();
    close_others(pipe_fd, options->daemon->log_fd);
    if (sandbox_enter(options->box) < 0)
        _exit(EXIT_FAILURE);
    errand(arg, &reply);
    _exit(write_all(pipe_fd, strbuf_slice(&reply)) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* ---- in the parent ---- */

void
one_shot_stop(struct one_shot **childp)
{
    struct one_shot *c = *childp;

    if (c == NULL)
        return;
    loop_fd_free(&c->watch);
    (void)close(c->fd); /* only read from; the child's next word ends it */
    strbuf_free(&c->reply);
    xfree(childp);
}

static void
ended(struct one_shot *c)
{
    c->done(c->arg, strbuf_slice(&c->reply));
    one_shot_stop(&c);
}

static void
ready(void *arg, unsigned events)
{
    struct one_shot *c = arg;
    char *room = strbuf_room(&c->reply, READ_STEP);
    ssize_t n;

    (void)events;
    if (room == NULL) { /* more than it can have been told to write */
        strbuf_clear(&c->reply);
        ended(c);
        return;
    }
    n = read(c->fd, room, READ_STEP);
    if (n > 0)
        strbuf_grew(&c->reply, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        ended(c);
}

struct one_shot *
one_shot_start(const struct one_shot_options *options,
               void (*errand)(void *arg, struct strbuf *reply),
               void (*done)(void *arg, struct slice reply), void *arg)
{
    struct one_shot *c;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return NULL;
    log_flush(); /* the child must not have unsent lines */
    pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_child(options, errand, arg, ends[1]);
    }
    close_keep_errno(ends[1]);
    if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        close_keep_errno(ends[0]);
        return NULL;
    }
    c = xcalloc(1, sizeof(*c));
    *c = (struct one_shot){.done = done,
                           .arg = arg,
                           .fd = ends[0],
                           .reply = strbuf_new(reply_max(options) + READ_STEP)};
    c->watch = loop_fd_new(options->daemon->loop, c->fd, LOOP_READ, ready, c);
    return c;
}

static void
reap(void *arg, int signo)
{
    (void)arg;
    (void)signo;
    while (waitpid(-1, NULL, WNOHANG) > 0) /* what a child had to say went through its pipe */
        continue;
}

void
one_shot_reap_all(struct loop *loop)
{
    loop_on_signal(loop, SIGCHLD, reap, NULL);
}
