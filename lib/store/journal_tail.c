/*
 * lib/store/journal_tail.c - where a journal ends, and what holds there.
 *
 * Reads the last record and those that are not known to be settled, whatever the journal's length.
 * A tail that a crash tore is cut off, but never one that was on disk whole.
 */
#include "lib/store/journal_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

#define TAIL_WINDOW 1024 /* bytes: the last record of a delivery and some before it */
#define TAIL_TRIES 5     /* of 1 ms: a record being written without us holding the lock */
#define REPAIR_WORK_MAX (256u << 20) /* bytes checked when looking behind a tear */
#define FIRST_RECORD sizeof(struct journal_header)

static int
tail_step(void *arg, const struct record *rec)
{
    struct journal_tail *t = arg;

    t->end = rec->end;
    t->state = rec->state;
    if (rec->marked && !t->unsettled)
        t->settled = rec->end;
    if ((rec->flags & RECORD_LASTING) != 0 && !rec->marked && !t->unsettled) {
        t->unsettled = true;
        t->settled = rec->offset;
    }
    if (!t->unsettled)
        t->settled_state = rec->state;
    return 0;
}

/* Walks the whole records from the journal offset `at`, which lies in `w`. 0, or 1: they do not
 * reach its end. */
static int
tail_walk(const struct journal_window *w, uint64_t at, struct journal_tail *tail)
{
    *tail = (struct journal_tail){.end = at, .settled = at};
    if (at > FIRST_RECORD) {
        struct record_trailer before;

        memcpy(&before, w->buf + (at - w->base) - sizeof(before), sizeof(before));
        tail->settled_state = before.state;
    }
    while (tail->end < w->base + w->len) {
        size_t skip = (size_t)(tail->end - w->base);
        struct record rec;
        uint32_t need;

        if (record_parse(slice_make(w->buf + skip, w->len - skip), tail->end, &rec, &need) !=
            RECORD_OK)
            return 1;
        (void)tail_step(tail, &rec); /* always 0 */
    }
    return 0;
}

/* The same for records that begin before the window: rare (nobody settled for long), at any length.
 */
static int
tail_read_on(const struct journal *j, uint64_t at, uint64_t size, struct journal_tail *tail)
{
    struct record_trailer before;
    uint64_t end;

    *tail = (struct journal_tail){.end = at, .settled = at};
    if (at > FIRST_RECORD) {
        if (at < FIRST_RECORD + sizeof(before))
            return 1;
        if (pread_exact(j->fd, &before, sizeof(before), (off_t)(at - sizeof(before))) < 0)
            return errno == EPIPE ? 1 : -1;
        tail->settled_state = before.state;
    }
    if (journal_read(j, at, size, tail_step, tail, &end) < 0)
        return -1;
    return end == size ? 0 : 1;
}

/* The last record in the window: 0 and *from is where the records begin that are not known to be
 * settled, 1: it is not whole. */
static int
tail_last(const struct journal *j, struct journal_window *w, uint64_t size, uint64_t *from)
{
    struct record last;
    uint32_t need, length = record_last_length(slice_make(w->buf, w->len));

    if (length == 0 || length > size - FIRST_RECORD)
        return 1;
    if (length > w->len && journal_window_fill(j, w, size - length, size, length) < 0)
        return errno == EPIPE ? 1 : -1;
    if (record_parse(slice_make(w->buf + w->len - length, length), size - length, &last, &need) !=
        RECORD_OK)
        return 1;
    *from = last.settled < FIRST_RECORD ? last.offset : last.settled;
    return 0;
}

/* 0, 1: the file does not end with a whole record, -1 with errno. */
static int
tail_try(const struct journal *j, struct journal_tail *tail, uint64_t size)
{
    struct journal_window w = {0};
    uint64_t window = size - FIRST_RECORD < TAIL_WINDOW ? FIRST_RECORD : size - TAIL_WINDOW;
    uint64_t from = 0, first;
    int rc = journal_window_fill(j, &w, window, size, (size_t)(size - window));

    if (rc < 0 && errno == EPIPE)
        rc = 1; /* a torn tail was cut off since */
    if (rc == 0)
        rc = tail_last(j, &w, size, &from);
    first = from > FIRST_RECORD ? from - sizeof(struct record_trailer) : from;
    if (rc == 0)
        rc = first < w.base ? tail_read_on(j, from, size, tail) : tail_walk(&w, from, tail);
    xfree(&w.buf);
    return rc;
}

bool
journal_ends_whole(const struct journal *j, uint64_t size)
{
    struct journal_tail tail;

    return size > FIRST_RECORD && tail_try(j, &tail, size) == 0;
}

/* ---- a torn tail ---- */

/* True if a whole record in `rest` (which lies at `at`) knows that the bytes at `torn_at` were on
 * disk. The work is bounded: past the limit the answer is the careful one. */
static bool
knows_durable(struct slice rest, uint64_t at, uint64_t torn_at)
{
    uint64_t work = 0;

    while (rest.len > 0) {
        struct record rec;
        uint32_t need, step = 8;
        enum record_status status = record_parse(rest, at, &rec, &need);

        if (status == RECORD_OK && (rec.marked || rec.settled > torn_at))
            return true;
        if (status == RECORD_OK)
            step = (uint32_t)(rec.end - rec.offset);
        else if (status == RECORD_BAD && need <= rest.len)
            work += need;
        if (work > REPAIR_WORK_MAX)
            return true;
        rest = slice_sub(rest, step, rest.len);
        at += step;
    }
    return false;
}

static int
cut_tail(struct journal *j, uint64_t whole_end, uint64_t size)
{
    struct journal_window w = {0};
    uint64_t from = whole_end + 8;
    bool durable = whole_end <= FIRST_RECORD || size - whole_end > RECORD_MAX;
    int rc = 0;

    /* A power cut tears what was not flushed. If a whole record behind the tear knows that it was,
     * then the disk is damaged, and cutting would throw mail away. */
    if (!durable && from < size) {
        rc = journal_window_fill(j, &w, from, size, (size_t)(size - from));
        durable = rc == 0 && knows_durable(slice_make(w.buf, w.len), from, whole_end);
        xfree(&w.buf);
    }
    if (rc < 0)
        return -1;
    if (durable) {
        errno = EBADMSG;
        return -1;
    }
    j->size = whole_end;
    return ftruncate(j->fd, (off_t)whole_end);
}

static int
ignore_record(void *arg, const struct record *rec)
{
    (void)arg;
    (void)rec;
    return 0;
}

/* The file does not end with a whole record, and nobody is writing one: finds the last one from the
 * start. Who holds the lock cuts the rest off. */
static int
read_torn_tail(struct journal *j, struct journal_tail *tail, uint64_t size)
{
    uint64_t end;

    if (journal_read(j, FIRST_RECORD, size, ignore_record, NULL, &end) < 0 ||
        (j->locked && cut_tail(j, end, size) < 0))
        return -1;
    if (end > FIRST_RECORD && tail_try(j, tail, end) == 0)
        return 0;
    errno = EBADMSG;
    return -1;
}

static int
read_tail_under_lock(struct journal *j, struct journal_tail *tail)
{
    int rc;

    if (journal_lock(j) < 0) {
        if (errno == ESTALE)
            errno = EAGAIN;
        return -1;
    }
    rc = journal_tail_read(j, tail);
    journal_unlock(j);
    return rc;
}

int
journal_tail_read(struct journal *j, struct journal_tail *tail)
{
    struct timespec pause = {.tv_nsec = 1000000};
    uint64_t size;
    bool replaced;

    for (int try = 0;; try++) {
        int rc;

        if (j->locked)
            size = j->size; /* nobody else changes it */
        else if (journal_look(j, &size, &replaced) < 0)
            return -1;
        rc = size > FIRST_RECORD ? tail_try(j, tail, size) : 1;
        if (rc <= 0)
            return rc;
        if (j->locked || try == TAIL_TRIES)
            break;
        (void)nanosleep(&pause, NULL); /* shorter is fine */
    }
    return j->locked || !j->writable ? read_torn_tail(j, tail, size)
                                     : read_tail_under_lock(j, tail);
}
