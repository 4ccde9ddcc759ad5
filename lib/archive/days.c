/*
 * lib/archive/days.c - the archive's directory. Opens names below the descriptor that it is given.
 */
#include "lib/archive/days.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define READ_STEP 65536

void
archive_day_of(int64_t real_ms, char out[ARCHIVE_DAY_SIZE])
{
    struct strbuf text = strbuf_new(32);

    (void)clock_rfc3339(real_ms, &text);
    (void)archive_day_parse(slice_sub(strbuf_slice(&text), 0, ARCHIVE_DAY_SIZE - 1), out);
    strbuf_free(&text);
}

static bool
are_digits(struct slice text, size_t len)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len == len;
}

int
archive_day_parse(struct slice text, char out[ARCHIVE_DAY_SIZE])
{
    bool has_dashes = slice_index(text, '-') < text.len;
    struct slice year = slice_split(&text, has_dashes ? '-' : '/'),
                 month = slice_split(&text, has_dashes ? '-' : '/');

    if (!are_digits(year, 4) || !are_digits(month, 2) || !are_digits(text, 2))
        return -1;
    (void)snprintf(out, ARCHIVE_DAY_SIZE, "%.4s/%.2s/%.2s", year.ptr, month.ptr, text.ptr);
    return 0;
}

/* ---- the days ---- */

static int
open_dir(int dirfd, const char *name)
{
    return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Years, months, days: names of so many digits. */
struct walk {
    size_t digits[3];
    struct archive_days *days;
    size_t room;
};

static int
add_day(struct walk *w, const char *day)
{
    struct archive_days *days = w->days;

    if (days->count == ARCHIVE_DAYS_MAX) {
        errno = EOVERFLOW;
        return -1;
    }
    if (days->count == w->room) {
        w->room = w->room == 0 ? 64 : 2 * w->room;
        days->items = xreallocarray(days->items, w->room, sizeof(*days->items));
    }
    memcpy(days->items[days->count++], day, ARCHIVE_DAY_SIZE);
    return 0;
}

static int walk_level(struct walk *w, int dirfd, size_t level, const char *before);

/* One entry of a directory. */
static int
walk_entry(struct walk *w, int dirfd, size_t level, const char *before, const char *name)
{
    char path[ARCHIVE_DAY_SIZE];
    int fd;

    if (!are_digits(slice_of(name), w->digits[level]))
        return 0;
    (void)snprintf(path, sizeof(path), "%s%s%.4s", before, level > 0 ? "/" : "", name);
    fd = open_dir(dirfd, name);
    if (fd < 0)
        return errno == ENOTDIR || errno == ELOOP ? 0 : -1;
    if (level < ARRAY_LEN(w->digits) - 1)
        return walk_level(w, fd, level + 1, path);
    (void)close(fd);
    return add_day(w, path);
}

/* Takes `dirfd` over. */
static int
walk_level(struct walk *w, int dirfd, size_t level, const char *before)
{
    DIR *dir = fdopendir(dirfd);
    const struct dirent *entry;
    int rc = 0;

    if (dir == NULL) {
        close_keep_errno(dirfd);
        return -1;
    }
    while (rc == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        rc = walk_entry(w, dirfd, level, before, entry->d_name);
    if (rc == 0 && errno != 0)
        rc = -1;
    (void)closedir(dir);
    return rc;
}

static int
compare_days(const void *a, const void *b)
{
    return memcmp(a, b, ARCHIVE_DAY_SIZE);
}

int
archive_days_read(int rootfd, struct archive_days *out)
{
    struct walk w = {.digits = {4, 2, 2}, .days = out};
    int fd = open_dir(rootfd, ".");

    *out = (struct archive_days){0};
    if (fd < 0)
        return -1;
    if (walk_level(&w, fd, 0, "") < 0) {
        archive_days_free(out);
        return -1;
    }
    if (out->count > 0)
        qsort(out->items, out->count, sizeof(*out->items), compare_days);
    return 0;
}

void
archive_days_free(struct archive_days *days)
{
    xfree(&days->items);
    days->count = 0;
}

int
archive_open_in(int rootfd, const char *day, const char *name)
{
    int dirfd = open_dir(rootfd, day);
    int fd = dirfd < 0 ? -1 : openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    close_keep_errno(dirfd);
    return fd;
}

void
archive_file_name(struct slice id, char out[ARCHIVE_NAME_SIZE])
{
    (void)snprintf(out, ARCHIVE_NAME_SIZE, "%.*s" ARCHIVE_SUFFIX, (int)id.len, id.ptr);
}

/* ---- a chain ---- */

struct chain_reader {
    int fd;
    struct strbuf bytes;
    size_t at; /* of the next line in `bytes` */
};

struct chain_reader *
chain_reader_new(int fd)
{
    struct chain_reader *r = xcalloc(1, sizeof(*r));

    r->fd = fd;
    r->bytes = strbuf_new(CHAIN_LINE_MAX + READ_STEP);
    return r;
}

void
chain_reader_free(struct chain_reader **readerp)
{
    if (*readerp == NULL)
        return;
    close_keep_errno((*readerp)->fd);
    strbuf_free(&(*readerp)->bytes);
    xfree(readerp);
}

/* Bytes read, 0 at the end, -1 with errno. */
static ssize_t
read_more(struct chain_reader *r)
{
    ssize_t n;
    char *room;

    strbuf_consume(&r->bytes, r->at);
    r->at = 0;
    room = strbuf_room(&r->bytes, READ_STEP);
    if (room == NULL) {
        errno = EFBIG;
        return -1;
    }
    do
        n = read(r->fd, room, READ_STEP);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        strbuf_grew(&r->bytes, (size_t)n);
    return n;
}

int
chain_reader_next(struct chain_reader *r, struct slice *line, uint64_t *torn)
{
    size_t seen = 0;

    for (;;) {
        struct slice rest = slice_sub(strbuf_slice(&r->bytes), r->at, r->bytes.len);
        size_t end = seen + slice_index(slice_sub(rest, seen, rest.len), '\n');
        ssize_t n;

        if (end < rest.len) {
            *line = slice_sub(rest, 0, end);
            r->at += end + 1;
            return 1;
        }
        seen = rest.len;
        n = read_more(r);
        *torn = rest.len;
        if (n <= 0)
            return (int)n;
    }
}
