/*
 * archived/writer.c - writes messages and their records, each exactly once.
 *
 * Touches the archive's directory alone, which is this process's own. The content of messages is
 * copied and hashed, nothing in it is looked at.
 */
#include "archived/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archived/recovery.h"
#include "lib/archive/days.h"
#include "lib/auth/digest.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define COPY_STEP 262144u
#define DAY_MS INT64_C(86400000)
#define DOUBT_DAYS_MAX 4000 /* looked through for one message */

struct writer {
    int rootfd, tmpfd;
    int dayfd, chainfd; /* -1: no day has been begun */
    char day[ARCHIVE_DAY_SIZE];
    off_t chain_length;
    struct chain_end end;
    char *buffer;
};

/* What became of an item on its way. */
struct written {
    char name[ARCHIVE_NAME_SIZE];
    char sha256[CHAIN_HASH_LEN + 1];
    int fd;       /* of the file below tmp/ until it is flushed; -1 */
    bool is_here; /* the file is below tmp/ */
};

/* ---- days ---- */

/* YYYY, YYYY/MM, YYYY/MM/DD: names are on disk before anything is in them. */
static int
make_directories(int rootfd, const char *day)
{
    static const size_t lengths[] = {4, 7, 10};
    char path[ARCHIVE_DAY_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        int parent;

        (void)snprintf(path, sizeof(path), "%.*s", i == 0 ? 0 : (int)lengths[i - 1], day);
        parent = openat(rootfd, i == 0 ? "." : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)snprintf(path, sizeof(path), "%.*s", (int)lengths[i], day);
        if (parent < 0 || (mkdirat(rootfd, path, 0700) < 0 && errno != EEXIST) ||
            fsync(parent) < 0) {
            close_keep_errno(parent);
            return -1;
        }
        (void)close(parent);
    }
    return 0;
}

static int
enter_day(struct writer *w, const char *day)
{
    int dayfd = -1, chainfd = -1;
    struct stat st;

    if (make_directories(w->rootfd, day) == 0)
        dayfd = openat(w->rootfd, day, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dayfd >= 0)
        chainfd = openat(dayfd, ARCHIVE_CHAIN,
                         O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (chainfd < 0 || fstat(chainfd, &st) < 0 || fsync(dayfd) < 0) {
        close_keep_errno(chainfd);
        close_keep_errno(dayfd);
        return -1;
    }
    close_keep_errno(w->dayfd);
    close_keep_errno(w->chainfd);
    w->dayfd = dayfd;
    w->chainfd = chainfd;
    w->chain_length = st.st_size;
    (void)snprintf(w->day, sizeof(w->day), "%s", day);
    return 0;
}

/* Days go forward only, also when the clock is set back: the chain has one order. */
static int
find_day(struct writer *w)
{
    char today[ARCHIVE_DAY_SIZE];

    archive_day_of(clock_real_ms(), today);
    return w->dayfd >= 0 && strcmp(today, w->day) <= 0 ? 0 : enter_day(w, today);
}

/* ---- start ---- */

struct writer *
writer_open(int rootfd)
{
    struct writer *w = xcalloc(1, sizeof(*w));
    char last[ARCHIVE_DAY_SIZE] = "";

    w->rootfd = rootfd;
    w->dayfd = w->chainfd = -1;
    w->buffer = xmalloc(COPY_STEP);
    if (mkdirat(rootfd, ARCHIVE_TMP, 0700) == 0 || errno == EEXIST)
        w->tmpfd = openat(rootfd, ARCHIVE_TMP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    else
        w->tmpfd = -1;
    if (w->tmpfd >= 0 && recovery_run(rootfd, w->tmpfd, &w->end, last) == 0 &&
        (last[0] == '\0' || enter_day(w, last) == 0))
        return w;
    writer_free(&w);
    return NULL;
}

void
writer_free(struct writer **wp)
{
    struct writer *w = *wp;

    if (w == NULL)
        return;
    close_keep_errno(w->tmpfd);
    close_keep_errno(w->dayfd);
    close_keep_errno(w->chainfd);
    xfree(&w->buffer);
    xfree(wp);
}

/* ---- files ---- */

static int
copy_and_hash(struct writer *w, const struct writer_item *item, struct written *file)
{
    struct digest_stream *hash = digest_stream_begin(DIGEST_SHA256);
    unsigned char digest[DIGEST_MAX];
    uint64_t at = 0;
    int rc = 0;

    while (rc == 0 && at < item->size) {
        size_t step = item->size - at < COPY_STEP ? (size_t)(item->size - at) : COPY_STEP;

        rc = pread_exact(item->fd, w->buffer, step, (off_t)(item->offset + at));
        if (rc == 0)
            rc = write_all(file->fd, slice_make(w->buffer, step));
        digest_stream_feed(hash, slice_make(w->buffer, step));
        at += step;
    }
    digest_stream_end(&hash, digest);
    chain_hex(digest, file->sha256);
    return rc;
}

/* Below tmp/, not yet flushed. */
static int
write_file(struct writer *w, const struct writer_item *item, struct written *file)
{
    file->fd =
        openat(w->tmpfd, file->name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return -1;
    file->is_here = true;
    return copy_and_hash(w, item, file);
}

static bool
is_in(const struct writer *w, const char *day, const char *name)
{
    char path[ARCHIVE_DAY_SIZE + ARCHIVE_NAME_SIZE];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", day, name);
    return fstatat(w->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* In today's directory or, in doubt, in that of any day since it was received. */
static bool
is_archived(const struct writer *w, const struct writer_item *item, const char *name)
{
    char day[ARCHIVE_DAY_SIZE];
    int64_t ms = item->received_ms;

    if (is_in(w, w->day, name))
        return true;
    for (int i = 0; item->in_doubt && i < DOUBT_DAYS_MAX; i++, ms += DAY_MS) {
        archive_day_of(ms, day);
        if (strcmp(day, w->day) >= 0)
            return false;
        if (is_in(w, day, name))
            return true;
    }
    return false;
}

static void
drop(const struct writer *w, struct writer_item *item, struct written *file, int error)
{
    close_keep_errno(file->fd);
    file->fd = -1;
    if (file->is_here)
        (void)unlinkat(w->tmpfd, file->name, 0); /* else the next start does */
    file->is_here = false;
    item->error = error;
}

static void
drop_all(const struct writer *w, struct writer_item *items, struct written *files, size_t count,
         int error)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].is_here)
            drop(w, &items[i], &files[i], error);
}

/* What is to have a line is below tmp/ afterwards, on disk with its name. */
static void
write_files(struct writer *w, struct writer_item *items, struct written *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        archive_file_name(items[i].id, files[i].name);
        files[i].fd = -1;
        if (is_archived(w, &items[i], files[i].name))
            continue;
        if (write_file(w, &items[i], &files[i]) < 0)
            drop(w, &items[i], &files[i], errno == EPIPE ? EIO : errno);
    }
    for (size_t i = 0; i < count; i++) {
        if (!files[i].is_here)
            continue;
        if (fdatasync(files[i].fd) < 0)
            drop(w, &items[i], &files[i], errno);
        close_keep_errno(files[i].fd);
        files[i].fd = -1;
    }
    if (fsync(w->tmpfd) < 0)
        drop_all(w, items, files, count, errno);
}

/* ---- lines ---- */

static void
add_line(struct strbuf *lines, struct chain_end *end, const struct writer_item *item,
         const struct written *file)
{
    struct strbuf time = strbuf_new(32);
    struct chain_entry entry = {.number = end->number + 1,
                                .id = item->id,
                                .classes = item->classes,
                                .sender = item->sender,
                                .rcpts = item->rcpts,
                                .size = item->size,
                                .sha256 = slice_of(file->sha256),
                                .previous = slice_of(end->hash)};
    size_t start = lines->len;
    char hash[CHAIN_HASH_LEN + 1];

    (void)clock_rfc3339(clock_real_ms(), &time);
    entry.time = strbuf_slice(&time);
    chain_encode(lines, &entry);
    chain_hash(slice_sub(strbuf_slice(lines), start, lines->len), hash);
    memcpy(end->hash, hash, sizeof(hash));
    end->number++;
    (void)strbuf_char(lines, '\n');
    strbuf_free(&time);
}

/* 0: appended and on disk. -1: nothing was. -2: nobody knows. */
static int
append(struct writer *w, struct slice lines)
{
    if (write_all(w->chainfd, lines) < 0) {
        int error = errno;

        if (ftruncate(w->chainfd, w->chain_length) < 0 || fdatasync(w->chainfd) < 0)
            return -2;
        errno = error;
        return -1;
    }
    return fdatasync(w->chainfd) < 0 ? -2 : 0; /* what is gone after a failed flush is not told */
}

static int
record(struct writer *w, struct writer_item *items, struct written *files, size_t count)
{
    struct strbuf lines = strbuf_new(SIZE_MAX / 2); /* each is bounded, and their number */
    struct chain_end end = w->end;
    int rc = 0;

    for (size_t i = 0; i < count; i++)
        if (files[i].is_here)
            add_line(&lines, &end, &items[i], &files[i]);
    if (lines.len > 0)
        rc = append(w, strbuf_slice(&lines));
    if (rc == 0) {
        w->end = end;
        w->chain_length += (off_t)lines.len;
    } else if (rc == -1) {
        drop_all(w, items, files, count, errno);
        rc = 0;
    }
    strbuf_free(&lines);
    return rc < 0 ? -1 : 0;
}

static int
move_files(struct writer *w, const struct written *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].is_here && renameat(w->tmpfd, files[i].name, w->dayfd, files[i].name) < 0)
            return -1;
    return 0;
}

int
writer_put(struct writer *w, struct writer_item *items, size_t count)
{
    struct written *files;
    int rc;

    for (size_t i = 0; i < count; i++)
        items[i].error = 0;
    if (find_day(w) < 0) {
        for (size_t i = 0; i < count; i++)
            items[i].error = errno;
        return 0;
    }
    files = xcalloc(count, sizeof(*files));
    write_files(w, items, files, count);
    rc = record(w, items, files, count);
    if (rc == 0)
        rc = move_files(w, files, count);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (files[i].is_here)
            log_event(LOG_INFO, "archived", KV_SLICE("queue_id", items[i].id),
                      KV_SLICE("classes", items[i].classes), KV_STR("day", w->day));
    xfree(&files);
    return rc;
}
