/*
 * master/oper_process.c - operd: started, watched, ended.
 */
#include "master/oper_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct oper_process {
    pid_t pid;
    int pid_fd;
    struct loop_fd *watch;
};

/* The new process. */
static _Noreturn void
become(const struct instance *inst, int lock_fd, pid_t master)
{
    char *path = xasprintf("%s/operd", inst->libexec);
    char *argv[] = {path, (char *)(uintptr_t) "--root", inst->root, NULL};

    if (inst->root == NULL)
        argv[1] = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail for a valid signal */
    if (getppid() != master)
        _exit(127);                   /* master ended before that was in force */
    (void)setpgid(0, 0);              /* a terminal's ^C is for master alone */
    (void)fcntl(lock_fd, F_SETFD, 0); /* open, as we opened it */
    (void)execv(path, argv);
    _exit(127);
}

struct oper_process *
oper_start(const struct instance *inst, int lock_fd, struct strbuf *errors)
{
    struct oper_process *oper = xcalloc(1, sizeof(*oper));
    pid_t master = getpid();

    oper->pid = fork();
    if (oper->pid == 0)
        become(inst, lock_fd, master);
    oper->pid_fd = oper->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, oper->pid, 0);
    if (oper->pid_fd >= 0)
        return oper;
    (void)strbuf_printf(errors, "master: operd could not be started: %s\n", strerror(errno));
    free(oper);
    return NULL;
}

static void
ended(void *arg, unsigned ready)
{
    struct oper_process *oper = arg;

    (void)ready;
    (void)waitpid(oper->pid, NULL, WNOHANG); /* how it ended changes nothing */
    log_event(LOG_ERROR, "operd_ended",
              KV_STR("effect", "system operations over the network do not work until the suite is "
                               "started again"));
    loop_fd_free(&oper->watch);
    oper->pid = 0;
}

void
oper_watch(struct oper_process *oper, struct loop *loop)
{
    oper->watch = loop_fd_new(loop, oper->pid_fd, LOOP_READ, ended, oper);
}

void
oper_end(struct oper_process **operp)
{
    struct oper_process *oper = *operp;

    loop_fd_free(&oper->watch);
    if (oper->pid > 0) {
        (void)kill(oper->pid, SIGKILL); /* its children go with it */
        (void)waitpid(oper->pid, NULL, 0);
    }
    close_keep_errno(oper->pid_fd);
    xfree(operp);
}
