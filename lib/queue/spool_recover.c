/*
 * lib/queue/spool_recover.c - brings the queue's directories into order after a crash.
 *
 * Implements the last column of the table in doc/queue.md. Names and files may be anything: what is
 * no queue id is passed over, what is not whole was never accepted.
 */
#include "lib/queue/spool_recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define STRAY_AGE_MS 3600000 /* in new/ an ID.env without its ID may be a commit in its middle */

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
    while ((name = spool_scan_any(&scan)) != NULL)
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

/* Brings an ID.env or ID.log of this state to where its message is. */
static void
join_stray(const struct spool *spool, enum spool_state state, const char *name)
{
    char id[QUEUE_ID_SIZE];
    int dirfd = spool->fds[state];
    int home;

    if (!beside_id(name, id) || faccessat(dirfd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return;
    home = spool_find(spool, id);
    if (home >= 0)
        (void)renameat(dirfd, name, spool->fds[home], name); /* missing: found to be corrupt */
    else if (state != SPOOL_NEW || age_of(dirfd, name) >= STRAY_AGE_MS)
        (void)unlinkat(dirfd, name, 0); /* else the next start finds it */
}

static int
join_strays(const struct spool *spool, enum spool_state state)
{
    struct spool_scan scan;
    const char *name;

    if (spool_scan_open(&scan, spool, state) < 0)
        return -1;
    while ((name = spool_scan_any(&scan)) != NULL)
        join_stray(spool, state, name);
    spool_scan_close(&scan);
    return 0;
}

/* What lies beside a message may have gone ahead of it to any other state. */
static int64_t
requeue_active(const struct spool *spool)
{
    struct spool_scan scan;
    const char *name;
    int64_t moved = 0;

    if (spool_scan_open(&scan, spool, SPOOL_ACTIVE) < 0)
        return -1;
    while (moved >= 0 && (name = spool_scan_next(&scan)) != NULL) {
        (void)spool_gather(spool, name, SPOOL_ACTIVE);
        if (spool_move(spool, name, SPOOL_ACTIVE, SPOOL_NEW, SPOOL_ENV | SPOOL_LOG) < 0)
            moved = -1;
        else
            moved++;
    }
    spool_scan_close(&scan);
    return moved;
}

int64_t
spool_recover(const struct spool *spool)
{
    int64_t accepted = accept_slots(spool), requeued;

    if (accepted < 0 || join_strays(spool, SPOOL_NEW) < 0 || join_strays(spool, SPOOL_ACTIVE) < 0)
        return -1;
    requeued = requeue_active(spool);
    return requeued < 0 ? -1 : accepted + requeued;
}

void
spool_tidy_begin(struct spool_tidy *tidy)
{
    *tidy = (struct spool_tidy){.state = SPOOL_DEFERRED};
}

bool
spool_tidy_some(struct spool_tidy *tidy, const struct spool *spool, unsigned count)
{
    for (unsigned i = 0; i < count && tidy->state < SPOOL_STATES; i++) {
        enum spool_state state = (enum spool_state)tidy->state;
        const char *name = NULL;

        if (tidy->scan.dir == NULL && spool_scan_open(&tidy->scan, spool, state) < 0)
            return true; /* out of descriptors: later */
        name = spool_scan_any(&tidy->scan);
        if (name != NULL) {
            join_stray(spool, state, name);
            continue;
        }
        spool_scan_close(&tidy->scan);
        tidy->state++;
    }
    return tidy->state < SPOOL_STATES;
}

void
spool_tidy_end(struct spool_tidy *tidy)
{
    spool_scan_close(&tidy->scan);
    tidy->state = SPOOL_STATES;
}
