/*
 * lib/sys/syscall_filter.c - the seccomp programs behind enum sandbox_calls.
 *
 * One table of rules: a system call, where needed what one argument must be, and the groups that
 * allow it. The first program of a process allows what its groups name; all else fails with EPERM,
 * and what no honest program of ours calls kills the process. A process forked from it inherits
 * that program, so its own, second one only takes away the rules that it has no group for: it is
 * short, and the kernel compiles it for each worker. To make that exact no two rules overlap.
 */
#include "lib/sys/syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/slice.h"
#include "lib/sys/sandbox.h"

#define PROGRAMS_MAX 4 /* of one process and the children that it forks */
#define BASE 0
/* What glibc's fork() and pthread_create() ask for, and nothing else: no namespace, no sharing. */
#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD)
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct rule {
    unsigned groups;
    int nr;
    bool has_test;
    struct scmp_arg_cmp test;
};

static const struct rule rules[] = {
#define CALL(groups, name) {(groups), SCMP_SYS(name), false, {0}},
#define CALL_IF(groups, name, arg, op, a, b)                                                       \
    {(groups), SCMP_SYS(name), true, {(arg), SCMP_CMP_##op, (a), (b)}},
#include "lib/sys/syscall_rules.def"
#undef CALL
#undef CALL_IF
};

/* Nobody among us calls these: whoever does is not us any more. Master alone calls the first. */
static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(process_madvise),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
};

/* All that lib/tls/relay needs, and the log, OpenSSL and the allocator below it. The programs that
 * are in force already look at the arguments. */
static const int relay_calls[] = {
    SCMP_SYS(read),         SCMP_SYS(write),           SCMP_SYS(recvfrom),  SCMP_SYS(sendto),
    SCMP_SYS(poll),         SCMP_SYS(setsockopt),      SCMP_SYS(close),     SCMP_SYS(brk),
    SCMP_SYS(mmap),         SCMP_SYS(munmap),          SCMP_SYS(mremap),    SCMP_SYS(madvise),
    SCMP_SYS(futex),        SCMP_SYS(clock_gettime),   SCMP_SYS(getrandom), SCMP_SYS(getpid),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(shutdown),  SCMP_SYS(exit_group),
};

#define NONE_IN_FORCE (~0u)
#define RELAY (1u << 31)                  /* as `calls`: the program of relay_calls */
#define ALL_BUT_DEADLY (~0u)              /* as `calls`: master's program */
static unsigned in_force = NONE_IN_FORCE; /* groups of the last program that was loaded */

struct program {
    unsigned over, calls;   /* groups in force before, groups left after */
    struct sock_fprog code; /* code.filter NULL: free slot */
};
static struct program programs[PROGRAMS_MAX];

static bool
allowed(const struct rule *rule, unsigned calls)
{
    return rule->groups == BASE || (rule->groups & calls) != 0;
}

static int
add_rule(scmp_filter_ctx ctx, uint32_t action, const struct rule *rule)
{
    return seccomp_rule_add_array(ctx, action, rule->nr, rule->has_test ? 1 : 0, &rule->test);
}

/* Those from number `first` on. */
static int
add_deadly(scmp_filter_ctx ctx, size_t first)
{
    int rc = 0;

    for (size_t i = first; i < ARRAY_LEN(deadly); i++)
        rc |= seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    return rc;
}

static int
add_allowed(scmp_filter_ctx ctx, unsigned calls)
{
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (allowed(&rules[i], calls))
            rc |= add_rule(ctx, SCMP_ACT_ALLOW, &rules[i]);
    rc |= add_deadly(ctx, 0);
    /* glibc tries clone3 first, whose flags a filter cannot see, and falls back on ENOSYS */
    rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    /* PAM as root gives up where it may not write to the kernel's audit; a kernel without is fine
     */
    if ((calls & SANDBOX_MODULES) != 0)
        rc |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                               SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
    return rc;
}

static int
add_taken_away(scmp_filter_ctx ctx, unsigned over, unsigned calls)
{
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (allowed(&rules[i], over) && !allowed(&rules[i], calls))
            rc |= add_rule(ctx, SCMP_ACT_ERRNO(EPERM), &rules[i]);
    return rc;
}

/* Takes libseccomp's program out through a pipe: it is smaller than a pipe's buffer. */
static int
export_program(scmp_filter_ctx ctx, struct sock_fprog *out)
{
    size_t max = BPF_MAXINSNS * sizeof(struct sock_filter);
    ssize_t size;
    int fds[2];

    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    out->filter = xmalloc(max);
    size = seccomp_export_bpf(ctx, fds[1]) < 0 ? -1 : read(fds[0], out->filter, max);
    close_keep_errno(fds[0]);
    close_keep_errno(fds[1]);
    if (size <= 0) {
        xfree(&out->filter);
        return -1;
    }
    out->len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
    out->filter = xrealloc(out->filter, (size_t)size);
    return 0;
}

static int
add_relay(scmp_filter_ctx ctx)
{
    int rc = 0;

    for (size_t i = 0; i < ARRAY_LEN(relay_calls); i++)
        rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, relay_calls[i], 0);
    return rc;
}

static int
add_rules(scmp_filter_ctx ctx, unsigned over, unsigned calls)
{
    if (calls == RELAY)
        return add_relay(ctx);
    if (calls == ALL_BUT_DEADLY)
        return add_deadly(ctx, 1);
    return over == NONE_IN_FORCE ? add_allowed(ctx, calls) : add_taken_away(ctx, over, calls);
}

static int
compile(unsigned over, unsigned calls, struct sock_fprog *out)
{
    bool whole_list = calls == RELAY || (over == NONE_IN_FORCE && calls != ALL_BUT_DEADLY);
    scmp_filter_ctx ctx = seccomp_init(whole_list ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW);
    int rc;

    if (ctx == NULL) {
        errno = ENOMEM;
        return -1;
    }
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    rc |= seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree over the numbers */
    rc |= add_rules(ctx, over, calls);
    if (rc != 0) {
        errno = EINVAL;
        rc = -1;
    } else {
        rc = export_program(ctx, out);
    }
    seccomp_release(ctx);
    return rc;
}

static struct program *
program_of(unsigned over, unsigned calls)
{
    for (size_t i = 0; i < PROGRAMS_MAX; i++) {
        struct program *p = &programs[i];

        if (p->code.filter != NULL && (p->over != over || p->calls != calls))
            continue;
        *p = (struct program){.over = over, .calls = calls, .code = p->code};
        if (p->code.filter == NULL && compile(over, calls, &p->code) < 0)
            return NULL;
        return p;
    }
    errno = ENOSPC;
    return NULL;
}

int
syscall_filter_prepare(unsigned calls)
{
    return program_of(in_force, calls) == NULL ? -1 : 0;
}

int
syscall_filter_load(unsigned calls)
{
    const struct program *p = program_of(in_force, calls);

    if (p == NULL)
        return -1;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p->code, 0, 0) < 0)
        return -1;
    in_force = in_force == NONE_IN_FORCE ? calls : in_force & calls;
    return 0;
}

int
syscall_filter_load_relay(void)
{
    return syscall_filter_load(RELAY);
}

int
syscall_filter_load_deadly(void)
{
    return syscall_filter_load(ALL_BUT_DEADLY);
}
