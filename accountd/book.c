/*
 * accountd/book.c - a user's book as a file.
 *
 *   0     head: magic, version, where each ring goes on, checksum
 *   512   sums of days, then of months, each with its checksum
 *   8192  the rings: slots of 256 bytes
 *
 * Head and sums of an open book are in memory, as are some entries, and written when it is flushed
 * or closed: many entries of a moment are few writes. Numbers are big-endian. Touches files below
 * its directory alone; what is damaged begins anew.
 */
#include "accountd/book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"

enum {
    HEAD_BYTES = 512,
    SUM_BYTES = 8 + 8 * BOOK_FIGURES, /* checksum, number of the day or month, figures */
    IMAGE_BYTES = 8192,
    SLOT_BYTES = 256,
    SLOT_HEAD = 36,
    WHAT_MAX = SLOT_BYTES - SLOT_HEAD,
    OPEN_MAX = 512,
    PENDING_MAX = 16, /* entries that are not written yet, of one book */
    PATH_BYTES_MAX = 600,
    DAY_MS = 86400000
};
_Static_assert(HEAD_BYTES + (BOOK_DAYS + BOOK_MONTHS) * SUM_BYTES <= IMAGE_BYTES, "the sums fit");
_Static_assert(SLOT_HEAD + BOOK_CLIENT_MAX + BOOK_RESULT_MAX < SLOT_BYTES, "an entry fits");

#define MAGIC "PHbook1\n"

struct pending {
    enum book_kind kind;
    uint32_t place; /* in its ring */
};

struct book {
    char path[PATH_BYTES_MAX];
    int fd;
    bool dirty;
    unsigned char image[IMAGE_BYTES];
    struct pending pending[PENDING_MAX];
    unsigned char slots[PENDING_MAX][SLOT_BYTES]; /* of these */
    size_t pending_count;
    TAILQ_ENTRY(book) link;
};

TAILQ_HEAD(book_list, book);

struct books {
    int dirfd;
    struct map *by_path;
    struct book_list open; /* the one that was used last is the first */
    size_t count;
};

/* ---- numbers ---- */

static void
put(unsigned char *at, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; value >>= 8)
        at[i] = (unsigned char)value;
}

static uint64_t
get(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static uint32_t
sum_of(const unsigned char *at, size_t len)
{
    return crc32c(0, slice_make(at, len));
}

uint32_t
book_day_of(int64_t time_ms)
{
    return time_ms < 0 ? 0 : (uint32_t)(time_ms / DAY_MS);
}

uint32_t
book_month_of_day(uint32_t day)
{
    time_t seconds = (time_t)day * 86400;
    struct tm tm = {0};

    if (gmtime_r(&seconds, &tm) == NULL)
        return 0;
    return (uint32_t)((tm.tm_year - 70) * 12 + tm.tm_mon);
}

/* ---- the head: magic, how often each ring was written, checksum ---- */

static uint32_t
ring_count(const struct book *book, enum book_kind kind)
{
    return (uint32_t)get(book->image + 8 + (size_t)4 * kind, 4);
}

static bool
head_is_good(const unsigned char *image)
{
    return memcmp(image, MAGIC, 8) == 0 &&
           get(image + HEAD_BYTES - 4, 4) == sum_of(image, HEAD_BYTES - 4);
}

static void
seal_head(struct book *book)
{
    put(book->image + HEAD_BYTES - 4, sum_of(book->image, HEAD_BYTES - 4), 4);
}

/* ---- sums ---- */

static unsigned char *
sum_at(struct book *book, uint32_t number, bool is_month)
{
    size_t slot = is_month ? BOOK_DAYS + number % BOOK_MONTHS : number % BOOK_DAYS;

    return book->image + HEAD_BYTES + slot * SUM_BYTES;
}

/* Of that day or month, and whole. */
static bool
is_sum_of(const unsigned char *sum, uint32_t number)
{
    return get(sum + 4, 4) == number && get(sum, 4) == sum_of(sum + 4, SUM_BYTES - 4);
}

static void
add_to_sum(struct book *book, uint32_t number, bool is_month, const uint64_t figures[BOOK_FIGURES])
{
    unsigned char *sum = sum_at(book, number, is_month);

    if (!is_sum_of(sum, number))
        memset(sum, 0, SUM_BYTES);
    for (size_t i = 0; i < BOOK_FIGURES; i++)
        put(sum + 8 + 8 * i, get(sum + 8 + 8 * i, 8) + figures[i], 8);
    put(sum + 4, number, 4);
    put(sum, sum_of(sum + 4, SUM_BYTES - 4), 4);
}

static void
add_from_sum(struct book *book, uint32_t number, bool is_month, uint64_t figures[BOOK_FIGURES])
{
    const unsigned char *sum = sum_at(book, number, is_month);

    for (size_t i = 0; i < BOOK_FIGURES && is_sum_of(sum, number); i++)
        figures[i] += get(sum + 8 + 8 * i, 8);
}

/* ---- open books ---- */

static off_t
slot_offset(enum book_kind kind, uint32_t place)
{
    return IMAGE_BYTES + ((off_t)kind * BOOK_ENTRIES + place) * SLOT_BYTES;
}

/* Neighbours in one go. */
static int
write_pending(struct book *book)
{
    int rc = 0;

    for (size_t i = 0, run; i < book->pending_count; i += run) {
        const struct pending *first = &book->pending[i];

        run = 1;
        while (i + run < book->pending_count && first[run].kind == first->kind &&
               first[run].place == first->place + run)
            run++;
        if (pwrite_all(book->fd, slice_make(book->slots[i], run * SLOT_BYTES),
                       slot_offset(first->kind, first->place)) < 0)
            rc = -1;
    }
    book->pending_count = 0;
    return rc;
}

/* What cannot be written is lost; the next entry tries again. */
static int
flush_book(struct book *book)
{
    int rc = write_pending(book);

    if (!book->dirty)
        return rc;
    seal_head(book);
    book->dirty = false;
    return pwrite_all(book->fd, slice_make(book->image, IMAGE_BYTES), 0) < 0 ? -1 : rc;
}

static void
close_book(struct books *books, struct book *book)
{
    (void)flush_book(book); /* as it says */
    (void)close(book->fd);
    (void)map_remove(books->by_path, slice_of(book->path));
    TAILQ_REMOVE(&books->open, book, link);
    books->count--;
    free(book);
}

static struct book *
add_book(struct books *books, const char *path, int fd)
{
    struct book *book;

    if (books->count == OPEN_MAX)
        close_book(books, TAILQ_LAST(&books->open, book_list));
    book = xcalloc(1, sizeof(*book));
    (void)snprintf(book->path, sizeof(book->path), "%s", path); /* it fits */
    book->fd = fd;
    *map_at(books->by_path, slice_of(path)) = book; /* there is room for OPEN_MAX */
    TAILQ_INSERT_HEAD(&books->open, book, link);
    books->count++;
    return book;
}

static bool
is_path(const char *path)
{
    return path[0] != '\0' && strlen(path) < PATH_BYTES_MAX;
}

/* "DOMAIN/xx/USER": the two directories. */
static int
make_parents(int dirfd, const char *path)
{
    char part[PATH_BYTES_MAX];

    for (const char *end = strchr(path, '/'); end != NULL; end = strchr(end + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(end - path), path); /* path fits */
        if (mkdirat(dirfd, part, 0700) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

static int
open_file(int dirfd, const char *path, bool make)
{
    int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(dirfd, path, flags);

    if (fd >= 0 || errno != ENOENT || !make || make_parents(dirfd, path) < 0)
        return fd;
    return openat(dirfd, path, flags | O_CREAT, 0600);
}

static void
load(struct book *book)
{
    if (pread_exact(book->fd, book->image, IMAGE_BYTES, 0) == 0 && head_is_good(book->image))
        return;
    memset(book->image, 0, IMAGE_BYTES);
    memcpy(book->image, MAGIC, 8);
}

/* NULL with errno; ENOENT: there is none, and it was not to be made. */
static struct book *
open_book(struct books *books, const char *path, bool make)
{
    struct book *book = map_get(books->by_path, slice_of(path));
    int fd;

    if (book != NULL) {
        TAILQ_REMOVE(&books->open, book, link);
        TAILQ_INSERT_HEAD(&books->open, book, link);
        return book;
    }
    if (!is_path(path)) {
        errno = EINVAL;
        return NULL;
    }
    fd = open_file(books->dirfd, path, make);
    if (fd < 0)
        return NULL;
    book = add_book(books, path, fd);
    load(book);
    return book;
}

struct books *
books_new(int dirfd)
{
    struct books *books = xcalloc(1, sizeof(*books));

    books->dirfd = dirfd;
    books->by_path = map_new(OPEN_MAX);
    TAILQ_INIT(&books->open);
    return books;
}

int
books_flush(struct books *books)
{
    struct book *book;
    int rc = 0;

    TAILQ_FOREACH(book, &books->open, link)
    if (flush_book(book) < 0)
        rc = -1;
    return rc;
}

void
books_free(struct books **booksp)
{
    struct books *books = *booksp;

    if (books == NULL)
        return;
    while (!TAILQ_EMPTY(&books->open))
        close_book(books, TAILQ_FIRST(&books->open));
    map_free(&books->by_path, NULL);
    xfree(booksp);
}

/* ---- entries ---- */

/* At most `max` bytes, no character of UTF-8 in halves. */
static struct slice
cut(struct slice text, size_t max)
{
    size_t len = text.len < max ? text.len : max;

    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    return slice_sub(text, 0, len);
}

static void
pack(const struct book_entry *entry, unsigned char slot[SLOT_BYTES])
{
    struct slice client = cut(entry->client, BOOK_CLIENT_MAX),
                 result = cut(entry->result, BOOK_RESULT_MAX);
    struct slice what = cut(entry->what, WHAT_MAX - client.len - result.len);
    const struct slice texts[] = {client, result, what};
    size_t at = SLOT_HEAD;

    memset(slot, 0, SLOT_BYTES);
    put(slot + 4, (uint64_t)entry->time_ms, 8);
    put(slot + 12, entry->bytes, 8);
    put(slot + 20, entry->local, 4);
    put(slot + 24, entry->remote, 4);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        slot[28 + i] = (unsigned char)texts[i].len;
        if (texts[i].len > 0)
            memcpy(slot + at, texts[i].ptr, texts[i].len);
        at += texts[i].len;
    }
    put(slot, sum_of(slot + 4, SLOT_BYTES - 4), 4);
}

/* False: there is none, or it is damaged. */
static bool
unpack(const unsigned char slot[SLOT_BYTES], struct book_entry *entry)
{
    struct slice texts[3];
    size_t at = SLOT_HEAD;

    if (get(slot + 4, 8) == 0 || get(slot, 4) != sum_of(slot + 4, SLOT_BYTES - 4))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (slot[28 + i] > SLOT_BYTES - at)
            return false;
        texts[i] = slice_make(slot + at, slot[28 + i]);
        at += texts[i].len;
    }
    *entry = (struct book_entry){.time_ms = (int64_t)get(slot + 4, 8),
                                 .bytes = get(slot + 12, 8),
                                 .local = (uint32_t)get(slot + 20, 4),
                                 .remote = (uint32_t)get(slot + 24, 4),
                                 .client = texts[0],
                                 .result = texts[1],
                                 .what = texts[2]};
    return true;
}

int
books_note(struct books *books, const char *path, enum book_kind kind,
           const struct book_entry *entry, bool listed, const uint64_t figures[BOOK_FIGURES])
{
    struct book *book = open_book(books, path, true);
    uint32_t day = book_day_of(entry->time_ms);
    uint32_t count;
    int rc = 0;

    if (book == NULL)
        return -1;
    if (listed) {
        count = ring_count(book, kind);
        if (book->pending_count == PENDING_MAX)
            rc = write_pending(book);
        book->pending[book->pending_count] = (struct pending){kind, count % BOOK_ENTRIES};
        pack(entry, book->slots[book->pending_count++]);
        put(book->image + 8 + (size_t)4 * kind, count + 1, 4);
    }
    if (figures != NULL) {
        add_to_sum(book, day, false, figures);
        add_to_sum(book, book_month_of_day(day), true, figures);
    }
    book->dirty = true;
    return rc;
}

int
books_list(struct books *books, const char *path, enum book_kind kind,
           void (*each)(void *arg, const struct book_entry *entry), void *arg)
{
    struct book *book = open_book(books, path, false);
    unsigned char ring[BOOK_ENTRIES * SLOT_BYTES] = {0};
    struct book_entry entry;
    uint32_t count;

    if (book == NULL)
        return errno == ENOENT ? 0 : -1;
    if (write_pending(book) < 0 ||
        pread(book->fd, ring, sizeof(ring), slot_offset(kind, 0)) < 0) /* a short file has zeros */
        return -1;
    count = ring_count(book, kind);
    for (uint32_t i = 1; i <= BOOK_ENTRIES && i <= count; i++)
        if (unpack(ring + (size_t)((count - i) % BOOK_ENTRIES) * SLOT_BYTES, &entry))
            each(arg, &entry);
    return 0;
}

int
books_sums(struct books *books, const char *path, const struct book_period *period,
           uint64_t figures[BOOK_FIGURES])
{
    struct book *book = open_book(books, path, false);

    memset(figures, 0, BOOK_FIGURES * sizeof(*figures));
    if (book == NULL)
        return errno == ENOENT ? 0 : -1;
    if (period->by_month)
        add_from_sum(book, period->month, true, figures);
    else
        for (uint32_t day = period->first_day; day <= period->last_day; day++)
            add_from_sum(book, day, false, figures);
    return 0;
}

/* ---- names ---- */

static void
forget_open(struct books *books, const char *path)
{
    struct book *book = map_get(books->by_path, slice_of(path));

    if (book != NULL)
        close_book(books, book);
}

/* Directories that nobody is in any more. */
static void
remove_parents(int dirfd, const char *path)
{
    char part[PATH_BYTES_MAX];

    (void)snprintf(part, sizeof(part), "%s", path); /* open_book has measured such */
    for (char *end = strrchr(part, '/'); end != NULL; end = strrchr(part, '/')) {
        *end = '\0';
        if (unlinkat(dirfd, part, AT_REMOVEDIR) < 0)
            return;
    }
}

int
books_move(struct books *books, const char *path, const char *new_path)
{
    struct stat st;

    if (!is_path(path) || !is_path(new_path)) {
        errno = EINVAL;
        return -1;
    }
    forget_open(books, path);
    if (fstatat(books->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1;
    forget_open(books, new_path);
    if (make_parents(books->dirfd, new_path) < 0 ||
        renameat(books->dirfd, path, books->dirfd, new_path) < 0)
        return -1;
    remove_parents(books->dirfd, path);
    return 0;
}

int
books_remove(struct books *books, const char *path)
{
    if (!is_path(path)) {
        errno = EINVAL;
        return -1;
    }
    forget_open(books, path);
    if (unlinkat(books->dirfd, path, 0) < 0)
        return errno == ENOENT ? 0 : -1;
    remove_parents(books->dirfd, path);
    return 0;
}
