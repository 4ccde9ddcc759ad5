/*
 * lib/sys/testhook.c - what an attacker would try first who runs code in a session worker.
 *
 * Empty but for a build with TESTHOOKS=1, which is never installed.
 */
#include "lib/sys/testhook.h"

/* A translation unit must not be empty. */
extern int testhook_is_built;
int testhook_is_built;

#ifdef POSTHORN_TESTHOOKS

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define KEYWORD SLICE("XTESTHOOK ")
#define FDS_MAX 1024

static int
result_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int
number_of(const char *argument)
{
    uint64_t number = 0;

    return parse_u64(slice_of(argument), INT32_MAX, &number) < 0 ? 0 : (int)number;
}

static int
attack_open(const char *path)
{
    return result_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int
attack_create(const char *path)
{
    return result_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

/* The same path relative to every descriptor that the process has, with and without "..". */
static int
attack_openat(const char *path)
{
    int last = ENOTDIR;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        int rc = result_of(openat(fd, path, O_RDONLY | O_CLOEXEC));

        if (rc == 0)
            return 0;
        if (rc != EBADF && rc != ENOTDIR)
            last = rc;
    }
    return last;
}

/* What Landlock does not ask about: a mode and a time, by name from every descriptor. */
static int
attack_chmod(const char *path)
{
    int last = ENOTDIR;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (fchmodat(fd, path, 0777, 0) == 0)
            return 0;
        if (errno != EBADF && errno != ENOTDIR)
            last = errno;
    }
    return last;
}

/* Writes a file, made if it is not there, below a directory that the worker holds. */
static int
attack_writeat(const char *path)
{
    int last = ENOTDIR;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        int rc = result_of(openat(fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

        if (rc == 0)
            return 0;
        if (rc != EBADF && rc != ENOTDIR && rc != ENOENT)
            last = rc;
    }
    return last;
}

static int
attack_unlinkat(const char *path)
{
    int last = ENOTDIR;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (unlinkat(fd, path, 0) == 0)
            return 0;
        if (errno != EBADF && errno != ENOTDIR && errno != ENOENT)
            last = errno;
    }
    return last;
}

static int
attack_utimes(const char *path)
{
    int last = ENOTDIR;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (utimensat(fd, path, NULL, 0) == 0)
            return 0;
        if (errno != EBADF && errno != ENOTDIR)
            last = errno;
    }
    return last;
}

static int
connect_to(int fd, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return result_of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
attack_connect(const char *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd < 0 ? errno : connect_to(fd, number_of(port));
}

/* A connected socket can be dissolved and sent elsewhere. */
static int
attack_reconnect(const char *port)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int last = ENOTSOCK;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        int rc = result_of(connect(fd, &nowhere, sizeof(nowhere)));

        if (rc == 0)
            rc = connect_to(fd, number_of(port));
        if (rc == 0)
            return 0;
        if (rc != EBADF && rc != ENOTSOCK)
            last = rc;
    }
    return last;
}

static int
attack_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    memcpy(to.sun_path, path, strnlen(path, sizeof(to.sun_path) - 1));
    return result_of(connect(fd, (struct sockaddr *)&to, sizeof(to)));
}

static int
attack_listeners(const char *argument)
{
    (void)argument;
    for (int fd = 0; fd < FDS_MAX; fd++) {
        int listens = 0;
        socklen_t len = sizeof(listens);

        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0)
            return 0;
    }
    return EBADF;
}

static int
attack_exec(const char *path)
{
    return result_of(execl(path, path, (char *)NULL));
}

static int
attack_fork(const char *argument)
{
    pid_t pid = fork();

    (void)argument;
    if (pid == 0)
        _exit(0);
    return result_of(pid);
}

static int
attack_kill(const char *pid)
{
    return result_of(kill(number_of(pid), 0));
}

static int
attack_fcntl_kill(const char *pid)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    return result_of(fcntl(fds[0], F_SETOWN, number_of(pid)));
}

/* A limit on processor time kills like a signal. */
static int
attack_prlimit(const char *pid)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};

    return result_of(prlimit(number_of(pid), RLIMIT_CPU, &limit, NULL));
}

static int
attack_ptrace(const char *pid)
{
    return result_of(ptrace(PTRACE_ATTACH, number_of(pid), NULL, NULL));
}

static int
attack_peek(const char *pid)
{
    char byte;
    struct iovec to = {.iov_base = &byte, .iov_len = 1};
    struct iovec from = {.iov_base = &byte, .iov_len = 1};

    return result_of(process_vm_readv(number_of(pid), &to, 1, &from, 1, 0));
}

static int
attack_io_uring(const char *argument)
{
    (void)argument;
    return result_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int
attack_setuid(const char *argument)
{
    (void)argument;
    return result_of(setresuid(0, 0, 0));
}

static int
attack_chroot(const char *path)
{
    return result_of(chroot(path));
}

static int
attack_unshare(const char *argument)
{
    (void)argument;
    return result_of(unshare(CLONE_NEWUSER));
}

static int
attack_code(const char *argument)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)argument;
    return at == MAP_FAILED ? errno : result_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

/* In another program's name, and into another service's file. */
static int
attack_forge(const char *argument)
{
    char text[512];
    int sent = 0;

    for (int fd = 0; fd < FDS_MAX; fd++) {
        int type = 0, len;
        socklen_t size = sizeof(type);

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_DGRAM)
            continue;
        len =
            snprintf(text, sizeof(text),
                     "queue\n2026-11-23T10:00:00.123Z queue-manager[1] info event=%s\n", argument);
        sent += write(fd, text, (size_t)len) == len;
        for (int tries = 0; tries < 2; tries++) { /* its own file: another's pid, then its own */
            len = snprintf(text, sizeof(text),
                           "%s\n2026-11-23T10:00:00.123Z authd[%d] info event=%s\n",
                           getenv("POSTHORN_SERVICE"), tries == 0 ? 1 : getpid(), argument);
            sent += write(fd, text, (size_t)len) == len;
        }
    }
    return sent > 0 ? 0 : EBADF;
}

/* Not an attack: lets the test know whom to attack. */
static int
attack_alive(const char *argument)
{
    (void)argument;
    return 0;
}

struct attack {
    const char *name;
    int (*run)(const char *argument); /* 0: got through; else the errno of the refusal */
};

static const struct attack attacks[] = {
    {"open", attack_open},         {"create", attack_create},
    {"openat", attack_openat},     {"connect", attack_connect},
    {"unix", attack_unix},         {"reconnect", attack_reconnect},
    {"exec", attack_exec},         {"listeners", attack_listeners},
    {"fork", attack_fork},         {"kill", attack_kill},
    {"ptrace", attack_ptrace},     {"fcntl_kill", attack_fcntl_kill},
    {"peek", attack_peek},         {"io_uring", attack_io_uring},
    {"setuid", attack_setuid},     {"chroot", attack_chroot},
    {"unshare", attack_unshare},   {"code", attack_code},
    {"prlimit", attack_prlimit},   {"chmod", attack_chmod},
    {"utimes", attack_utimes},     {"forge", attack_forge},
    {"alive", attack_alive},       {"writeat", attack_writeat},
    {"unlinkat", attack_unlinkat},
};

static const struct attack *
attack_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(attacks); i++)
        if (slice_eq(name, slice_of(attacks[i].name)))
            return &attacks[i];
    return NULL;
}

bool
testhook_line(struct slice line, struct strbuf *reply)
{
    struct slice rest = slice_trim(line), name;
    const struct attack *attack;
    char *argument;
    int rc;

    if (!slice_starts(rest, KEYWORD))
        return false;
    rest = slice_sub(rest, KEYWORD.len, rest.len);
    name = slice_split(&rest, ' ');
    attack = attack_find(name);
    argument = xslicedup(rest);
    rc = attack == NULL ? ENOSYS : attack->run(argument);
    free(argument);
    (void)strbuf_printf(reply, "XTESTHOOK %s %d\r\n", rc == 0 ? "ok" : strerrorname_np(rc),
                        (int)getpid()); /* the test sees what is missing */
    return true;
}

#endif
