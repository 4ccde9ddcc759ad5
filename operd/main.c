/*
 * operd/main.c - does for administrators what takes the rights of the instance's owner: services,
 * queue, settings, logs, connections (lib/oper).
 *
 * master starts it before it gives up writing the configuration, and can therefore not start it
 * again: so this process does nothing but take connections and fork. Each child serves one of them.
 * It hears authd alone, which has had accountd judge what is asked; still every value may come from
 * the network, and is taken as if an attacker had sent it. A child runs no program, reaches no
 * network, and writes below etc, log and run only.
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
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/log_socket.h"
#include "lib/ipc/operd.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"
#include "operd/confine.h"
#include "operd/serve.h"

struct operd {
    struct instance inst;
    int run_dirfd, listen_fd, log_fd;
    unsigned children;
};

static _Noreturn void
die(const char *what)
{
    (void)fprintf(stderr, "operd: %s: %s\n", what, strerror(errno));
    exit(EX_OSERR);
}

static void
open_socket(struct operd *o)
{
    struct sockaddr_un address;

    o->run_dirfd = open(o->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    o->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink_keep_errno(o->run_dirfd, OPERD_SOCKET); /* a dead one: master holds the lock */
    if (o->run_dirfd < 0 || o->listen_fd < 0 ||
        ipc_socket_address(o->run_dirfd, OPERD_SOCKET, &address) < 0 ||
        bind(o->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        fchmodat(o->run_dirfd, OPERD_SOCKET, 0666, 0) < 0 || /* who may ask, serve() decides */
        listen(o->listen_fd, OPERD_CHILDREN_MAX) < 0)
        die(OPERD_SOCKET);
}

/* Whoever started the suite waits for the end of its messages. */
static void
leave_terminal(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        die("/dev/null");
    (void)dup2(fd, STDIN_FILENO);
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    close_keep_errno(fd);
}

/* The log's socket is there when the first one asks. */
static void
open_log(struct operd *o)
{
    if (o->log_fd >= 0)
        return;
    o->log_fd = log_socket_open(o->run_dirfd, "oper", "operd", 0);
    if (o->log_fd >= 0)
        log_open("operd", "oper", o->log_fd);
}

static void
reap(struct operd *o)
{
    int options = o->children < OPERD_CHILDREN_MAX ? WNOHANG : 0;

    while (o->children > 0 && waitpid(-1, NULL, options) > 0) {
        o->children--;
        options = WNOHANG;
    }
}

static void
take(struct operd *o, int fd)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0) {
        log_event(LOG_ERROR, "fork_failed", KV_ERRNO());
        log_flush();
        return;
    }
    if (pid > 0) {
        o->children++;
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail for a valid signal */
    if (getppid() != parent)
        _exit(EX_UNAVAILABLE);
    close_keep_errno(o->listen_fd);
    log_forked();
    serve(&o->inst, fd);
    log_flush();
    _exit(EXIT_SUCCESS);
}

int
main(int argc, char **argv)
{
    struct operd o = {.log_fd = -1};

    if (argc != 1 && (argc != 3 || strcmp(argv[1], "--root") != 0)) {
        (void)fputs("operd: master starts it; the command is: posthorn start\n", stderr);
        return EX_USAGE;
    }
    (void)umask(077);
    instance_init(&o.inst, argc == 3 ? argv[2] : NULL);
    open_socket(&o);
    if (confine_operd(&o.inst) < 0) /* no way back; nothing was read so far */
        die("the sandbox could not be entered");
    leave_terminal();
    for (;;) {
        int fd = accept4(o.listen_fd, NULL, NULL, SOCK_CLOEXEC);

        reap(&o);
        if (fd < 0)
            continue;
        open_log(&o);
        take(&o, fd);
        close_keep_errno(fd);
    }
}
