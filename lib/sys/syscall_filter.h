/*
 * lib/sys/syscall_filter.h - the seccomp programs behind enum sandbox_calls, for lib/sys/sandbox.
 *
 * libseccomp compiles a list to BPF; the parent of a pool does that once, before it forks, so that
 * a worker only hands the finished program to the kernel.
 */
#ifndef POSTHORN_LIB_SYS_SYSCALL_FILTER_H
#define POSTHORN_LIB_SYS_SYSCALL_FILTER_H

/* Compiles the program that leaves `calls` (enum sandbox_calls) to this process or to a child
 * forked from it, and keeps it. Depends on what is in force already: call it after the parent's own
 * syscall_filter_load. 0, or -1 with errno. */
int syscall_filter_prepare(unsigned calls);
/* Puts the program in force for this process, compiling it first if nobody did. Needs
 * no_new_privs. 0, or -1 with errno. */
int syscall_filter_load(unsigned calls);
/* For a process that only carries bytes between what it has open: a short list of its own, whatever
 * was in force. Needs SANDBOX_NARROW. 0, or -1 with errno. */
int syscall_filter_load_relay(void);
/* For master: kills for what nobody among us calls, but for execve, and allows all else. Programs
 * that it starts inherit this one below their own. 0, or -1 with errno. */
int syscall_filter_load_deadly(void);

#endif
