/*
 * master/child.c - one daemon process, from fork to exit.
 *
 * Reads from children: single bytes, and text on stderr that is logged as it is, quoted, and
 * never interpreted. A child dies with master: the kernel sends SIGKILL when master is gone.
 */
#include "master/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/log_socket.h"
#include "lib/log/line.h"
#include "lib/log/log.h"
#include "lib/sys/sandbox.h"

#define LAST_WORDS_MAX 2000 /* bytes of stderr kept for the message of a failed start */
#define STDERR_READS_MAX 16 /* of 4 KiB in one turn */
#define LINES_PER_SECOND 50 /* of stderr that are logged: every session of the service has it */
#define ENVIRON_MAX 64      /* variables handed on */
#define LISTENERS_MAX 8192

struct child {
    struct loop *loop;
    char *service, *program;
    pid_t pid;
    int pid_fd, control_fd, stderr_fd;
    struct loop_fd *pid_watch, *control_watch, *stderr_watch;
    struct loop_timer *timer; /* start deadline, then kill deadline */
    bool ready, stopping;
    const char *killed_for; /* NULL: not by us */
    int64_t started_ms;
    struct strbuf last_words;
    int64_t lines_since_ms; /* mono: a second of stderr lines begins */
    unsigned lines;         /* in it */
    const struct child_events *events;
    void *arg;
};

/* What the new process needs, made before the fork: behind it only async-signal-safe calls. */
struct launch_kit {
    char *path;
    char *env[ENVIRON_MAX];
    size_t env_count;
    int log_fd, control_fd, stderr_fd, null_fd;
    pid_t master;
};

static void
add_env(struct launch_kit *kit, char *text)
{
    assert_always(kit->env_count + 1 < ENVIRON_MAX);
    kit->env[kit->env_count++] = text;
}

/* Nothing of the caller's environment but what steers tests and the time zone. */
static void
inherit_env(struct launch_kit *kit)
{
    static const char *const names[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
                                        "POSTHORN_TESTHOOK"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL)
            add_env(kit, xasprintf("%s=%s", names[i], value));
    }
    add_env(kit, xstrdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"));
    add_env(kit, xstrdup("LC_ALL=C.UTF-8"));
}

static char *
listeners_env(const struct socket_set *sockets)
{
    struct strbuf text = strbuf_new(LISTENERS_MAX);

    (void)strbuf_str(&text, "POSTHORN_LISTENERS=");
    for (size_t i = 0; i < sockets->count; i++)
        (void)strbuf_printf(&text, "%s%s:%d", i == 0 ? "" : " ", sockets->items[i].label,
                            sockets->items[i].fd);
    assert_always(!text.overflow);
    return strbuf_steal(&text);
}

static void
make_env(struct launch_kit *kit, const struct child_spec *spec)
{
    inherit_env(kit);
    if (spec->inst->root != NULL)
        add_env(kit, xasprintf("POSTHORN_ROOT=%s", spec->inst->root));
    add_env(kit, xasprintf("POSTHORN_CONF=%s", spec->conf_path));
    add_env(kit, xasprintf("POSTHORN_SERVICE=%s", spec->service));
    add_env(kit, listeners_env(spec->sockets));
    add_env(kit, xasprintf("POSTHORN_CONTROL_FD=%d", kit->control_fd));
    if (kit->log_fd >= 0)
        add_env(kit, xasprintf("POSTHORN_LOG_FD=%d", kit->log_fd));
}

static void
keep_open(int fd)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, 0); /* open, as we opened it */
}

/* The new process. Signals are as they were before master blocked them. */
static _Noreturn void
become(const struct launch_kit *kit, const struct child_spec *spec)
{
    char *argv[] = {kit->path, NULL};
    sigset_t none;
    int saved;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail for a valid signal */
    if (getppid() != kit->master)
        _exit(127); /* master ended before that was in force */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (!spec->keeps_net_admin && sandbox_drop_cap(CAP_NET_ADMIN) < 0)
        _exit(127);
    (void)setpgid(0, 0); /* a terminal's ^C is for master alone */
    (void)dup2(kit->null_fd, STDIN_FILENO);
    (void)dup2(kit->stderr_fd, STDOUT_FILENO);
    (void)dup2(kit->stderr_fd, STDERR_FILENO);
    keep_open(kit->log_fd);
    keep_open(kit->control_fd);
    keep_open(spec->lock_fd);
    for (size_t i = 0; i < spec->sockets->count; i++)
        keep_open(spec->sockets->items[i].fd);
    (void)execve(kit->path, argv, kit->env);
    saved = errno;
    (void)write_all(STDERR_FILENO, slice_of(kit->path)); /* nobody is left to tell of a failure */
    (void)write_all(STDERR_FILENO, SLICE(": "));
    (void)write_all(STDERR_FILENO, slice_of(strerrordesc_np(saved)));
    _exit(127);
}

static void
free_kit(struct launch_kit *kit)
{
    close_keep_errno(kit->log_fd);
    close_keep_errno(kit->control_fd);
    close_keep_errno(kit->stderr_fd);
    close_keep_errno(kit->null_fd);
    for (size_t i = 0; i < kit->env_count; i++)
        free(kit->env[i]);
    free(kit->path);
}

/* Our end of the control socket and of stderr go to the child's handle, the others into the kit. */
static int
open_channels(struct child *child, struct launch_kit *kit)
{
    int control[2] = {-1, -1}, text[2] = {-1, -1};
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control);

    if (rc == 0)
        rc = pipe2(text, O_CLOEXEC);
    kit->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    child->control_fd = control[0];
    kit->control_fd = control[1];
    child->stderr_fd = text[0];
    kit->stderr_fd = text[1];
    if (rc < 0 || kit->null_fd < 0)
        return -1;
    /* Only our ends: the child's view of a shared description must stay blocking. */
    (void)fcntl(child->control_fd, F_SETFL, O_RDWR | O_NONBLOCK);
    (void)fcntl(child->stderr_fd, F_SETFL, O_RDONLY | O_NONBLOCK);
    return 0;
}

static void
free_child(struct child *child)
{
    loop_fd_free(&child->pid_watch);
    loop_fd_free(&child->control_watch);
    loop_fd_free(&child->stderr_watch);
    loop_timer_free(&child->timer);
    close_keep_errno(child->pid_fd);
    close_keep_errno(child->control_fd);
    close_keep_errno(child->stderr_fd);
    strbuf_free(&child->last_words);
    free(child->service);
    free(child->program);
    free(child);
}

static void
tell_dropped(struct child *child)
{
    if (child->lines > LINES_PER_SECOND)
        log_event(LOG_WARN, "output_dropped", KV_STR("service", child->service),
                  KV_U64("lines", child->lines - LINES_PER_SECOND));
    child->lines = 0;
}

static bool
may_say(struct child *child)
{
    int64_t now = clock_mono_ms();

    if (now - child->lines_since_ms >= 1000) {
        tell_dropped(child);
        child->lines_since_ms = now;
    }
    return child->lines++ < LINES_PER_SECOND;
}

static void
say(struct child *child, struct slice line)
{
    line = slice_trim(line);
    if (line.len > 0 && may_say(child))
        log_event(LOG_WARN, "output", KV_STR("service", child->service),
                  KV_STR("program", child->program), KV_U64("child_pid", child->pid),
                  KV_SLICE("text", line));
}

/* For `posthorn status` and start: whatever was written, it shall not steer a terminal. */
static void
keep_words(struct child *child, struct slice text)
{
    size_t from;

    if (text.len > LAST_WORDS_MAX)
        text = slice_sub(text, text.len - LAST_WORDS_MAX, text.len);
    if (child->last_words.len + text.len > LAST_WORDS_MAX) /* the oldest go */
        strbuf_consume(&child->last_words, child->last_words.len + text.len - LAST_WORDS_MAX);
    from = child->last_words.len;
    (void)strbuf_append(&child->last_words, text);
    log_text_tame(child->last_words.ptr + from, child->last_words.len - from);
}

static void
hear(struct child *child, struct slice text)
{
    keep_words(child, text);
    while (text.len > 0)
        say(child, slice_split(&text, '\n'));
}

static void
read_stderr(void *arg, unsigned ready)
{
    struct child *child = arg;
    char bytes[4096];

    (void)ready;
    for (int i = 0; i < STDERR_READS_MAX; i++) {
        ssize_t n = read(child->stderr_fd, bytes, sizeof(bytes));

        if (n > 0) {
            hear(child, slice_make(bytes, (size_t)n));
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            loop_fd_want(child->stderr_watch, 0);
        return;
    }
}

static void
read_control(void *arg, unsigned ready)
{
    struct child *child = arg;
    char byte;
    ssize_t n = read(child->control_fd, &byte, 1);

    (void)ready;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        loop_fd_want(child->control_watch, 0); /* it is ending: the pid descriptor tells */
    if (n == 1 && byte == 'C' && child->ready && !child->stopping)
        child->events->files_changed(child, child->arg);
    if (n != 1 || byte != 'R' || child->ready)
        return;
    child->ready = true;
    if (!child->stopping)
        loop_timer_cancel(child->timer);
    child->events->ready(child, child->arg);
}

static void
describe_end(const struct child *child, int status, struct strbuf *why)
{
    struct slice words = slice_trim(strbuf_slice(&child->last_words));

    if (child->killed_for != NULL)
        (void)strbuf_str(why, child->killed_for);
    else if (WIFSIGNALED(status))
        (void)strbuf_printf(why, "%s was ended by signal %d", child->program, WTERMSIG(status));
    else if (words.len == 0 || WEXITSTATUS(status) == 0)
        (void)strbuf_printf(why, "%s ended with status %d", child->program, WEXITSTATUS(status));
    if (words.len > 0 && (child->killed_for != NULL || status != 0)) {
        (void)strbuf_str(why, why->len > 0 ? ": " : "");
        (void)strbuf_append(why, words);
    }
}

static void
reaped(void *arg, unsigned ready)
{
    struct child *child = arg;
    struct strbuf why = strbuf_new(LAST_WORDS_MAX + 256);
    int status;

    (void)ready;
    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return;
    read_stderr(child, LOOP_READ); /* what it said at last */
    tell_dropped(child);
    describe_end(child, status, &why);
    log_event(child->stopping && status == 0 ? LOG_INFO : LOG_WARN, "process_ended",
              KV_STR("service", child->service), KV_U64("child_pid", child->pid),
              KV_STR("how", strbuf_cstr(&why)));
    child->events->exited(child, strbuf_cstr(&why), child->arg);
    strbuf_free(&why);
    free_child(child);
}

static void
time_is_up(void *arg)
{
    struct child *child = arg;

    child->killed_for = child->stopping ? "did not stop in time and was killed"
                                        : "did not become ready in time and was killed";
    (void)kill(child->pid, SIGKILL); /* it is not reaped yet, so the pid is its own */
}

static int
watch_child(struct child *child, int64_t start_timeout_ms)
{
    child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (child->pid_fd < 0)
        return -1;
    child->pid_watch = loop_fd_new(child->loop, child->pid_fd, LOOP_READ, reaped, child);
    child->control_watch =
        loop_fd_new(child->loop, child->control_fd, LOOP_READ, read_control, child);
    child->stderr_watch = loop_fd_new(child->loop, child->stderr_fd, LOOP_READ, read_stderr, child);
    child->timer = loop_timer_new(child->loop, time_is_up, child);
    loop_timer_set(child->timer, start_timeout_ms);
    return 0;
}

struct child *
child_start(struct loop *loop, const struct child_spec *spec, const struct child_events *events,
            void *arg)
{
    struct child *child = xcalloc(1, sizeof(*child));
    /* A socket of its own for each child: its buffer is then nobody else's. Without one it logs to
     * stderr, which we read. */
    struct launch_kit kit = {.log_fd =
                                 log_socket_open(spec->run_dirfd, spec->service, spec->program, 0),
                             .master = getpid()};

    *child = (struct child){.loop = loop, .events = events, .arg = arg, .pid_fd = -1};
    child->service = xstrdup(spec->service);
    child->program = xstrdup(spec->program);
    child->started_ms = clock_mono_ms();
    child->last_words = strbuf_new(LAST_WORDS_MAX);
    kit.path = xasprintf("%s/%s", spec->inst->libexec, spec->program);
    child->pid = -1;
    if (open_channels(child, &kit) == 0) {
        make_env(&kit, spec);
        child->pid = fork();
        if (child->pid == 0)
            become(&kit, spec);
    }
    free_kit(&kit);
    if (child->pid > 0 && watch_child(child, spec->start_timeout_ms) == 0)
        return child;
    if (child->pid > 0)
        child_kill(&child);
    else
        free_child(child);
    return NULL;
}

void
child_drain(struct child *child)
{
    child->stopping = true;
    (void)kill(child->pid, SIGHUP); /* not reaped yet: the pid is its own */
    loop_timer_cancel(child->timer);
}

void
child_stop(struct child *child, int64_t kill_in_ms)
{
    child->stopping = true;
    (void)kill(child->pid, SIGTERM); /* not reaped yet: the pid is its own */
    loop_timer_set(child->timer, kill_in_ms);
}

void
child_kill(struct child **childp)
{
    struct child *child = *childp;

    *childp = NULL;
    (void)kill(child->pid, SIGKILL); /* not reaped yet: the pid is its own */
    (void)waitpid(child->pid, NULL, 0);
    free_child(child);
}

pid_t
child_pid(const struct child *child)
{
    return child->pid;
}

bool
child_is_ready(const struct child *child)
{
    return child->ready;
}

bool
child_is_stopping(const struct child *child)
{
    return child->stopping;
}

int64_t
child_started_ms(const struct child *child)
{
    return child->started_ms;
}
