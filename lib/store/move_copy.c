/*
 * lib/store/move_copy.c - makes one directory tree like another, file by file, and verifies it.
 *
 * Trusts nothing in the trees: they may be a hostile user's. Opens without following links, copies
 * regular files and directories alone, and stops at a depth.
 */
#include "lib/store/move_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/beneath.h"
#include "lib/store/folder.h"

#define STEP (256u << 10)

enum { DEPTH_MAX = 8 };

struct tree {
    int from, to;
    int depth;
    struct move_counts *counts;
    char *buf; /* STEP bytes */
};

/* ---- one file ---- */

static uint64_t
size_of(const char *name, const struct stat *st)
{
    return folder_message_size(slice_of(name), (uint64_t)st->st_size);
}

static int
copy_bytes(const struct tree *t, int in, int out, uint64_t size, uint32_t *crc)
{
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < STEP ? (size_t)(size - at) : STEP;

        if (pread_exact(in, t->buf, want, (off_t)at) < 0 ||
            write_all(out, slice_make(t->buf, want)) < 0)
            return -1;
        *crc = crc32c(*crc, slice_make(t->buf, want));
        at += want;
    }
    return 0;
}

/* From the disk, as far as the kernel lets go of what it has in memory. */
static int
verify(const struct tree *t, int fd, uint64_t size, uint32_t expected)
{
    uint32_t crc = 0;

    if (fdatasync(fd) < 0)
        return -1;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* a hint */
    for (uint64_t at = 0; at < size;) {
        size_t want = size - at < STEP ? (size_t)(size - at) : STEP;

        if (pread_exact(fd, t->buf, want, (off_t)at) < 0)
            return -1;
        crc = crc32c(crc, slice_make(t->buf, want));
        at += want;
    }
    errno = EIO;
    return crc == expected ? 0 : -1;
}

/* The time is set last: a file that has its original's is whole. */
static int
copy_open_file(const struct tree *t, int in, const char *name, const struct stat *st)
{
    const struct timespec times[2] = {st->st_mtim, st->st_mtim};
    uint64_t size = size_of(name, st);
    uint32_t crc = 0;
    int out, rc;

    if (unlinkat(t->to, name, 0) < 0 && errno != ENOENT)
        return -1;
    out = beneath_open(t->to, name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (out < 0)
        return -1;
    rc = copy_bytes(t, in, out, size, &crc);
    if (rc == 0)
        rc = verify(t, out, size, crc);
    if (rc == 0)
        rc = futimens(out, times);
    close_keep_errno(out);
    t->counts->files++;
    t->counts->bytes += size;
    return rc;
}

static bool
is_there(const struct tree *t, const char *name, const struct stat *st)
{
    struct stat copy;

    return fstatat(t->to, name, &copy, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(copy.st_mode) &&
           (uint64_t)copy.st_size == size_of(name, st) &&
           copy.st_mtim.tv_sec == st->st_mtim.tv_sec &&
           copy.st_mtim.tv_nsec == st->st_mtim.tv_nsec &&
           strncmp(name, "posthorn.", strlen("posthorn.")) != 0;
}

static int
copy_file(const struct tree *t, const char *name, const struct stat *listed)
{
    struct stat st;
    int in, rc;

    if (is_there(t, name, listed))
        return 0;
    in = beneath_open(t->from, name, O_RDONLY | O_NONBLOCK, 0);
    if (in < 0)
        return errno == ENOENT ? 0 : -1; /* gone since */
    rc = fstat(in, &st);
    if (rc == 0 && S_ISREG(st.st_mode))
        rc = copy_open_file(t, in, name, &st);
    close_keep_errno(in);
    return rc;
}

/* ---- a directory ---- */

static bool
is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool
is_made_anew(const char *name)
{
    static const char *const beginnings[] = {"posthorn.index",    "posthorn.cache",
                                             "posthorn.fts",      "posthorn.tmp.",
                                             "posthorn.removed.", "posthorn.journal.next"};

    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static DIR *
open_listing(int dirfd)
{
    int fd = beneath_open_dir(dirfd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL)
        close_keep_errno(fd);
    return dir;
}

static int copy_level(struct tree *t);

static int
copy_dir(const struct tree *t, const char *name, const struct stat *st)
{
    struct tree below = {.depth = t->depth + 1, .counts = t->counts, .buf = t->buf};
    int rc = -1;

    if (below.depth > DEPTH_MAX) {
        errno = ELOOP;
        return -1;
    }
    if (beneath_make_dir(t->to, name) < 0)
        return -1;
    below.from = beneath_open_dir(t->from, name);
    below.to = beneath_open_dir(t->to, name);
    if (below.from >= 0 && below.to >= 0 && fchmod(below.to, st->st_mode & 0777) == 0)
        rc = strcmp(name, "tmp") == 0 ? 0 : copy_level(&below);
    else if (below.from < 0 && errno == ENOENT)
        rc = 0; /* gone since: the next pass removes its copy */
    close_keep_errno(below.from);
    close_keep_errno(below.to);
    return rc;
}

static int
copy_entry(const struct tree *t, const char *name)
{
    struct stat st;

    if (is_dot(name) || is_made_anew(name))
        return 0;
    if (fstatat(t->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1;
    if (S_ISDIR(st.st_mode))
        return copy_dir(t, name, &st);
    return S_ISREG(st.st_mode) ? copy_file(t, name, &st) : 0;
}

/* What went since the pass before, or was renamed. */
static int
remove_gone(const struct tree *t)
{
    DIR *dir = open_listing(t->to);
    struct dirent *entry;
    int rc = dir == NULL ? -1 : 0;
    struct stat st;

    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (!is_dot(entry->d_name) && fstatat(t->from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            rc = errno == ENOENT ? move_copy_remove(t->to, entry->d_name) : -1;
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

static int
copy_level(struct tree *t)
{
    DIR *dir = open_listing(t->from);
    struct dirent *entry;
    int rc = dir == NULL ? -1 : 0;

    while (rc == 0 && (entry = readdir(dir)) != NULL)
        rc = copy_entry(t, entry->d_name);
    if (dir != NULL)
        (void)closedir(dir);
    return rc == 0 ? remove_gone(t) : -1;
}

int
move_copy_tree(int from_fd, int to_fd, struct move_counts *counts)
{
    struct tree t = {.from = from_fd, .to = to_fd, .counts = counts, .buf = xmalloc(STEP)};
    int rc = copy_level(&t);

    xfree(&t.buf);
    return rc == 0 ? syncfs(to_fd) : -1;
}

/* ---- removal ---- */

static int
remove_level(int parent, const char *name, int depth)
{
    int fd, rc = 0;
    DIR *dir;
    struct dirent *entry;

    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    fd = depth > DEPTH_MAX ? -1 : beneath_open_dir(parent, name);
    dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (!is_dot(entry->d_name))
            rc = remove_level(dirfd(dir), entry->d_name, depth + 1);
    (void)closedir(dir);
    return rc == 0 ? unlinkat(parent, name, AT_REMOVEDIR) : -1;
}

int
move_copy_remove(int parent, const char *name)
{
    return remove_level(parent, name, 0);
}
