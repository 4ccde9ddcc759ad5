/*
 * lib/sys/daemon.c - what every program that master starts has in common.
 *
 * Input: the command line and the environment, both written by master (or by whoever starts a
 * daemon by hand). Runs as the user who started it until daemon_sandbox.
 *
 * The environment:
 *   POSTHORN_ROOT        the instance's directory; absent: the installed paths
 *   POSTHORN_CONF        the configuration to read: master's validated copy
 *   POSTHORN_SERVICE     the row of services.conf
 *   POSTHORN_LISTENERS   "label:fd label:fd ..."
 *   POSTHORN_LOG_FD      datagram socket connected to logd
 *   POSTHORN_CONTROL_FD  stream socket to master: "R" goes up when ready, "C" when a service that
 * may (acmed) wants a reload; its end: master is gone
 */
#include "lib/sys/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/role.h"
#include "lib/log/log.h"
#include "lib/sys/loop_log.h"
#include "lib/sys/stats_dir.h"

#define ERRORS_MAX 65536
#define EMPTY_DIR "empty" /* below run/ */

/* Start-up errors go to stderr: master reads it and tells `posthorn start`. */
__attribute__((format(printf, 2, 3))) static _Noreturn void
die(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    /* clang-tidy 14 does not see va_start in a function that ends the process. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(status);
}

/* "--root DIR" is for starting a daemon by hand; master names the root in the environment. */
static const char *
root_option(const char *name, int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--root") == 0)
        return argv[2];
    if (argc != 1)
        die(EX_USAGE, "%s is started by master; the command is: posthorn start", name);
    return getenv("POSTHORN_ROOT");
}

static int
fd_from_env(const char *variable)
{
    const char *text = getenv(variable);
    uint64_t fd;

    if (text == NULL)
        return -1;
    if (parse_u64(slice_of(text), INT32_MAX, &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
        die(EX_USAGE, "%s: not an open descriptor: %s", variable, text);
    (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC); /* it is open, as was just seen */
    return (int)fd;
}

static void
load_configuration(struct daemon *d)
{
    struct strbuf errors = strbuf_new(ERRORS_MAX);
    const char *path = getenv("POSTHORN_CONF");
    const char *level;

    d->conf = conf_load(path != NULL ? path : d->inst.conf_path, &errors);
    if (d->conf == NULL)
        die(EX_CONFIG, "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
    level = conf_str(d->conf, LOG_LEVEL);
    log_set_level(strcmp(level, "error") == 0   ? LOG_ERROR
                  : strcmp(level, "warn") == 0  ? LOG_WARN
                  : strcmp(level, "debug") == 0 ? LOG_DEBUG
                                                : LOG_INFO);
}

/* Each new layer shows in this process's row of the process table; so it does in children. */
static void
show_landlock(void *arg, int abi, unsigned layers)
{
    stats_process_landlock(arg, abi, layers);
}

static void
open_stats(struct daemon *d)
{
    struct role figures;
    int dirfd;

    if (mkdirat(d->run_dirfd, "stats", 0700) < 0 && errno != EEXIST)
        die(EX_CANTCREAT, "%s/stats: %s", d->inst.run, strerror(errno));
    dirfd = openat(d->run_dirfd, "stats", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        die(EX_NOPERM, "%s/stats: %s", d->inst.run, strerror(errno));
    d->stats = stats_open(dirfd, d->service, true);
    if (d->stats == NULL)
        die(EX_CANTCREAT, "%s/stats/%s: %s", d->inst.run, d->service, strerror(errno));
    close_keep_errno(dirfd);
    if (d->is_root && role_find(d->conf, USERS_FIGURES, &figures) == 0)
        (void)stats_dir_share(d->run_dirfd, d->service, figures.gid); /* else its figures lack */
    stats_process_begin(d->stats, "parent");
    stats_process_landlock(d->stats, sandbox_landlock_abi(), 0);
    sandbox_observe(show_landlock, d->stats);
}

void
daemon_init(struct daemon *d, const char *name, int argc, char **argv)
{
    const char *service = getenv("POSTHORN_SERVICE");

    memset(d, 0, sizeof(*d));
    d->name = name;
    d->service = service != NULL ? service : name;
    d->is_root = geteuid() == 0;
    (void)umask(077);
    (void)signal(SIGPIPE, SIG_IGN); /* neither can fail for these signals */
    (void)signal(SIGHUP, SIG_IGN);
    instance_init(&d->inst, root_option(name, argc, argv));
    d->log_fd = fd_from_env("POSTHORN_LOG_FD");
    d->control_fd = fd_from_env("POSTHORN_CONTROL_FD");
    /* Lines bear the name of the file that was started, which is what logd looks for. */
    log_open(program_invocation_short_name, d->service, d->log_fd);
    load_configuration(d);
    d->run_dirfd = daemon_open_dir(d, d->inst.run, true);
    open_stats(d);
    d->loop = loop_new();
    loop_flush_log(d->loop);
}

/* Splits "label:fd" off *list. False at its end; exits if it is damaged. */
static bool
next_listener(struct slice *list, struct slice *label, int *fd)
{
    struct slice item;
    uint64_t number;

    do {
        if (list->len == 0)
            return false;
        item = slice_split(list, ' ');
    } while (item.len == 0);
    *label = slice_split(&item, ':');
    if (parse_u64(item, INT32_MAX, &number) < 0)
        die(EX_USAGE, "POSTHORN_LISTENERS is damaged");
    *fd = (int)number;
    return true;
}

int
daemon_listener(const struct daemon *d, const char *label, size_t n)
{
    struct slice list = slice_of(getenv("POSTHORN_LISTENERS")), found;
    int fd;

    (void)d;
    while (next_listener(&list, &found, &fd)) {
        if (!slice_eq(found, slice_of(label)) || n-- > 0)
            continue;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            die(EX_USAGE, "listener %s: descriptor %d: %s", label, fd, strerror(errno));
        return fd;
    }
    return -1;
}

int
daemon_open_dir(const struct daemon *d, const char *path, bool path_only)
{
    int fd = open(path, (path_only ? O_PATH : O_RDONLY) | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        die(EX_NOINPUT, "%s: %s: %s", d->name, path, strerror(errno));
    return fd;
}

int
daemon_open_optional_dir(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int
daemon_empty_dir(const struct daemon *d)
{
    if (mkdirat(d->run_dirfd, EMPTY_DIR, 0555) < 0 && errno != EEXIST)
        return -1;
    if (fchmodat(d->run_dirfd, EMPTY_DIR, 0555, 0) < 0) /* whatever the umask was */
        return -1;
    return openat(d->run_dirfd, EMPTY_DIR, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static struct role
find_role(const struct daemon *d, enum conf_id user)
{
    struct role role = {getuid(), getgid()};

    if (d->is_root && role_find(d->conf, user, &role) < 0)
        die(EX_NOUSER,
            "users.%s: '%s' is no user for a service: expected a name from /etc/passwd or uid:gid, "
            "and not root; the command is: posthorn config set users.%s, or after an update of the "
            "programs: posthorn setup --upgrade",
            conf_settings[user].name, conf_str(d->conf, user), conf_settings[user].name);
    return role;
}

uid_t
daemon_role_uid(const struct daemon *d, enum conf_id user)
{
    return find_role(d, user).uid;
}

uid_t
daemon_role_uid_or_none(const struct daemon *d, enum conf_id user)
{
    struct role role = {getuid(), getgid()};

    return d->is_root && role_find(d->conf, user, &role) < 0 ? (uid_t)-1 : role.uid;
}

gid_t
daemon_role_gid(const struct daemon *d, enum conf_id user)
{
    return find_role(d, user).gid;
}

struct sandbox
daemon_sandbox_base(const struct daemon *d, enum conf_id user)
{
    struct role role = find_role(d, user);

    return (struct sandbox){
        .uid = d->is_root ? role.uid : (uid_t)-1,
        .gid = d->is_root ? role.gid : (gid_t)-1,
        .chroot_fd = -1,
        .landlock = true,
    };
}

int
daemon_own_dir(const struct daemon *d, const char *name, enum conf_id user)
{
    int db_fd = daemon_open_dir(d, d->inst.db, false), fd = -1;

    if (mkdirat(db_fd, name, 0700) == 0 || errno == EEXIST)
        fd = openat(db_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 ||
        (d->is_root && fchown(fd, daemon_role_uid(d, user), daemon_role_gid(d, user)) < 0))
        die(EX_CANTCREAT, "%s: %s/%s: %s", d->name, d->inst.db, name, strerror(errno));
    (void)close(db_fd);
    return fd;
}

void
daemon_sandbox(struct daemon *d, const struct sandbox *box)
{
    if (sandbox_enter(box) < 0) {
        log_event(LOG_ERROR, "sandbox_failed", KV_ERRNO());
        die(EX_OSERR, "%s: the sandbox could not be entered: %s", d->name, strerror(errno));
    }
}

void
daemon_ready(struct daemon *d)
{
    stats_process_state(d->stats, "running");
    log_note(LOG_INFO, "ready");
    log_flush();
    if (d->control_fd >= 0)
        (void)write_all(d->control_fd, SLICE("R")); /* a lost master is seen by the loop */
}

void
daemon_files_changed(struct daemon *d)
{
    if (d->control_fd >= 0)
        (void)write_all(d->control_fd, SLICE("C")); /* a lost master is seen by the loop */
}

static void
stop_on_signal(void *arg, int signo)
{
    struct daemon *d = arg;

    (void)signo;
    loop_stop(d->loop);
}

static void
control_ready(void *arg, unsigned ready)
{
    struct daemon *d = arg;
    char bytes[64];
    ssize_t n = read(d->control_fd, bytes, sizeof(bytes));

    (void)ready;
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
        log_note(LOG_WARN, "master_gone");
        d->master_gone = true;
        loop_stop(d->loop);
    }
}

void
daemon_run(struct daemon *d)
{
    struct loop_fd *control = NULL;

    loop_on_signal(d->loop, SIGTERM, stop_on_signal, d);
    loop_on_signal(d->loop, SIGINT, stop_on_signal, d);
    if (d->control_fd >= 0)
        control = loop_fd_new(d->loop, d->control_fd, LOOP_READ, control_ready, d);
    loop_run(d->loop);
    loop_fd_free(&control);
    stats_process_state(d->stats, "stopping");
}

int
daemon_exit_status(struct daemon *d)
{
    log_note(LOG_INFO, "stopped");
    log_flush();
    stats_process_end(d->stats, getpid());
    return EXIT_SUCCESS;
}
