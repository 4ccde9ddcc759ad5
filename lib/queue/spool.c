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

#include "lib/base/clock.h"
#include "lib/base/io.h"

#define TRIGGER_NAME "trigger"
#define STRAY_AGE_MS 3600000 /* in new/ an ID.env without its ID may be a commit in its middle */

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

/* ---- recovery ---- */

/* In ms. */
static int64_t
age_of(int dirfd, const char *name)
{
    struct stat st;

    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return clock_real_ms() - ((int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000);
}

/* A whole message in a slot was accepted and its way to new/ was not on disk when the power went:
 * only then is it still here. (Or its writer died just before that: nobody was told 250, as
 * nobody is told 4yz.) With an envelope beside, what is in tmp/ was never accepted. */
static bool
is_accepted(const struct spool *spool, const char *name)
{
    struct queue_message *m = queue_message_open(spool->fds[SPOOL_TMP], name);
    bool is = m != NULL && !queue_message_is_beside(m) && queue_message_check_content(m) == 0;

    queue_message_close(&m);
    return is;
}

/* Brings what was accepted to new/. The number of messages, or -1 with errno. */
static int64_t
accept_slots(const struct spool *spool)
{
    struct spool_scan scan;
    const char *name;
    int64_t moved = 0;

    if (spool_scan_open(&scan, spool, SPOOL_TMP) < 0)
        return -1;
    while (moved >= 0 && (name = spool_scan_next(&scan)) != NULL) {
        if (!is_accepted(spool, name))
            continue;
        if (spool_find(spool, name) >= 0) /* a rename half on disk: without a journal both stay */
            (void)unlinkat(spool->fds[SPOOL_TMP], name, 0); /* else the next start does it */
        else if (spool_move(spool, name, SPOOL_TMP, SPOOL_NEW, 0) == 0)
            moved++;
        else if (errno != ENOENT) /* its writer is alive after all */
            moved = -1;
    }
    spool_scan_close(&scan);
    return moved;
}

int
spool_sweep_tmp(const struct spool *spool, int64_t age_ms)
{
    struct spool_scan scan;
    const char *name;

    if (spool_scan_open(&scan, spool, SPOOL_TMP) < 0)
        return -1;
    while ((name = next_name(scan.dir)) != NULL)
        if (age_of(spool->fds[SPOOL_TMP], name) >= age_ms)
            (void)unlinkat(spool->fds[SPOOL_TMP], name, 0); /* else the next sweep finds it */
    spool_scan_close(&scan);
    return 0;
}

/* The id in "ID.env" or "ID.log"; false for every other name. */
static bool
beside_id(const char *name, char id[QUEUE_ID_SIZE])
{
    struct slice whole = slice_of(name), stem;

    if (!slice_ends(whole, SLICE(".env")) && !slice_ends(whole, SLICE(".log")))
        return false;
    stem = slice_sub(whole, 0, whole.len - 4);
    if (!queue_id_valid(stem))
        return false;
    memcpy(id, stem.ptr, stem.len);
    id[stem.len] = '\0';
    return true;
}

/* Brings each ID.env and ID.log of one state to where its message is. */
static void
join_strays(const struct spool *spool, enum spool_state state, DIR *dir)
{
    char id[QUEUE_ID_SIZE];
    int dirfd = spool->fds[state];
    const char *name;

    while ((name = next_name(dir)) != NULL) {
        int home;

        if (!beside_id(name, id) || faccessat(dirfd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        home = spool_find(spool, id);
        if (home >= 0)
            (void)renameat(dirfd, name, spool->fds[home], name); /* missing: found to be corrupt */
        else if (state != SPOOL_NEW || age_of(dirfd, name) >= STRAY_AGE_MS)
            (void)unlinkat(dirfd, name, 0); /* else the next start finds it */
    }
}

static int64_t
requeue_active(const struct spool *spool)
{
    struct spool_scan scan;
    const char *name;
    int64_t moved = 0;

    if (spool_scan_open(&scan, spool, SPOOL_ACTIVE) < 0)
        return -1;
    while ((name = spool_scan_next(&scan)) != NULL && moved >= 0) {
        if (spool_move(spool, name, SPOOL_ACTIVE, SPOOL_NEW, SPOOL_ENV | SPOOL_LOG) < 0)
            moved = -1;
        else
            moved++;
    }
    spool_scan_close(&scan);
    return moved;
}

int64_t
spool_recover(const struct spool *spool, int64_t tmp_age_ms)
{
    int64_t accepted = accept_slots(spool), requeued;
    struct spool_scan scan;

    if (accepted < 0 || spool_sweep_tmp(spool, tmp_age_ms) < 0)
        return -1;
    for (int state = SPOOL_NEW; state < SPOOL_STATES; state++) {
        if (spool_scan_open(&scan, spool, (enum spool_state)state) < 0)
            return -1;
        join_strays(spool, (enum spool_state)state, scan.dir);
        spool_scan_close(&scan);
    }
    requeued = requeue_active(spool);
    return requeued < 0 ? -1 : accepted + requeued;
}
