/*
 * master/main.c - binds the sockets, starts the services, keeps them alive.
 *
 * Runs as root (or as the ordinary user who owns the instance) for as long as the suite does, and
 * therefore reads nothing but its configuration, its own control socket and the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/conf/role.h"
#include "lib/ipc/log_socket.h"
#include "lib/ipc/master.h"
#include "lib/log/journal.h"
#include "lib/log/log.h"
#include "lib/sys/loop_log.h"
#include "lib/sys/sandbox.h"
#include "lib/sys/stats_dir.h"
#include "master/confine.h"
#include "master/control.h"
#include "master/lock.h"
#include "master/notify.h"
#include "master/oper_process.h"
#include "master/run_dir.h"
#include "master/suite.h"

#define ERRORS_MAX 65536

struct master {
    struct instance inst;
    bool foreground;
    struct loop *loop;
    struct suite *suite;
    struct control *control;
    struct oper_process *oper;
};

/* Our log is not open yet. */
static _Noreturn void
die(int status, const char *text)
{
    struct slice rest = slice_of(text);

    if (!journal_is_stderr()) {
        (void)fputs(text, stderr);
        (void)journal_tell(JOURNAL_SOCKET, "master", rest); /* where there is none */
        exit(status);
    }
    while (rest.len > 0) {
        struct slice line = slice_split(&rest, '\n');

        (void)fprintf(stderr, "<3>%.*s\n", (int)line.len, line.ptr);
    }
    exit(status);
}

/* master [--root DIR] [--foreground] */
static void
read_options(struct master *m, int argc, char **argv)
{
    const char *root = NULL;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--foreground") == 0)
            m->foreground = true;
        else if (strcmp(argv[i], "--root") == 0 && i + 1 < argc)
            root = argv[++i];
        else
            die(EX_USAGE,
                "master: expected --root DIR or --foreground; the command is: posthorn start\n");
    }
    instance_init(&m->inst, root);
}

/* Descriptors 0 to 2 must be taken, or a socket would get one of these numbers. What else our
 * caller has left open would go down to every daemon and session. */
static void
settle_process(void)
{
    int fd;

    (void)close_range(STDERR_FILENO + 1, ~0u, 0); /* cannot fail for these arguments */
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0) == 0);
    close_keep_errno(fd);
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN);               /* cannot fail for this signal */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* nothing of ours needs a set-uid program */
    if (chdir("/") < 0)
        die(EX_OSERR, "master: no way to /\n");
}

static void
open_log(const struct master *m, int run_dirfd, const struct conf *conf)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    /* never waits for logd */
    log_open("master", "master", log_socket_open(run_dirfd, "master", "master", SOCK_NONBLOCK));
    log_set_stderr(m->foreground);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], conf_str(conf, LOG_LEVEL)) == 0)
            log_set_level((enum log_level)i);
}

/* A row in the process table, for `posthorn status --sandbox`, and master's counters. NULL: there
 * are none. */
static struct stats *
show_process(int run_dirfd, const struct conf *conf)
{
    struct role figures;
    struct stats *stats;
    int fd;

    (void)mkdirat(run_dirfd, "stats", 0700); /* there or not, the next line tells */
    fd = openat(run_dirfd, "stats", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    stats = fd < 0 ? NULL : stats_open(fd, "master", true);
    close_keep_errno(fd);
    if (stats == NULL)
        return NULL;
    if (geteuid() == 0 && role_find(conf, USERS_FIGURES, &figures) == 0)
        (void)stats_dir_share(run_dirfd, "master", figures.gid); /* else its figures lack */
    stats_process_begin(stats, "supervisor");
    stats_process_state(stats, "running");
    stats_process_landlock(stats, sandbox_landlock_abi(), sandbox_landlock_layers());
    return stats;
}

static void
services_changed(void *arg)
{
    struct master *m = arg;

    struct strbuf complaints = strbuf_new(ERRORS_MAX);

    control_changed(m->control);
    if (suite_phase(m->suite) != SUITE_RUNNING) {
        notify_stopping(suite_stop_limit_ms(m->suite));
    } else if (suite_is_settled(m->suite)) {
        suite_complaints(m->suite, &complaints);
        notify_settled(strbuf_cstr(&complaints));
    }
    strbuf_free(&complaints);
}

static void
on_stop(void *arg, int signo)
{
    struct master *m = arg;

    (void)signo;
    suite_stop(m->suite);
}

static void
on_reload(void *arg, int signo)
{
    struct master *m = arg;
    struct strbuf errors = strbuf_new(ERRORS_MAX);

    (void)signo;
    if (suite_phase(m->suite) != SUITE_RUNNING)
        return;
    (void)suite_reload(m->suite, &errors); /* a refusal is in the log */
    strbuf_free(&errors);
}

/* From here on errors are in the log and in `posthorn status`; whoever started us sees the end of
 * our stderr and asks there. */
static void
detach(const struct master *m)
{
    int fd = m->foreground ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)dup2(fd, STDIN_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    close_keep_errno(fd);
}

static void
run(struct master *m)
{
    loop_flush_log(m->loop);
    loop_on_signal(m->loop, SIGTERM, on_stop, m);
    loop_on_signal(m->loop, SIGINT, on_stop, m);
    loop_on_signal(m->loop, SIGHUP, on_reload, m);
    notify_init(m->loop);
    oper_watch(m->oper, m->loop);
    detach(m);
    loop_run(m->loop);
}

int
main(int argc, char **argv)
{
    struct master m = {0};
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    struct config *config;
    struct stats *stats;
    int run_dirfd, lock_fd;

    read_options(&m, argc, argv);
    settle_process();
    run_dirfd = run_dir_open(m.inst.run, &errors);
    lock_fd = run_dirfd < 0 ? -1 : lock_instance(run_dirfd, m.inst.queue, &errors);
    if (lock_fd < 0)
        die(EX_CANTCREAT, strbuf_cstr(&errors));
    run_dir_clean(run_dirfd);
    m.oper =
        oper_start(&m.inst, lock_fd, &errors); /* it writes the configuration: before that ends */
    if (m.oper == NULL)
        die(EX_OSERR, strbuf_cstr(&errors));
    if (confine_master(&m.inst) < 0) /* no way back; nothing was read so far */
        die(EX_OSERR, "master: the sandbox could not be entered\n");
    config = config_load(&m.inst, &errors);
    if (config == NULL)
        die(EX_CONFIG, strbuf_cstr(&errors));
    if (!conf_bool(config->conf, GUESS_FIREWALL) && confine_without_firewall() < 0)
        die(EX_OSERR, "master: a capability could not be given up\n");
    m.loop = loop_new();
    m.suite = suite_new(m.loop, &m.inst, run_dirfd, lock_fd, config, services_changed, &m);
    m.control = control_new(m.loop, run_dirfd);
    if (m.control == NULL)
        die(EX_CANTCREAT, "master: run/" MASTER_SOCKET " could not be made\n");
    log_set_level(LOG_ERROR); /* the rest is not for whoever waits for our start */
    stats = show_process(run_dirfd, config->conf);
    suite_count_in(m.suite, stats);
    suite_start_log(m.suite);
    open_log(&m, run_dirfd, config->conf);
    suite_start(m.suite);
    control_serve(m.control, m.suite);
    run(&m);
    notify_end();
    oper_end(&m.oper);
    control_free(&m.control);
    suite_free(&m.suite);
    stats_close(&stats);
    loop_free(&m.loop);
    instance_free(&m.inst);
    strbuf_free(&errors);
    return EXIT_SUCCESS;
}
