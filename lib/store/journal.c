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
#include "lib/store/work.h"

#define READ_STEP 65536

int
journal_adopt_fd(struct journal *j, int dirfd, int fd, bool writable)
{
    struct stat st;

    *j = (struct journal){.dirfd = dirfd, .fd = fd, .writable = writable};
    if (fstat(fd, &st) == 0) {
        j->dev = st.st_dev;
        j->ino = st.st_ino;
    }
    if (pread_exact(fd, &j->header, sizeof(j->header), 0) < 0) {
        if (errno == EPIPE)
            errno = EBADMSG;
    } else if (journal_header_check(&j->header) == 0) {
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

    /* The link count would not tell: somebody's backup may be a link to the old file. */
    *replaced = fstatat(j->dirfd, JOURNAL_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                st.st_ino != j->ino || st.st_dev != j->dev;
    if (*replaced && fstat(j->fd, &st) < 0)
        return -1;
    *size = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode) && (st.st_mode & S_ISVTX) == 0)
        return 0;
    errno = S_ISREG(st.st_mode) ? EREMOTE : EBADMSG; /* move_fence.h */
    return -1;
}

int
journal_lock_unnamed(struct journal *j)
{
    int64_t deadline = 0;
    struct timespec pause = {.tv_nsec = 50000};

    if (!j->writable) {
        errno = EACCES;
        return -1;
    }
    while (flock(j->fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        if (deadline == 0)
            deadline = clock_mono_ms() + (j->lock_wait_ms > 0 ? j->lock_wait_ms : JOURNAL_LOCK_MS);
        else if (clock_mono_ms() > deadline) {
            errno = EBUSY;
            return -1;
        }
        (void)nanosleep(&pause, NULL); /* shorter is fine */
        if (pause.tv_nsec < 4000000)
            pause.tv_nsec += pause.tv_nsec / 2;
    }
    j->locked = true;
    return 0;
}

int
journal_lock(struct journal *j)
{
    bool replaced;

    if (journal_lock_unnamed(j) < 0)
        return -1;
    errno = 0;
    if (journal_look(j, &j->size, &replaced) == 0 && !replaced)
        return 0;
    if (errno != EREMOTE || replaced)
        errno = ESTALE;
    journal_unlock(j);
    return -1;
}

int
journal_lock_current(struct journal *j)
{
    while (journal_lock(j) < 0) {
        int64_t lock_wait_ms = j->lock_wait_ms;
        int dirfd = j->dirfd;

        if (errno != ESTALE)
            return -1;
        journal_close(j);
        if (journal_open(j, dirfd, true) < 0)
            return -1;
        j->lock_wait_ms = lock_wait_ms;
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

int
journal_window_fill(const struct journal *j, struct journal_window *w, uint64_t at, uint64_t to,
                    size_t want)
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
    struct journal_window w = {.base = from};
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
            rc = journal_window_fill(j, &w, *end, to, need < READ_STEP ? READ_STEP : need);
            if (rc < 0 && errno == EPIPE) { /* a torn tail was cut off since: here it ends */
                rc = 0;
                break;
            }
            continue;
        }
        rc = each(arg, &rec);
        if (rc == 0)
            *end = rec.end;
    }
    xfree(&w.buf);
    return rc;
}

int
journal_read_item(const struct journal *j, uint64_t offset, struct strbuf *buf, struct item *item)
{
    ssize_t n;
    char *room;

    strbuf_clear(buf);
    room = strbuf_room(buf, JOURNAL_ITEM_MAX);
    if (room == NULL || offset > INT64_MAX) {
        errno = EBADMSG;
        return -1;
    }
    n = pread(j->fd, room, JOURNAL_ITEM_MAX, (off_t)offset);
    if (n < 0)
        return -1;
    strbuf_grew(buf, (size_t)n);
    if (item_parse(strbuf_slice(buf), offset, item) == 0 && item->type == ITEM_ARRIVE)
        return 0;
    errno = EBADMSG;
    return -1;
}

/* ---- writing ---- */

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
    if (pwrite_all(j->fd, strbuf_slice(record), (off_t)end) == 0) {
        j->size = end + record->len;
        return 0;
    }
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
    struct store_work *work = store_work();
    int64_t began = clock_mono_us();
    int rc = fdatasync(j->fd);

    work->flushes++;
    work->flush_us += (uint64_t)(clock_mono_us() - began);
    return rc;
}

int
journal_write_again(const struct journal *j, uint64_t from, uint64_t to)
{
    struct journal_window w = {0};
    int rc = 0;

    for (uint64_t at = from; at < to && rc == 0; at += w.len) {
        rc = journal_window_fill(j, &w, at, to, READ_STEP);
        if (rc == 0)
            rc = pwrite_all(j->fd, slice_make(w.buf, w.len), (off_t)at);
    }
    xfree(&w.buf);
    return rc;
}

#define MARK_OFFSET (sizeof(struct record_trailer) - offsetof(struct record_trailer, mark))

void
journal_mark(const struct journal *j, uint64_t record_end)
{
    uint32_t mark = RECORD_DURABLE;

    /* Without the mark the next reader flushes again: slower, never wrong. */
    (void)pwrite_all(j->fd, slice_make(&mark, sizeof(mark)), (off_t)(record_end - MARK_OFFSET));
}

uint64_t
journal_next_modseq(uint64_t highest)
{
    int64_t now_us = clock_real_us();

    return now_us > 0 && (uint64_t)now_us > highest ? (uint64_t)now_us : highest + 1;
}

int
journal_write_unflushed(int dirfd, const char *name, struct journal_header *header,
                        struct slice records)
{
    int fd = beneath_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0)
        return -1;
    journal_header_seal(header);
    if (write_all(fd, slice_make(header, sizeof(*header))) == 0 && write_all(fd, records) == 0)
        return fd;
    close_keep_errno(fd);
    unlink_keep_errno(dirfd, name);
    return -1;
}

int
journal_write_new(int dirfd, const char *name, struct journal_header *header, struct slice records)
{
    int fd = journal_write_unflushed(dirfd, name, header, records);
    int rc = fd < 0 ? -1 : fsync(fd);

    close_keep_errno(fd);
    if (fd >= 0 && rc < 0)
        unlink_keep_errno(dirfd, name);
    return rc;
}
