/*
 * lib/queue/spool.c - the queue's directories and the moves between them.
 *
 * Trusts nobody who can create files in tmp/ and new/: names that are no queue id are passed over,
 * and links are not followed. doc/queue.md has the table that this file implements.
 */
#include "lib/queue/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"

#define TRIGGER_NAME "trigger"

static const struct {
    const char *name;
    mode_t mode;
} states[SPOOL_STATES] = {
    [SPOOL_TMP] = {"tmp", 03733},       [SPOOL_NEW] = {"new", 03733},
    [SPOOL_ACTIVE] = {"active", 02770}, [SPOOL_DEFERRED] = {"deferred", 02770},
    [SPOOL_HOLD] = {"hold", 02770},     [SPOOL_CORRUPT] = {"corrupt", 02770},
};

static const struct {
    unsigned bit;
    const char *suffix;
} besides[] = {{SPOOL_ENV, ".env"}, {SPOOL_LOG, ".log"}};

const char *
spool_name(enum spool_state state)
{
    return states[state].name;
}

/* A name that was missing is made with `mode` whatever the umask, and given to uid:gid by root. */
static int
own(int dirfd, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    if (geteuid() == 0 && fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -1;
    return fchmodat(dirfd, name, mode, 0);
}

static int
open_states(struct spool *spool, bool make, uid_t uid, gid_t gid)
{
    for (int i = 0; i < SPOOL_STATES; i++) {
        const char *name = states[i].name;

        if (make && mkdirat(spool->dirfd, name, 0700) == 0) {
            if (own(spool->dirfd, name, states[i].mode, uid, gid) < 0)
                return -1;
        } else if (make && errno != EEXIST) {
            return -1;
        }
        spool->fds[i] = openat(spool->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (spool->fds[i] < 0 && (make || errno != ENOENT))
            return -1;
    }
    return 0;
}

static int
open_trigger(struct spool *spool, uid_t uid, gid_t gid)
{
    if (mkfifoat(spool->dirfd, TRIGGER_NAME, 0600) == 0) {
        if (own(spool->dirfd, TRIGGER_NAME, 0622, uid, gid) < 0)
            return -1;
    } else if (errno != EEXIST) {
        return -1;
    }
    /* Both ways: with a writer of our own the FIFO is never at its end. */
    spool->trigger_fd =
        openat(spool->dirfd, TRIGGER_NAME, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    return spool->trigger_fd < 0 ? -1 : 0;
}

static void
spool_clear(struct spool *spool)
{
    spool->dirfd = -1;
    spool->trigger_fd = -1;
    for (int i = 0; i < SPOOL_STATES; i++)
        spool->fds[i] = -1;
}

static int
open_root(struct spool *spool, const char *path)
{
    spool_clear(spool);
    spool->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return spool->dirfd < 0 ? -1 : 0;
}

int
spool_open(struct spool *spool, const char *path, uid_t uid, gid_t gid)
{
    if (open_root(spool, path) == 0 && open_states(spool, true, uid, gid) == 0 &&
        open_trigger(spool, uid, gid) == 0)
        return 0;
    spool_close(spool);
    return -1;
}

int
spool_open_readonly(struct spool *spool, const char *path)
{
    if (open_root(spool, path) == 0 && open_states(spool, false, 0, 0) == 0)
        return 0;
    spool_close(spool);
    return -1;
}

void
spool_close(struct spool *spool)
{
    close_keep_errno(spool->dirfd);
    close_keep_errno(spool->trigger_fd);
    for (int i = 0; i < SPOOL_STATES; i++)
        close_keep_errno(spool->fds[i]);
    spool_clear(spool);
}

/* Everything beside a message; what is not there is passed over. */
static int
move_beside(const struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
            unsigned beside)
{
    char name[QUEUE_NAME_MAX];

    for (size_t i = 0; i < ARRAY_LEN(besides); i++) {
        if ((beside & besides[i].bit) == 0)
            continue;
        queue_name(name, id, besides[i].suffix);
        if (renameat(spool->fds[from], name, spool->fds[to], name) < 0 && errno != ENOENT)
            return -1;
    }
    return 0;
}

int
spool_move(const struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
           unsigned beside)
{
    int saved;

    if (move_beside(spool, id, from, to, beside) == 0 &&
        renameat(spool->fds[from], id, spool->fds[to], id) == 0)
        return 0;
    saved = errno;
    (void)move_beside(spool, id, to, from, beside); /* else spool_gather finds it */
    errno = saved;
    return -1;
}

bool
spool_gather(const struct spool *spool, const char *id, enum spool_state home)
{
    char name[QUEUE_NAME_MAX];
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(besides); i++) {
        queue_name(name, id, besides[i].suffix);
        if (faccessat(spool->fds[home], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        for (int state = SPOOL_NEW; state < SPOOL_STATES; state++)
            if (state != (int)home &&
                renameat(spool->fds[state], name, spool->fds[home], name) == 0)
                found = true;
    }
    return found;
}

int
spool_remove(const struct spool *spool, enum spool_state state, const char *id, unsigned beside,
             int *cut_fd)
{
    char name[QUEUE_NAME_MAX];
    int dirfd = spool->fds[state];
    int fd = cut_fd != NULL ? openat(dirfd, id, O_WRONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

    if (unlinkat(dirfd, id, 0) < 0 && errno != ENOENT) {
        close_keep_errno(fd);
        return -1;
    }
    if (cut_fd != NULL)
        *cut_fd = fd;
    for (size_t i = 0; i < ARRAY_LEN(besides); i++) {
        if ((beside & besides[i].bit) == 0)
            continue;
        queue_name(name, id, besides[i].suffix);
        (void)unlinkat(dirfd, name, 0); /* recovery removes what stays without its message */
    }
    return 0;
}

int
spool_find(const struct spool *spool, const char *id)
{
    for (int i = SPOOL_NEW; i < SPOOL_STATES; i++)
        if (faccessat(spool->fds[i], id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return i;
    return -1;
}

/* ---- scanning ---- */

int
spool_scan_open(struct spool_scan *scan, const struct spool *spool, enum spool_state state)
{
    /* An open file of its own: directory positions are shared by duplicated descriptors. */
    int fd = openat(spool->fds[state], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *scan = (struct spool_scan){.dir = fd < 0 ? NULL : fdopendir(fd)};
    if (scan->dir != NULL)
        return 0;
    close_keep_errno(fd);
    return -1;
}

static const char *
next_name(DIR *dir)
{
    struct dirent *entry;

    do
        entry = readdir(dir);
    while (entry != NULL && entry->d_name[0] == '.');
    return entry == NULL ? NULL : entry->d_name;
}

const char *
spool_scan_any(struct spool_scan *scan)
{
    const char *name;

    if (scan->at_end)
        rewinddir(scan->dir);
    name = next_name(scan->dir);
    scan->at_end = name == NULL;
    return name;
}

const char *
spool_scan_next(struct spool_scan *scan)
{
    const char *name;

    if (scan->at_end)
        rewinddir(scan->dir);
    do
        name = next_name(scan->dir);
    while (name != NULL && !queue_id_valid(slice_of(name)));
    scan->at_end = name == NULL;
    return name;
}

void
spool_scan_close(struct spool_scan *scan)
{
    if (scan->dir != NULL)
        (void)closedir(scan->dir); /* only read from */
    scan->dir = NULL;
}
