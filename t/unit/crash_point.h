/*
 * t/unit/crash_point.h - runs code in a child process and stops it at one of its system calls.
 *
 * The child is traced (ptrace); calls that can change something on disk or be seen by another
 * process are counted when they are entered. At the chosen one the child is killed before the call
 * takes place, as kill -9 and (with what is durable by then) a power cut do, or the call fails with
 * ENOSPC, or (linkat alone) with EMLINK. No change to the code under test is needed.
 */
#ifndef POSTHORN_T_UNIT_CRASH_POINT_H
#define POSTHORN_T_UNIT_CRASH_POINT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum crash_kind { CRASH_NONE, CRASH_KILL, CRASH_ENOSPC, CRASH_EMLINK };

static inline bool
crash_counts(const struct __ptrace_syscall_info *info, enum crash_kind kind)
{
    /* Those at the front can meet a full disk. */
    static const long calls[] = {SYS_write,     SYS_pwrite64, SYS_renameat,  SYS_fsync,
                                 SYS_fdatasync, SYS_unlinkat, SYS_ftruncate, SYS_linkat,
                                 SYS_sendmsg,   SYS_sendto,   SYS_renameat2, SYS_symlinkat,
                                 SYS_fchmod,    SYS_mkdirat,  SYS_syncfs};
    size_t count = kind == CRASH_ENOSPC ? 5 : sizeof(calls) / sizeof(calls[0]);
    long nr = (long)info->entry.nr;

    if (kind == CRASH_EMLINK)
        return nr == SYS_linkat;
    if (nr == SYS_openat)
        return (info->entry.args[2] & O_CREAT) != 0;
    for (size_t i = 0; i < count; i++)
        if (calls[i] == nr)
            return true;
    return false;
}

/* The call is entered as none at all and its result replaced at the exit stop (x86-64 only). */
static inline bool
crash_fail_call(pid_t pid, int error)
{
#if defined(__x86_64__)
    struct user_regs_struct regs;
    int status;

    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
        return false;
    regs.orig_rax = (unsigned long long)-1;
    (void)ptrace(PTRACE_SETREGS, pid, NULL, &regs);
    (void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    (void)waitpid(pid, &status, 0);
    (void)ptrace(PTRACE_GETREGS, pid, NULL, &regs);
    regs.rax = (unsigned long long)(long long)-error;
    return ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0;
#else
    (void)pid;
    (void)error;
    return false;
#endif
}

/* Set: what the body does before it calls crash_mark() is let through and not counted. */
static bool crash_waits_for_mark;

/* Above 0: after the call that has failed the child is killed at this many-th counted one. */
static int crash_killed_after;

static inline void
crash_mark(void)
{
    (void)getppid();
}

/* Runs body(arg); at the `at`-th counted call (from 1) `kind` happens. Returns how many calls were
 * counted; *exit_status is the child's, or -1 if it was killed. */
static inline int
crash_run(void (*body)(void *arg), void *arg, enum crash_kind kind, int at, int *exit_status)
{
    pid_t pid = fork();
    bool armed = !crash_waits_for_mark;
    int status, count = 0, since = 0;

    *exit_status = -1;
    if (pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        body(arg);
        _exit(0);
    }
    (void)waitpid(pid, &status, 0);
    (void)ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (int signo = 0;;) {
        struct __ptrace_syscall_info info;

        (void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)signo);
        signo = 0;
        if (waitpid(pid, &status, 0) < 0 || WIFSIGNALED(status))
            return count;
        if (WIFEXITED(status)) {
            *exit_status = WEXITSTATUS(status);
            return count;
        }
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signo = WSTOPSIG(status);
            continue;
        }
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0 ||
            info.op != PTRACE_SYSCALL_INFO_ENTRY)
            continue;
        armed |= info.entry.nr == SYS_getppid;
        if (kind != CRASH_NONE && crash_killed_after > 0 && count >= at &&
            crash_counts(&info, CRASH_KILL) && ++since == crash_killed_after)
            (void)kill(pid, SIGKILL);
        if (!armed || !crash_counts(&info, kind) || ++count != at)
            continue;
        if (kind == CRASH_KILL)
            (void)kill(pid, SIGKILL);
        else if (kind != CRASH_NONE)
            (void)crash_fail_call(pid, kind == CRASH_ENOSPC ? ENOSPC : EMLINK);
    }
}

#endif
