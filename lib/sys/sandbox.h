/*
 * lib/sys/sandbox.h - giving up what a process does not need. Each step is one way.
 *
 * Landlock's ABI is looked up at run time and the access mask cut to what it knows; without
 * Landlock a warning is logged once and the rest stays in force. Run by an ordinary user, the steps
 * that need root (user, chroot, capabilities) are left out and the others apply.
 */
#ifndef POSTHORN_LIB_SYS_SANDBOX_H
#define POSTHORN_LIB_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a seccomp list allows beyond the basics (memory, clocks, read/write/close/poll on open
 * descriptors, exit, signals to oneself). io_uring, ptrace, process_vm_*, execve, mount, keyctl,
 * bpf, userfaultfd and module calls are in no list. A refused call gives EPERM; one that no honest
 * program of ours makes (execve, ptrace, io_uring) kills the process. */
enum sandbox_calls {
    SANDBOX_FILES = 1 << 0, /* openat2/openat, stat, getdents, rename, link, unlink, mkdir, fsync */
    SANDBOX_CONNECT_UNIX = 1 << 1, /* socket(AF_UNIX) and connect */
    SANDBOX_INTERNET = 1 << 2,     /* socket(AF_INET, AF_INET6), connect, bind, sendto */
    SANDBOX_ACCEPT = 1 << 3,       /* accept4, getpeername, setsockopt */
    SANDBOX_FORK = 1 << 4,         /* clone for processes (not namespaces), wait */
    SANDBOX_THREADS = 1 << 5,      /* clone for threads, futex, set_robust_list */
    SANDBOX_SEND_FDS = 1 << 6,     /* sendmsg with descriptors (recvmsg is basic) */
    SANDBOX_RESTRICT = 1 << 7,     /* what sandbox_enter calls, for forking into another sandbox */
    SANDBOX_INOTIFY = 1 << 8,      /* fcntl F_NOTIFY/F_SETSIG, inotify */
    SANDBOX_KILL = 1 << 9,         /* kill/tgkill/pidfd_send_signal to other processes */
    SANDBOX_CHROOT = 1 << 10,      /* fchdir, chroot, capset */
    SANDBOX_LANDLOCK = 1 << 11,    /* landlock_*: sandbox_restrict_paths after login */
    SANDBOX_CHMOD = 1 << 12,       /* chmod and kin, which Landlock does not confine */
    SANDBOX_SYMLINK = 1 << 13,     /* symlinkat */
    SANDBOX_NARROW = 1 << 14,      /* sandbox_keep_only later */
    SANDBOX_FCHMOD = 1 << 15,      /* fchmod alone: the mode of what is open */
    SANDBOX_SCRATCH = 1 << 16,     /* ftruncate of files that are open already */
    SANDBOX_MODULES = 1 << 17,     /* mapping code: modules that are loaded later (PAM) */
};

/* Below that directory. SYMLINKS, with WRITE: also make and move symbolic links. */
enum sandbox_access { SANDBOX_READ = 1, SANDBOX_WRITE = 2, SANDBOX_SYMLINKS = 4 };

struct sandbox_dir {
    int fd; /* a directory, O_PATH is enough */
    unsigned access;
};

#define SANDBOX_DIRS_MAX 16

struct sandbox {
    uid_t uid; /* (uid_t)-1: stay who we are */
    gid_t gid;
    const gid_t *groups; /* supplementary; NULL: none */
    size_t group_count;
    int chroot_fd;      /* -1: none */
    uint64_t keep_caps; /* bit per CAP_*; 0: none */
    bool landlock;      /* restrict to `dirs` (an empty list: no path at all) */
    struct sandbox_dir dirs[SANDBOX_DIRS_MAX];
    size_t dir_count;
    bool answers;        /* may send to abstract sockets outside: those that asked it */
    unsigned calls;      /* enum sandbox_calls; seccomp is always loaded */
    bool same_rights;    /* every dir gets the union of rights: links may cross between them */
    uint64_t files_max;  /* RLIMIT_NOFILE; 0: as it is */
    uint64_t memory_max; /* RLIMIT_AS, bytes; 0: as it is */
    uint64_t heap_max; /* RLIMIT_DATA, bytes: what is allocated, not what is mapped; 0: as it is */
};

/* Compiles what sandbox_enter(box) will load in children forked later, so that each need not.
 * Called in the sandbox that they inherit: theirs only takes away from it. */
int sandbox_prepare(const struct sandbox *box);
/* Puts it all in force, in the right order: chroot, user, capabilities, no_new_privs, not dumpable,
 * limits, Landlock, seccomp. 0, or -1 with errno and the step's name logged: the caller exits. */
int sandbox_enter(const struct sandbox *box);
/* For a process that stays root because it starts others (master): no capability but `keep_caps`
 * for it and for them, no core file, nothing written outside `dirs` (what may be read stays as it
 * is; SANDBOX_WRITE is the one right that counts), no system call that none of ours makes. All of
 * it is inherited. Run by an ordinary user, without the capabilities. Needs no_new_privs. 0, or -1
 * with errno and the step's name logged. */
int sandbox_confine_root(uint64_t keep_caps, const struct sandbox_dir *dirs, size_t count);
/* Gives one more capability up, for this process and those that it starts. Between fork and exec,
 * too. 0, or -1 with errno. */
int sandbox_drop_cap(unsigned cap);
/* Landlock alone, to tighten later (after login). 0, or -1 with errno; 0 where the kernel lacks it.
 */
int sandbox_restrict_paths(const struct sandbox_dir *dirs, size_t count);
/* For a process that only carries bytes from here on: closes every descriptor but the `count` ones
 * of `keep` (and standard error), allows no path at all, and no system call but those that read,
 * write and wait on what is open, take memory and end. Needs SANDBOX_NARROW and SANDBOX_LANDLOCK.
 * 0, or -1 with errno and the step's name logged: the caller exits. */
int sandbox_keep_only(const int *keep, size_t count);
int sandbox_landlock_abi(void);         /* 0: none */
unsigned sandbox_landlock_layers(void); /* put on by this process or inherited */
/* changed() runs after each layer that this process or a child forked from it puts on: the process
 * table shows what is in force. */
void sandbox_observe(void (*changed)(void *arg, int abi, unsigned layers), void *arg);
/* Ends this process when its parent ends. A change of user forgets it: call it after. The parent
 * may be gone already: compare getppid() afterwards. */
void sandbox_die_with_parent(void);

#endif
