/*
 * t/unit/flush_watch.h - runs code in a child process and keeps account of what it flushes.
 *
 * The child is traced (ptrace). A file that is written to is open to loss until fsync or fdatasync;
 * a name that appears in a directory until the directory's fsync. Two things come out: what would
 * be lost if the power went when the child has ended, and whether a file was given a new name while
 * its bytes were open to loss, or a mailbox's message deleted while its journal was.
 *
 * What the code writes on purpose without a flush is named by the caller, and the four bytes of a
 * journal's mark (doc/store.md) never count.
 */
#ifndef POSTHORN_T_UNIT_FLUSH_WATCH_H
#define POSTHORN_T_UNIT_FLUSH_WATCH_H

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLUSH_ITEMS_MAX = 64, FLUSH_NAME_MAX = 256, FLUSH_TEXT_MAX = 1024, FLUSH_MARK_SIZE = 4 };

/* Open to loss: bytes of the file `ino` (dir 0), or a name of it in the directory `dir`. */
struct flush_item {
    ino_t ino, dir;
    char name[FLUSH_NAME_MAX]; /* "cur/1.eml", "posthorn.journal": the last two parts */
};

struct flush_watch {
    const char *const *loose_at_end; /* ends of names that need no flush, up to a NULL */
    pid_t pid;
    struct flush_item items[FLUSH_ITEMS_MAX];
    size_t count;
    int exit_status;
    uint64_t journal_bytes;       /* written into journals, marks aside */
    char trouble[FLUSH_TEXT_MAX]; /* the first thing done in the wrong order; "": none */
    char open[FLUSH_TEXT_MAX];    /* what is open to loss at the end, one a line; "": nothing */
};

/* A file without a name has nothing to lose: the test library has one. */
static inline bool
flush_is_loose(const struct flush_watch *w, const char *name)
{
    static const char nameless[] = " (deleted)"; /* proc(5), of the links in fd/ */
    size_t len = strlen(name);

    if (len >= sizeof(nameless) && strcmp(name + len - sizeof(nameless) + 1, nameless) == 0)
        return true;
    for (const char *const *l = w->loose_at_end; l != NULL && *l != NULL; l++)
        if (len >= strlen(*l) && strcmp(name + len - strlen(*l), *l) == 0)
            return true;
    return false;
}

static inline void
flush_wrong(struct flush_watch *w, const char *what, const char *name)
{
    if (w->trouble[0] == '\0')
        (void)snprintf(w->trouble, sizeof(w->trouble), "%s: %s", what, name);
}

/* ---- what the child's arguments mean ---- */

static inline void
flush_last_parts(char name[FLUSH_NAME_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');

    while (slash != NULL && slash > path && slash[-1] != '/')
        slash--;
    (void)snprintf(name, FLUSH_NAME_MAX, "%.*s", FLUSH_NAME_MAX - 1, slash == NULL ? path : slash);
}

static inline bool
flush_read_text(const struct flush_watch *w, uint64_t address, char text[FLUSH_NAME_MAX])
{
    struct iovec here = {text, FLUSH_NAME_MAX - 1};
    struct iovec there = {(void *)(uintptr_t)address, FLUSH_NAME_MAX - 1};
    ssize_t n = process_vm_readv(w->pid, &here, 1, &there, 1, 0);

    text[n < 0 ? 0 : n] = '\0';
    return n > 0;
}

/* The child's descriptor, or a path below one of its directories: the way to it from here. */
static inline void
flush_way(const struct flush_watch *w, int fd, uint64_t path, char way[2 * FLUSH_NAME_MAX])
{
    char text[FLUSH_NAME_MAX] = "";

    if (path != 0)
        (void)flush_read_text(w, path, text);
    (void)snprintf(way, 2 * FLUSH_NAME_MAX, "/proc/%d/fd/%d%s%s", (int)w->pid, fd,
                   path != 0 ? "/" : "", text);
}

/* What the descriptor, or a path below it, is called: for messages and for what is loose. */
static inline void
flush_name(const struct flush_watch *w, int fd, uint64_t path, char name[FLUSH_NAME_MAX])
{
    char way[2 * FLUSH_NAME_MAX], real[2 * FLUSH_NAME_MAX], text[FLUSH_NAME_MAX] = "";
    ssize_t n;

    flush_way(w, fd, 0, way);
    n = readlink(way, real, sizeof(real) / 2);
    real[n < 0 ? 0 : n] = '\0';
    if (path != 0 && flush_read_text(w, path, text))
        (void)snprintf(real + strlen(real), sizeof(real) - strlen(real), "/%s", text);
    flush_last_parts(name, real);
}

static inline bool
flush_stat(const struct flush_watch *w, int fd, uint64_t path, struct stat *st)
{
    char way[2 * FLUSH_NAME_MAX];

    flush_way(w, fd, path, way);
    return stat(way, st) == 0;
}

/* The directory in which the last part of `path` lies. */
static inline ino_t
flush_directory(const struct flush_watch *w, int fd, uint64_t path)
{
    char way[2 * FLUSH_NAME_MAX];
    struct stat st;

    flush_way(w, fd, path, way);
    *strrchr(way, '/') = '\0';
    return stat(way, &st) == 0 ? st.st_ino : 0;
}

/* ---- the account ---- */

static inline void
flush_add(struct flush_watch *w, ino_t ino, ino_t dir, const char *name)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].ino == ino && w->items[i].dir == dir)
            return;
    if (w->count == FLUSH_ITEMS_MAX) {
        flush_wrong(w, "too much is open to loss", name);
        return;
    }
    w->items[w->count] = (struct flush_item){.ino = ino, .dir = dir};
    (void)snprintf(w->items[w->count++].name, FLUSH_NAME_MAX, "%s", name);
}

/* Those of the file `ino` (0: of any) in the directory `dir`. */
static inline void
flush_take(struct flush_watch *w, ino_t ino, ino_t dir)
{
    size_t left = 0;

    for (size_t i = 0; i < w->count; i++)
        if ((ino != 0 && w->items[i].ino != ino) || w->items[i].dir != dir)
            w->items[left++] = w->items[i];
    w->count = left;
}

static inline void
flush_wrote(struct flush_watch *w, int fd, uint64_t len)
{
    static const char journal[] = "/posthorn.journal";
    char name[FLUSH_NAME_MAX];
    struct stat st;

    flush_name(w, fd, 0, name);
    if (strlen(name) >= sizeof(journal) &&
        strcmp(name + strlen(name) - sizeof(journal) + 1, journal) == 0)
        w->journal_bytes += len;
    if (strstr(name, "/check_") != NULL)
        return; /* where Check keeps its messages */
    if (flush_stat(w, fd, 0, &st) && S_ISREG(st.st_mode))
        flush_add(w, st.st_ino, 0, name);
}

static inline void
flush_flushed(struct flush_watch *w, int fd)
{
    struct stat st;

    if (!flush_stat(w, fd, 0, &st))
        return;
    if (S_ISDIR(st.st_mode))
        flush_take(w, 0, st.st_ino);
    else
        flush_take(w, st.st_ino, 0);
}

static inline bool
flush_is_open(const struct flush_watch *w, ino_t ino)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->items[i].dir == 0 && w->items[i].ino == ino)
            return true;
    return false;
}

/* A new name for the file at fd/path: a link, or with `moved` a rename. */
static inline void
flush_named(struct flush_watch *w, int fd, uint64_t path, int to_fd, uint64_t to, bool moved)
{
    char name[FLUSH_NAME_MAX];
    struct stat st;

    if (!flush_stat(w, fd, path, &st))
        return; /* the call fails */
    flush_name(w, to_fd, to, name);
    if (flush_is_open(w, st.st_ino))
        flush_wrong(w, "named before its bytes were flushed", name);
    if (moved)
        flush_take(w, st.st_ino, flush_directory(w, fd, path));
    flush_add(w, st.st_ino, flush_directory(w, to_fd, to), name);
}

/* cur/NAME or new/NAME of a folder whose journal has not been flushed: a message would be lost. */
static inline bool
flush_leaves_record(const struct flush_watch *w, int fd, uint64_t path)
{
    char way[2 * FLUSH_NAME_MAX], text[FLUSH_NAME_MAX];
    struct stat st;

    (void)flush_read_text(w, path, text);
    if (strncmp(text, "cur/", 4) != 0 && strncmp(text, "new/", 4) != 0)
        return false;
    (void)snprintf(way, sizeof(way), "/proc/%d/fd/%d/posthorn.journal", (int)w->pid, fd);
    return stat(way, &st) == 0 && flush_is_open(w, st.st_ino);
}

static inline void
flush_deleted(struct flush_watch *w, int fd, uint64_t path)
{
    char name[FLUSH_NAME_MAX];
    struct stat st;

    if (!flush_stat(w, fd, path, &st))
        return;
    flush_name(w, fd, path, name);
    if (flush_leaves_record(w, fd, path))
        flush_wrong(w, "deleted before the record of it was flushed", name);
    flush_take(w, st.st_ino, flush_directory(w, fd, path));
    if (st.st_nlink == 1)
        flush_take(w, st.st_ino, 0);
}

static inline void
flush_entered(struct flush_watch *w, const struct __ptrace_syscall_info *info)
{
    const uint64_t *a = info->entry.args;

    switch ((long)info->entry.nr) {
    case SYS_pwrite64:
        if (a[2] == FLUSH_MARK_SIZE)
            break;
        flush_wrote(w, (int)a[0], a[2]);
        break;
    case SYS_write:
        flush_wrote(w, (int)a[0], a[2]);
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        flush_flushed(w, (int)a[0]);
        break;
    case SYS_syncfs:
        w->count = 0;
        break;
    case SYS_renameat:
    case SYS_renameat2:
        flush_named(w, (int)a[0], a[1], (int)a[2], a[3], true);
        break;
    case SYS_linkat:
        flush_named(w, (int)a[0], a[1], (int)a[2], a[3], false);
        break;
    case SYS_unlinkat:
        flush_deleted(w, (int)a[0], a[1]);
        break;
    default:
        break;
    }
}

/* A file that was made: its name is open to loss. */
static inline void
flush_made(struct flush_watch *w, const struct __ptrace_syscall_info *entry, int made_fd)
{
    char name[FLUSH_NAME_MAX];
    struct stat st;

    if (made_fd < 0 || !flush_stat(w, made_fd, 0, &st) || !S_ISREG(st.st_mode))
        return;
    flush_name(w, made_fd, 0, name);
    flush_add(w, st.st_ino, flush_directory(w, (int)entry->entry.args[0], entry->entry.args[1]),
              name);
}

/* Asked on the way in: openat and openat2 with O_CREAT, of a file that is not there. */
static inline bool
flush_makes(const struct flush_watch *w, const struct __ptrace_syscall_info *info)
{
    uint64_t flags = info->entry.args[2];
    struct iovec here = {&flags, sizeof(flags)}, there = {(void *)(uintptr_t)flags, sizeof(flags)};
    struct stat st;

    if (info->entry.nr != SYS_openat && info->entry.nr != SYS_openat2)
        return false;
    if (info->entry.nr == SYS_openat2 && process_vm_readv(w->pid, &here, 1, &there, 1, 0) < 0)
        return false;
    return (flags & O_CREAT) != 0 &&
           !flush_stat(w, (int)info->entry.args[0], info->entry.args[1], &st);
}

static inline void
flush_conclude(struct flush_watch *w)
{
    size_t at = 0;

    w->open[0] = '\0';
    for (size_t i = 0; i < w->count && at + FLUSH_NAME_MAX + 16 < sizeof(w->open); i++)
        if (!flush_is_loose(w, w->items[i].name))
            at += (size_t)snprintf(w->open + at, sizeof(w->open) - at, "%s %s\n",
                                   w->items[i].dir == 0 ? "bytes" : "name", w->items[i].name);
}

/* Runs body(arg) in a child; the result is in *w. */
static inline void
flush_run(struct flush_watch *w, void (*body)(void *arg), void *arg)
{
    struct __ptrace_syscall_info info, entry = {0};
    int status, signo = 0;
    bool makes = false;

    w->exit_status = -1;
    w->pid = fork();
    if (w->pid == 0) {
        (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        (void)raise(SIGSTOP);
        body(arg);
        _exit(0);
    }
    (void)waitpid(w->pid, &status, 0);
    (void)ptrace(PTRACE_SETOPTIONS, w->pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (;;) {
        (void)ptrace(PTRACE_SYSCALL, w->pid, NULL, (void *)(long)signo);
        signo = 0;
        if (waitpid(w->pid, &status, 0) < 0 || WIFSIGNALED(status))
            break;
        if (WIFEXITED(status)) {
            w->exit_status = WEXITSTATUS(status);
            break;
        }
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signo = WSTOPSIG(status);
            continue;
        }
        if (ptrace(PTRACE_GET_SYSCALL_INFO, w->pid, sizeof(info), &info) < 0)
            break;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            makes = flush_makes(w, &info);
            flush_entered(w, &info);
        } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && makes) {
            flush_made(w, &entry, (int)info.exit.rval);
        }
        entry = info;
    }
    flush_conclude(w);
}

#endif
