/*
 * t/unit/test_sandbox.c - lib/sys/sandbox: a child enters the sandbox and tries what it must not.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/sys/sandbox.h"

#define SOME_UID 64321
#define KILLED 1000 /* beyond every errno */

static char dir_path[] = "/tmp/test_sandbox_XXXXXX";
static int dir_fd, inside_fd, empty_fd;

static void
make_dirs(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir_path));
    ck_assert_int_eq(chmod(dir_path, 0711), 0);
    dir_fd = open(dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(mkdirat(dir_fd, "inside", 0777) | fchmodat(dir_fd, "inside", 0777, 0), 0);
    ck_assert_int_eq(mkdirat(dir_fd, "empty", 0555), 0);
    ck_assert_int_eq(replace_file(dir_fd, "secret", SLICE("outside"), 0644), 0);
    if (geteuid() == 0) /* so that nothing but the sandbox refuses to change it */
        ck_assert_int_eq(fchownat(dir_fd, "secret", SOME_UID, SOME_UID, 0), 0);
    ck_assert_int_eq(symlinkat("../secret", dir_fd, "inside/link"), 0);
    inside_fd = openat(dir_fd, "inside", O_PATH | O_DIRECTORY | O_CLOEXEC);
    empty_fd = openat(dir_fd, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert(inside_fd >= 0 && empty_fd >= 0);
}

static void
remove_dirs(void)
{
    (void)unlinkat(dir_fd, "inside/new", 0);
    (void)unlinkat(dir_fd, "inside/made", 0);
    (void)unlinkat(dir_fd, "inside/link", 0);
    (void)unlinkat(dir_fd, "inside", AT_REMOVEDIR);
    (void)unlinkat(dir_fd, "empty", AT_REMOVEDIR);
    (void)unlinkat(dir_fd, "secret", 0);
    (void)rmdir(dir_path);
}

/* ---- what the child tries: 0 if it got through, else errno ---- */

static int
result_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int
try_open(int at, const char *path, int flags)
{
    return result_of(openat(at, path, flags, 0600));
}
static int
try_passwd(void)
{
    return try_open(AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static int
try_dotdot(void)
{
    return try_open(inside_fd, "../secret", O_RDONLY);
}
static int
try_deep_dotdot(void)
{
    return try_open(inside_fd, "../../../../../../etc/passwd", O_RDONLY);
}
static int
try_symlink(void)
{
    return try_open(inside_fd, "link", O_RDONLY);
}
static int
try_create(void)
{
    return try_open(inside_fd, "new", O_WRONLY | O_CREAT);
}
static int
try_connect(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd < 0 ? errno : result_of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}
static int
try_unix_socket(void)
{
    return result_of(socket(AF_UNIX, SOCK_STREAM, 0));
}
static int
try_netlink(void)
{
    return result_of(socket(AF_NETLINK, SOCK_RAW, 0));
}
static int
try_exec(void)
{
    return result_of(execl("/bin/true", "true", (char *)NULL));
}
static int
try_ptrace(void)
{
    return result_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}
static int
try_kill(void)
{
    return result_of(kill(getppid(), 0));
}
/* A limit on processor time kills like a signal. The filter cannot tell whose number it is. */
static int
try_limit_by_pid(void)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    return result_of(prlimit(getpid(), RLIMIT_CPU, &limit, NULL));
}
static int
try_limit_self(void)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};

    return result_of(syscall(SYS_setrlimit, RLIMIT_CORE, &limit));
}
/* Outside of the one directory, which Landlock does not ask about. */
static int
try_chmod(void)
{
    return result_of(fchmodat(inside_fd, "../secret", 0644, 0));
}
static int
try_utimes(void)
{
    return result_of(utimensat(inside_fd, "../secret", NULL, 0));
}
static int
try_kill_by_fcntl(void)
{
    int fds[2] = {-1, -1};

    if (pipe2(fds, O_CLOEXEC) < 0)
        return 0;
    return result_of(fcntl(fds[0], F_SETOWN, getppid()));
}
static int
try_fork(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    return result_of(pid);
}
static int
try_shared_clone(void)
{
    long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, 0);

    if (pid == 0)
        _exit(0);
    return result_of(pid);
}
static int
try_io_uring(void)
{
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}
static int
try_executable_memory(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at == MAP_FAILED ? errno : 0;
}
static int
try_setuid(void)
{
    return result_of(setuid(0));
}
static int
try_chroot(void)
{
    return result_of(chroot("/"));
}
static int
try_namespace(void)
{
    return result_of(unshare(CLONE_NEWUSER));
}
static int
try_clone3(void)
{
    return result_of(syscall(SYS_clone3, NULL, 0));
}
static int
try_dumpable(void)
{
    return prctl(PR_GET_DUMPABLE) == 0 ? EPERM : 0;
}

struct attempt {
    const char *name;
    int (*run)(void);
    unsigned calls;
    bool landlock, chroot; /* with `inside` as the one directory */
    int expected;          /* -1: any error */
};

#define SESSION (SANDBOX_FILES | SANDBOX_LANDLOCK)

static const struct attempt attempts[] = {
    {"open, no files at all", try_passwd, 0, false, false, EPERM},
    {"open, landlock", try_passwd, SESSION, true, false, EACCES},
    {"open, chroot", try_passwd, SESSION, false, true, ENOENT},
    {"..", try_dotdot, SESSION, true, true, EACCES},
    {"../..", try_deep_dotdot, SESSION, true, true, EACCES},
    {"symlink out", try_symlink, SESSION, true, false, EACCES},
    {"create inside", try_create, SESSION, true, true, 0},
    {"connect", try_connect, SESSION, true, true, EPERM},
    {"unix socket", try_unix_socket, SESSION, true, true, EPERM},
    {"unix socket, allowed", try_unix_socket, SANDBOX_CONNECT_UNIX, false, false, 0},
    {"netlink", try_netlink, SANDBOX_CONNECT_UNIX | SANDBOX_INTERNET, false, false, EPERM},
    {"connect, unix only", try_connect, SANDBOX_CONNECT_UNIX, false, false, EPERM},
    {"connect, allowed", try_connect, SANDBOX_INTERNET, true, false, ECONNREFUSED},
    {"exec", try_exec, ~0u >> 1, false, false, KILLED},
    {"ptrace", try_ptrace, ~0u >> 1, false, false, KILLED},
    {"io_uring", try_io_uring, ~0u >> 1, false, false, KILLED},
    {"namespace", try_namespace, ~0u >> 1, false, false, KILLED},
    {"kill", try_kill, SESSION, false, false, EPERM},
    {"kill by F_SETOWN", try_kill_by_fcntl, SESSION | SANDBOX_INOTIFY, false, false, EPERM},
    {"kill, allowed, other user", try_kill, SANDBOX_KILL, false, false, EPERM},
    {"limit a process", try_limit_by_pid, SESSION | SANDBOX_RESTRICT, false, false, EPERM},
    {"limit oneself", try_limit_self, SANDBOX_RESTRICT, false, false, 0},
    {"limit oneself, session", try_limit_self, SESSION, false, false, EPERM},
    {"chmod outside", try_chmod, SESSION, true, true, EPERM},
    {"utimes outside", try_utimes, SESSION, true, true, EPERM},
    {"clone that shares", try_shared_clone, SANDBOX_FORK, false, false, EPERM},
    {"fork, session", try_fork, SESSION, false, false, EPERM},
    {"fork, allowed", try_fork, SANDBOX_FORK, false, false, 0},
    {"clone3", try_clone3, SESSION, false, false, ENOSYS},
    {"executable memory", try_executable_memory, SESSION, false, false, EPERM},
    {"setuid", try_setuid, SESSION, false, false, EPERM},
    {"chroot", try_chroot, SANDBOX_CHROOT, false, false, EPERM},
    {"dumpable", try_dumpable, SESSION | SANDBOX_RESTRICT, false, false, EPERM},
};

static struct sandbox
box_of(const struct attempt *a)
{
    struct sandbox box = {
        .uid = SOME_UID,
        .gid = SOME_UID,
        .chroot_fd = a->chroot ? empty_fd : -1,
        .landlock = a->landlock,
        .dirs = {{inside_fd, SANDBOX_READ | SANDBOX_WRITE}},
        .dir_count = 1,
        .calls = a->calls,
    };

    return box;
}

/* Runs the attempt in a child; `over`: groups in force before (a worker below its parent). */
static int
run_attempt(const struct attempt *a, unsigned over)
{
    int status, pipe_fds[2], result = KILLED;
    pid_t pid;

    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid = fork();
    if (pid == 0) {
        struct sandbox box = box_of(a), parent = box;

        parent.calls |= over | SANDBOX_RESTRICT | SANDBOX_CHROOT;
        parent.landlock = false;
        parent.chroot_fd = -1;
        parent.keep_caps = 1u << 18; /* CAP_SYS_CHROOT */
        if (over != 0 && sandbox_enter(&parent) < 0)
            _exit(2);
        if (sandbox_enter(&box) < 0)
            _exit(3);
        result = a->run();
        _exit(write(pipe_fds[1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 4);
    }
    ck_assert_int_eq(close(pipe_fds[1]), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (read(pipe_fds[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%s: status %x", a->name,
                      (unsigned)status);
    (void)close(pipe_fds[0]);
    return result;
}

/* Without root there is no other user and no chroot to enter. */
static bool
needs_root(const struct attempt *a)
{
    return a->chroot || a->run == try_setuid || a->run == try_chroot || a->run == try_kill;
}

static void
check_attempt(const struct attempt *a, unsigned over)
{
    int expected = a->expected, result;

    if ((needs_root(a) && geteuid() != 0) || (a->landlock && sandbox_landlock_abi() == 0))
        return;
    result = run_attempt(a, over);
    ck_assert_msg(result == expected, "%s: %d instead of %d", a->name, result, expected);
}

START_TEST(sandboxed_child_is_refused)
{
    check_attempt(&attempts[_i], 0);
}
END_TEST

/* The second program only takes away: together they must be the list of the worker. */
START_TEST(worker_below_a_wider_parent_is_refused_the_same)
{
    check_attempt(&attempts[_i], SANDBOX_FILES | SANDBOX_ACCEPT | SANDBOX_FORK | SANDBOX_SEND_FDS |
                                     SANDBOX_CONNECT_UNIX | SANDBOX_INTERNET | SANDBOX_KILL);
}
END_TEST

START_TEST(root_is_no_sandbox_user)
{
    struct sandbox box = {.uid = 0, .gid = 0, .chroot_fd = -1};

    if (geteuid() != 0)
        return;
    ck_assert_int_eq(sandbox_enter(&box), -1);
    ck_assert_int_eq(errno, EINVAL);
}
END_TEST

static unsigned layers_seen;

static void
note_layers(void *arg, int abi, unsigned layers)
{
    (void)arg;
    layers_seen = abi == sandbox_landlock_abi() ? layers : 0;
}

/* The number of the first step that is not as it should be; 0: all are. */
static int
tighten_step_by_step(void)
{
    struct sandbox box = {.uid = (uid_t)-1, .chroot_fd = -1, .landlock = true, .calls = ~0u >> 1};
    const struct sandbox_dir dir = {dir_fd, SANDBOX_READ};

    box.dirs[box.dir_count++] = dir;
    sandbox_observe(note_layers, NULL);
    if (sandbox_enter(&box) < 0 || layers_seen != 1)
        return 1;
    if (sandbox_restrict_paths(&dir, 1) < 0 || layers_seen != 2 || sandbox_landlock_layers() != 2)
        return 2;
    if (try_open(dir_fd, "secret", O_RDONLY) != 0)
        return 3;
    return try_open(dir_fd, "new", O_WRONLY | O_CREAT) == EACCES ? 0 : 4;
}

START_TEST(each_layer_is_told_and_tightens)
{
    pid_t pid;
    int status;

    if (sandbox_landlock_abi() == 0)
        return;
    pid = fork();
    if (pid == 0)
        _exit(tighten_step_by_step());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- a process that only carries bytes any more ---- */

/* The number of the first step that is not as it should be; 0: all are. */
static int
keep_two(void)
{
    struct sandbox box = {.uid = (uid_t)-1,
                          .chroot_fd = -1,
                          .landlock = true,
                          .calls = SANDBOX_FILES | SANDBOX_LANDLOCK | SANDBOX_NARROW};
    unsigned layers;
    int ends[2];
    char byte;

    box.dirs[box.dir_count++] = (struct sandbox_dir){dir_fd, SANDBOX_READ};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || sandbox_enter(&box) < 0)
        return 1;
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0)
        return 2; /* narrowing is all that SANDBOX_NARROW gives */
    layers = sandbox_landlock_layers();
    if (try_open(dir_fd, "secret", O_RDONLY) != 0 || sandbox_keep_only(ends, 2) < 0)
        return 3;
    if (sandbox_landlock_abi() > 0 && sandbox_landlock_layers() != layers + 1)
        return 4;
    if (close(dir_fd) == 0 || errno != EBADF)
        return 5;
    if (write(ends[0], "x", 1) != 1 || read(ends[1], &byte, 1) != 1)
        return 6;
    if (try_passwd() != EPERM || result_of(socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) != EPERM ||
        result_of(dup(ends[0])) != EPERM || result_of(fsync(ends[0])) != EPERM)
        return 7;
    return 0;
}

START_TEST(who_keeps_two_sockets_has_nothing_else)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) /* not _exit: in front of it, AddressSanitizer makes a call that is refused */
        (void)syscall(SYS_exit_group, keep_two());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- a process that stays root ---- */

#define ROOT_CAPS (1u << CAP_KILL | 1u << CAP_SETUID | 1u << CAP_SETPCAP)

static int
confine_root(void)
{
    const struct sandbox_dir dirs[] = {{inside_fd, SANDBOX_WRITE}, {empty_fd, SANDBOX_READ}};

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return sandbox_confine_root(ROOT_CAPS, dirs, ARRAY_LEN(dirs));
}

/* The number of the first step that is not as it should be; 0: all are. */
static int
stay_root(void)
{
    if (confine_root() < 0)
        return 1;
    if (try_passwd() != 0 || try_open(dir_fd, "secret", O_RDONLY) != 0)
        return 2; /* reading is as before */
    if (sandbox_landlock_abi() >= 2 && (try_open(dir_fd, "secret", O_WRONLY) != EACCES ||
                                        try_open(empty_fd, "new", O_WRONLY | O_CREAT) != EACCES))
        return 3;
    if (try_open(inside_fd, "made", O_WRONLY | O_CREAT) != 0 || unlinkat(inside_fd, "made", 0) < 0)
        return 4;
    if (try_dumpable() != EPERM)
        return 5;
    if (geteuid() == 0 && (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0 ||
                           prctl(PR_CAPBSET_READ, CAP_KILL) != 1 || chroot("/") == 0))
        return 6;
    return 0;
}

START_TEST(who_stays_root_keeps_what_is_needed)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(stay_root());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* What it starts is held to the same; the program that it execs sees the reduced set. */
START_TEST(what_root_starts_inherits_it)
{
    static const char script[] = "exec 2>&-; grep -q '^CapEff:.*%s$' /proc/self/status && "
                                 "! echo >%s/secret && echo >%s/inside/made";
    char command[512];
    pid_t pid;
    int status;

    if (geteuid() != 0 || sandbox_landlock_abi() < 2)
        return;
    (void)snprintf(command, sizeof(command), script, "0000000001a0", dir_path, dir_path);
    pid = fork();
    if (pid == 0) {
        if (confine_root() == 0)
            (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(99);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* Waits, sandboxed, for a byte that never comes; says before that it is there. */
static void
wait_in_sandbox(int ready_fd, int never_fd)
{
    struct sandbox box = box_of(&attempts[0]);
    char c;

    sandbox_die_with_parent();
    if (sandbox_enter(&box) < 0 || write(ready_fd, "r", 1) != 1)
        _exit(1);
    _exit(read(never_fd, &c, 1) < 0 ? 2 : 3);
}

/* A switch of the user forgets the parent's death signal (prctl(2)). */
START_TEST(who_is_sandboxed_still_dies_with_its_parent)
{
    int lives[2], never[2];
    struct pollfd end;
    pid_t parent;
    char c;

    ck_assert(pipe(lives) == 0 && pipe(never) == 0);
    parent = fork();
    if (parent == 0) {
        (void)close(never[1]);
        if (fork() == 0)
            wait_in_sandbox(lives[1], never[0]);
        _exit(read(lives[0], &c, 1) == 1 ? 0 : 1);
    }
    (void)close(lives[1]);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    end = (struct pollfd){.fd = lives[0], .events = POLLIN};
    ck_assert_int_eq(poll(&end, 1, 3000), 1);
    ck_assert_int_eq(read(lives[0], &c, 1), 0); /* nobody has the other end any more */
    (void)close(lives[0]);
    (void)close(never[1]);
}
END_TEST

START_TEST(root_that_traces_is_killed)
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(confine_root() < 0 ? 1 : try_ptrace());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sandbox");
    TCase *tc = tcase_create("sandbox");
    SRunner *sr;
    int failed;

    tcase_add_unchecked_fixture(tc, make_dirs, remove_dirs);
    tcase_add_loop_test(tc, sandboxed_child_is_refused, 0, (int)ARRAY_LEN(attempts));
    tcase_add_loop_test(tc, worker_below_a_wider_parent_is_refused_the_same, 0,
                        (int)ARRAY_LEN(attempts));
    tcase_add_test(tc, root_is_no_sandbox_user);
    tcase_add_test(tc, each_layer_is_told_and_tightens);
    tcase_add_test(tc, who_keeps_two_sockets_has_nothing_else);
    tcase_add_test(tc, who_stays_root_keeps_what_is_needed);
    tcase_add_test(tc, what_root_starts_inherits_it);
    tcase_add_test(tc, who_is_sandboxed_still_dies_with_its_parent);
    tcase_add_test(tc, root_that_traces_is_killed);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
