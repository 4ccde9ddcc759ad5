/*
 * lib/fts/fts.c - the full-text index of a folder: which messages may hold a string.
 *
 * Touches posthorn.fts and its journal below the folder's descriptor, nothing else. Every lock is
 * a flock on posthorn.fts, held while the index is open.
 */
#include "lib/fts/fts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/fts/batch.h"
#include "lib/log/log.h"
#include "lib/mail/text_walk.h"
#include "lib/store/beneath.h"

/* Another one: the index holds other grams than a search would ask for. */
#define INDEX_VERSION ((uint32_t)(TABLE_VERSION << 24 | GRAM_VERSION << 16 | TEXT_WALK_VERSION))

enum { POLL_MS = 2 /* between tries for the lock */ };

struct fts {
    struct fts_folder folder;
    enum fts_mode mode;
    int fd;
    struct table *table;
    struct table_row row;
    bool damaged;
    /* the batch */
    struct gram_set *grams;
    struct postings *postings;
    struct table_uids uids;  /* of the messages that `postings` is about */
    uint32_t batch_messages; /* these, and those without text */
    size_t batch_text;
    size_t text_len; /* of the message at hand */
};

/* ---- opening ---- */

static int
lock(int fd, enum fts_mode mode)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int64_t deadline = clock_mono_ms() + (mode == FTS_READ ? FTS_WAIT_MS : 0);

    while (flock(fd, (mode == FTS_READ ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EWOULDBLOCK || clock_mono_ms() >= deadline)
            return -1;
        (void)nanosleep(&pause, NULL); /* woken early it looks early */
    }
    return 0;
}

static int
open_file(const struct fts_folder *folder, enum fts_mode mode)
{
    int flags = folder->read_only ? O_RDONLY : mode == FTS_READ ? O_RDWR : O_RDWR | O_CREAT;
    int fd = beneath_open(folder->dirfd, TABLE_NAME, flags | O_NONBLOCK, 0600);
    struct stat st;

    if (fd < 0)
        return -1;
    if (lock(fd, mode) < 0 || fstat(fd, &st) < 0)
        goto fail;
    if (S_ISREG(st.st_mode) && (st.st_size > 0 || mode == FTS_WRITE))
        return fd;
    errno = ENOENT;
fail:
    close_keep_errno(fd);
    return -1;
}

static bool
row_fits(const struct fts *fts)
{
    return fts->row.version == INDEX_VERSION && fts->row.uidvalidity == fts->folder.uidvalidity;
}

static int
start_anew(struct fts *fts)
{
    table_close(&fts->table);
    fts->row = (struct table_row){.version = INDEX_VERSION, .uidvalidity = fts->folder.uidvalidity};
    fts->table = table_create(fts->folder.dirfd, fts->fd, &fts->row);
    return fts->table == NULL ? -1 : 0;
}

static void
tell_damage(const struct fts *fts)
{
    log_event(LOG_WARN, "fts_damaged", KV_U64("uidvalidity", fts->folder.uidvalidity),
              KV_STR("effect", "the full-text index of this folder is made anew"));
}

static int
open_for_reading(struct fts *fts)
{
    fts->table = table_open(fts->folder.dirfd, fts->fd, true, &fts->row);
    if (fts->table != NULL && row_fits(fts))
        return 0;
    if (fts->table != NULL)
        errno = ENOENT;
    fts->damaged = errno == EBADMSG;
    return -1;
}

static int
open_for_writing(struct fts *fts)
{
    struct stat st;

    if (fstat(fts->fd, &st) < 0)
        return -1;
    if (st.st_size > 0)
        fts->table = table_open(fts->folder.dirfd, fts->fd, false, &fts->row);
    if (st.st_size > 0 && fts->table == NULL) {
        if (errno != EBADMSG)
            return -1;
        tell_damage(fts);
    }
    if ((fts->table == NULL || !row_fits(fts)) && start_anew(fts) < 0)
        return -1;
    fts->grams = gram_set_new(GRAM_TEXT);
    fts->postings = postings_new();
    return table_begin(fts->table);
}

struct fts *
fts_open(const struct fts_folder *folder, enum fts_mode mode)
{
    struct fts *fts;
    int fd;

    if (mode == FTS_WRITE && folder->read_only) {
        errno = EROFS;
        return NULL;
    }
    fd = open_file(folder, mode);
    if (fd < 0)
        return NULL;
    fts = xcalloc(1, sizeof(*fts));
    fts->folder = *folder;
    fts->mode = mode;
    fts->fd = fd;
    if ((mode == FTS_READ ? open_for_reading(fts) : open_for_writing(fts)) < 0)
        fts_close(&fts);
    return fts;
}

/* The next writer makes it anew. Without the lock for ourselves somebody else reads it, and will
 * find out too. */
static void
empty_damaged(struct fts *fts)
{
    tell_damage(fts);
    if (!fts->folder.read_only && flock(fts->fd, LOCK_EX | LOCK_NB) == 0 &&
        ftruncate(fts->fd, 0) < 0)
        log_event(LOG_WARN, "fts_damaged", KV_STR("effect", "it stays"), KV_ERRNO());
}

void
fts_close(struct fts **ftsp)
{
    struct fts *fts = *ftsp;
    int saved = errno;

    if (fts == NULL)
        return;
    table_close(&fts->table);
    if (fts->damaged)
        empty_damaged(fts);
    gram_set_free(&fts->grams);
    postings_free(&fts->postings);
    free(fts->uids.uids);
    close_keep_errno(fts->fd); /* gives up the lock */
    xfree(ftsp);
    errno = saved;
}

uint32_t
fts_last_uid(const struct fts *fts)
{
    return fts->row.last_uid;
}

/* ---- writing ---- */

static int
result(struct fts *fts, int rc)
{
    if (rc < 0 && errno == EBADMSG)
        fts->damaged = true;
    return rc;
}

bool
fts_is_worn(const struct fts *fts, uint32_t live)
{
    uint32_t dead = fts->row.messages > live ? fts->row.messages - live : 0;

    return dead >= FTS_WORN_MIN &&
           (uint64_t)dead * 100 > (uint64_t)fts->row.messages * FTS_WORN_PERCENT;
}

int
fts_empty(struct fts *fts)
{
    return start_anew(fts) == 0 ? result(fts, table_begin(fts->table)) : -1;
}

static bool
take_piece(void *arg, struct slice folded)
{
    struct fts *fts = arg;

    fts->text_len += folded.len;
    if (fts->text_len > FTS_TEXT_MAX)
        return false;
    gram_set_feed(fts->grams, folded);
    return true;
}

static void
take_gap(void *arg)
{
    struct fts *fts = arg;

    gram_set_gap(fts->grams);
}

/* Takes the message into the batch once it is in the table. */
static int
added(struct fts *fts, uint32_t uid, int rc)
{
    if (result(fts, rc) < 0)
        return -1;
    fts->row.last_uid = uid;
    fts->row.messages++;
    fts->batch_messages++;
    return 0;
}

int
fts_add(struct fts *fts, uint32_t uid, const struct mime *message)
{
    const struct text_sink sink = {.piece = take_piece, .gap = take_gap, .arg = fts};

    assert_always(fts->mode == FTS_WRITE && uid > fts->row.last_uid && !fts_batch_full(fts));
    gram_set_clear(fts->grams);
    fts->text_len = 0;
    text_walk_message(message, true, &sink);
    fts->batch_text += fts->text_len;
    if (fts->text_len > FTS_TEXT_MAX)
        return fts_add_unread(fts, uid);
    for (uint32_t i = 0; i < gram_set_count(fts->grams); i++)
        postings_add(fts->postings, gram_set_number(fts->grams, i), (uint32_t)fts->uids.count);
    table_uids_append(&fts->uids, uid);
    return added(fts, uid, 0);
}

int
fts_add_unread(struct fts *fts, uint32_t uid)
{
    assert_always(fts->mode == FTS_WRITE && uid > fts->row.last_uid);
    return added(fts, uid, table_add_always(fts->table, uid));
}

bool
fts_batch_full(const struct fts *fts)
{
    return fts->batch_messages >= FTS_BATCH_MESSAGES || fts->batch_text >= FTS_BATCH_TEXT ||
           postings_full(fts->postings);
}

int
fts_commit(struct fts *fts)
{
    int rc = 0;

    if (fts->uids.count > 0)
        rc = batch_write(fts->table, fts->postings, fts->uids.uids, (uint32_t)fts->uids.count);
    if (rc == 0)
        rc = table_commit(fts->table, &fts->row);
    return result(fts, rc);
}

/* ---- searching ---- */

static int
compare_uids(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static int
find_candidates(struct fts *fts, const struct gram_set *needle, struct fts_uids *out)
{
    struct table_uids uids = {NULL, 0, 0};
    size_t always;
    int rc = result(fts, table_always(fts->table, &uids));

    always = uids.count;
    if (rc == 0)
        rc = result(fts, batch_match(fts->table, needle, &uids));
    if (rc < 0) {
        free(uids.uids);
        return -1;
    }
    if (always > 0)
        qsort(uids.uids, uids.count, sizeof(*uids.uids), compare_uids);
    *out = (struct fts_uids){uids.uids, uids.count};
    return 0;
}

enum fts_answer
fts_query(struct fts *fts, struct slice needle, struct fts_uids *out)
{
    struct gram_set *grams = gram_set_new(GRAM_NEEDLE);
    enum fts_answer answer = FTS_UNDECIDED;

    *out = (struct fts_uids){NULL, 0};
    gram_set_feed(grams, needle);
    gram_set_gap(grams);
    if (gram_set_count(grams) > 0)
        answer = find_candidates(fts, grams, out) == 0 ? FTS_CANDIDATES : FTS_FAILED;
    gram_set_free(&grams);
    return answer;
}
