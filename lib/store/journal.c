/*
 * lib/store/journal.c - one folder's journal file.
 *
 * Trusts nothing that is in the file; touches posthorn.journal below the folder's directory alone.
 */
#include "lib/store/journal.h"

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
#include "lib/store/beneath.h"

#define READ_STEP 65536
#define TAIL_WINDOW 4096
#define ITEM_WINDOW 512
#define TAIL_TRIES 5 /* of 1 ms: a record being written without us holding the lock */
#define REPAIR_WORK_MAX (256u << 20) /* bytes checked when looking behind a tear */
#define FIRST_RECORD sizeof(struct journal_header)

int
journal_adopt_fd(struct journal *j, int dirfd, int fd, bool writable)
{
    *j = (struct journal){.dirfd = dirfd, .fd = fd, .writable = writable};
    if (pread_exact(fd, &j->header, sizeof(j->header), 0) < 0) {
        if (errno == EPIPE)
            errno = EBADMSG;
    } else if (journal_header_check(&j->header) < 0) {
        errno = EBADMSG;
    } else {
        return 0;
    }
    close_keep_errno(fd);
    j->fd = -1;
    return -1;
}

int
journal_open(struct journal *j, int dirfd, bool writable)
{
    /* O_NONBLOCK: whatever else somebody put there under this name must not make us wait */
    int fd = beneath_open(dirfd, JOURNAL_NAME, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK, 0);

    *j = (struct journal){.dirfd = dirfd, .fd = -1};
    return fd < 0 ? -1 : journal_adopt_fd(j, dirfd, fd, writable);
}

void
journal_close(struct journal *j)
{
    close_keep_errno(j->fd); /* gives up the lock, too */
    j->fd = -1;
    j->locked = false;
}

int
journal_look(const struct journal *j, uint64_t *size, bool *replaced)
{
    struct stat st;

    if (fstat(j->fd, &st) < 0)
        return -1;
    *size = (uint64_t)st.st_size;
    *replaced = st.st_nlink == 0;
    if (S_ISREG(st.st_mode))
        return 0;
    errno = EBADMSG;
    return -1;
}

int
journal_lock(struct journal *j)
{
    int64_t deadline = 0;
    struct timespec pause = {.tv_nsec = 50000};
    uint64_t size;
    bool replaced;

    if (!j->writable) {
        errno = EACCES;
        return -1;
    }
    while (flock(j->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        if (deadline == 0)
            deadline = clock_mono_ms() + JOURNAL_LOCK_MS;
        else if (clock_mono_ms() > deadline) {
            errno = EBUSY;
            return -1;
        }
        (void)nanosleep(&pause, NULL); /* shorter is fine */
        if (pause.tv_nsec < 4000000)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
    j->locked = true;
    if (journal_look(j, &size, &replaced) == 0 && !replaced)
        return 0;
    journal_unlock(j);
    errno = ESTALE;
    return -1;
}

int
journal_lock_current(struct journal *j)
{
    while (journal_lock(j) < 0) {
        int dirfd = j->dirfd;

        if (errno != ESTALE)
            return -1;
        journal_close(j);
        if (journal_open(j, dirfd, true) < 0)
            return -1;
    }
    return 0;
}

void
journal_unlock(struct journal *j)
{
    int saved = errno;

    if (j->locked)
        (void)flock(j->fd, LOCK_UN); /* cannot fail on an open descriptor that holds it */
    j->locked = false;
    errno = saved;
}

/* ---- reading ---- */

struct read_window {
    char *buf;
    size_t cap;
    size_t len;    /* bytes in buf */
    uint64_t base; /* their offset in the journal */
};

static int
window_fill(const struct journal *j, struct read_window *w, uint64_t at, uint64_t to, size_t want)
{
    if (want > to - at)
        want = (size_t)(to - at);
    if (want > w->cap) {
        w->buf = xrealloc(w->buf, want);
        w->cap = want;
    }
    w->base = at;
    w->len = want;
    return pread_exact(j->fd, w->buf, want, (off_t)at);
}

int
journal_read(const struct journal *j, uint64_t from, uint64_t to,
             int (*each)(void *arg, const struct record *rec), void *arg, uint64_t *end)
{
    struct read_window w = {.base = from};
    int rc = 0;

    *end = from;
    while (rc == 0 && *end < to) {
        struct record rec;
        uint32_t need;
        size_t skip = (size_t)(*end - w.base);
        enum record_status status =
            record_parse(slice_sub(slice_make(w.buf, w.len), skip, w.len), *end, &rec, &need);

        if (status == RECORD_BAD || need > to - *end)
            break;
        if (status == RECORD_SHORT) {
            rc = window_fill(j, &w, *end, to, need < READ_STEP ? READ_STEP : need);
            continue;
        }
        rc = each(arg, &rec);
        if (rc == 0)
            *end = rec.end;
    }
    xfree(&w.buf);
    return rc;
}

static void
tail_step(struct journal_tail *t, const struct record *rec, uint64_t *flushed)
{
    t->end = rec->end;
    t->state = rec->state;
    if (rec->marked)
        *flushed = rec->end;
    if ((rec->flags & RECORD_LASTING) != 0 && !rec->marked && !t->unsettled) {
        t->unsettled = true;
        t->settled = rec->offset;
    }
    if (!t->unsettled)
        t->settled_state = rec->state;
}

/* Walks the whole records in `w` from the journal offset `at`. 0, or 1: they do not reach its end.
 */
static int
tail_walk(const struct read_window *w, uint64_t at, struct journal_tail *tail)
{
    uint64_t flushed = at;

    *tail = (struct journal_tail){.end = at};
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
        tail_step(tail, &rec, &flushed);
    }
    if (!tail->unsettled)
        tail->settled = flushed;
    return 0;
}

/* The last record in the window: 0 and *from is where the records begin that are not known to be
 * settled, 1: it is not whole. */
static int
tail_last(const struct journal *j, struct read_window *w, uint64_t size, uint64_t *from)
{
    struct record last;
    uint32_t need, length = record_last_length(slice_make(w->buf, w->len));

    if (length == 0 || length > size - FIRST_RECORD)
        return 1;
    if (length > w->len && window_fill(j, w, size - length, size, length) < 0)
        return -1;
    if (record_parse(slice_make(w->buf + w->len - length, length), size - length, &last, &need) !=
        RECORD_OK)
        return 1;
    *from = last.settled < FIRST_RECORD ? last.offset : last.settled;
    return 0;
}

/* 0, 1: the file does not end with a whole record, -1 with errno. */
static int
tail_try(struct journal *j, struct journal_tail *tail, uint64_t size)
{
    struct read_window w = {0};
    uint64_t window = size - FIRST_RECORD < TAIL_WINDOW ? FIRST_RECORD : size - TAIL_WINDOW;
    uint64_t from = 0, first;
    int rc = window_fill(j, &w, window, size, (size_t)(size - window));

    if (rc == 0)
        rc = tail_last(j, &w, size, &from);
    first = from > FIRST_RECORD ? from - sizeof(struct record_trailer) : from;
    if (rc == 0 && first < w.base) {
        if (first < FIRST_RECORD || size - first > RECORD_MAX)
            rc = 1;
        else
            rc = window_fill(j, &w, first, size, (size_t)(size - first));
    }
    if (rc == 0)
        rc = tail_walk(&w, from, tail);
    xfree(&w.buf);
    return rc;
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
        (j->locked && journal_cut(j, end, size) < 0))
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
    rc = journal_read_tail(j, tail);
    journal_unlock(j);
    return rc;
}

int
journal_read_tail(struct journal *j, struct journal_tail *tail)
{
    struct timespec pause = {.tv_nsec = 1000000};
    uint64_t size;
    bool replaced;

    for (int try = 0;; try++) {
        int rc;

        if (journal_look(j, &size, &replaced) < 0)
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

int
journal_read_item(const struct journal *j, uint64_t offset, struct strbuf *buf, struct item *item)
{
    ssize_t n;
    char *room;

    strbuf_clear(buf);
    room = strbuf_room(buf, ITEM_WINDOW);
    if (room == NULL || offset > INT64_MAX) {
        errno = EBADMSG;
        return -1;
    }
    n = pread(j->fd, room, ITEM_WINDOW, (off_t)offset);
    if (n < 0)
        return -1;
    strbuf_grew(buf, (size_t)n);
    if (item_parse(strbuf_slice(buf), offset, item) == 0 && item->type == ITEM_ARRIVE)
        return 0;
    errno = EBADMSG;
    return -1;
}

/* ---- writing ---- */

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

int
journal_cut(struct journal *j, uint64_t whole_end, uint64_t size)
{
    struct read_window w = {0};
    uint64_t from = whole_end + 8;
    bool durable = whole_end <= FIRST_RECORD || size - whole_end > RECORD_MAX;
    int rc = 0;

    /* A power cut tears what was not flushed. If a whole record behind the tear knows that it was,
     * then the disk is damaged, and cutting would throw mail away. */
    if (!durable && from < size) {
        rc = window_fill(j, &w, from, size, (size_t)(size - from));
        durable = rc == 0 && knows_durable(slice_make(w.buf, w.len), from, whole_end);
        xfree(&w.buf);
    }
    if (rc < 0)
        return -1;
    if (durable) {
        errno = EBADMSG;
        return -1;
    }
    return ftruncate(j->fd, (off_t)whole_end);
}

/* Open file description locks: they go with the last descriptor, and do not mind flock. */
static int
range_lock(const struct journal *j, int command, short type, uint64_t offset, uint64_t len,
           struct flock *lock)
{
    *lock = (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = (off_t)len};
    return fcntl(j->fd, command, lock);
}

void
journal_release(const struct journal *j)
{
    struct flock lock;
    int saved = errno;

    (void)range_lock(j, F_OFD_SETLK, F_UNLCK, 0, 0, &lock); /* cannot fail */
    errno = saved;
}

bool
journal_is_held(const struct journal *j, uint64_t offset)
{
    struct flock lock;

    return range_lock(j, F_OFD_GETLK, F_WRLCK, offset, 0, &lock) == 0 && lock.l_type != F_UNLCK;
}

int
journal_append(struct journal *j, uint64_t end, const struct strbuf *record, bool hold)
{
    struct flock lock;
    int saved;

    if (hold) /* should it fail, somebody else may flush in our place: work done twice */
        (void)range_lock(j, F_OFD_SETLK, F_RDLCK, end, record->len, &lock);
    if (pwrite_all(j->fd, strbuf_slice(record), (off_t)end) == 0)
        return 0;
    saved = errno;
    if (ftruncate(j->fd, (off_t)end) < 0)
        saved = EIO; /* the next appender cuts it back */
    if (hold)
        journal_release(j);
    errno = saved;
    return -1;
}

int
journal_flush(const struct journal *j)
{
    return fdatasync(j->fd);
}

#define MARK_OFFSET (sizeof(struct record_trailer) - offsetof(struct record_trailer, mark))

void
journal_mark(const struct journal *j, uint64_t record_end)
{
    uint32_t mark = RECORD_DURABLE;

    /* Without the mark the next reader flushes again: slower, never wrong. */
    (void)pwrite_all(j->fd, slice_make(&mark, sizeof(mark)), (off_t)(record_end - MARK_OFFSET));
}

bool
journal_is_marked(const struct journal *j, uint64_t record_end)
{
    uint32_t mark;

    return pread_exact(j->fd, &mark, sizeof(mark), (off_t)(record_end - MARK_OFFSET)) == 0 &&
           mark == RECORD_DURABLE;
}

uint64_t
journal_next_modseq(uint64_t highest)
{
    int64_t now_us = clock_real_us();

    return now_us > 0 && (uint64_t)now_us > highest ? (uint64_t)now_us : highest + 1;
}

int
journal_write_new(int dirfd, const char *name, struct journal_header *header, struct slice records)
{
    int fd = beneath_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int rc;

    if (fd < 0)
        return -1;
    journal_header_seal(header);
    rc = write_all(fd, slice_make(header, sizeof(*header)));
    if (rc == 0)
        rc = write_all(fd, records);
    if (rc == 0)
        rc = fsync(fd);
    close_keep_errno(fd);
    if (rc < 0)
        unlink_keep_errno(dirfd, name);
    return rc;
}
