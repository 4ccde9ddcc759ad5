/*
 * lib/store/cache.c - posthorn.cache: what sessions computed from messages.
 *
 * Trusts the file for nothing: every offset is held against its length, every item has a CRC, a
 * chain is followed a bounded number of steps. What cannot be read or written is simply not cached.
 */
#include "lib/store/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"

#define CACHE_MAGIC "PHCACHE1"
#define CACHE_VERSION 2
#define BUCKETS_FIRST 256u
#define BUCKETS_MAX (1u << 24)
#define CHAIN_MAX 64
#define PENDING_MAX (256u << 10) /* bytes that wait to be written */
#define PENDING_WRITE (32u << 10)
#define LOOK_AGAIN 16 /* misses until another session's additions are looked for */
#define RUN_GAP 512   /* bytes of the table between two buckets that are read and written at once */
#define FILE_SIZE_MAX (UINT64_C(4) << 30) /* then it begins anew */

struct cache_header {
    char magic[8];
    uint32_t version, uidvalidity;
    uint32_t bucket_count;
    uint32_t crc;   /* of all before */
    uint32_t items; /* written in place */
    uint32_t zero[9];
};
_Static_assert(sizeof(struct cache_header) == 64, "on disk");

struct cache_item {
    uint64_t next; /* offset of the next item of this bucket, 0: the last */
    uint32_t uid;
    uint16_t kind, zero;
    uint32_t len;
    uint32_t crc; /* of uid to len, and the data */
};
_Static_assert(sizeof(struct cache_item) == 24, "on disk");

struct cache {
    int dirfd;
    uint32_t uidvalidity;
    bool read_only;
    int fd; /* -1: not open */
    struct cache_header header;
    const char *map;
    size_t map_len;
    unsigned misses;
    struct strbuf pending; /* items as on disk, `next` not filled in */
    uint32_t pending_uid;  /* the highest of these */
    size_t pending_uid_at; /* no item of it lies before this offset */
};

struct cache *
cache_new(int dirfd, uint32_t uidvalidity, bool read_only)
{
    struct cache *c = xcalloc(1, sizeof(*c));

    c->dirfd = dirfd;
    c->uidvalidity = uidvalidity;
    c->read_only = read_only;
    c->fd = -1;
    c->pending = strbuf_new(PENDING_MAX);
    return c;
}

static void
unmap(struct cache *c)
{
    if (c->map != NULL)
        (void)munmap((void *)(uintptr_t)c->map, c->map_len); /* cannot fail for what mmap gave */
    c->map = NULL;
    c->map_len = 0;
}

static void
close_file(struct cache *c)
{
    unmap(c);
    close_keep_errno(c->fd);
    c->fd = -1;
}

static bool
header_fits(const struct cache *c, const struct cache_header *h)
{
    return memcmp(h->magic, CACHE_MAGIC, sizeof(h->magic)) == 0 && h->version == CACHE_VERSION &&
           h->uidvalidity == c->uidvalidity && h->bucket_count > 0 &&
           h->bucket_count <= BUCKETS_MAX && (h->bucket_count & (h->bucket_count - 1)) == 0 &&
           h->crc == crc32c(0, slice_make(h, offsetof(struct cache_header, crc)));
}

static int
open_file(struct cache *c)
{
    struct stat st;

    if (c->fd >= 0)
        return 0;
    c->fd = beneath_open(c->dirfd, CACHE_NAME, (c->read_only ? O_RDONLY : O_RDWR) | O_NONBLOCK, 0);
    if (c->fd >= 0 && fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode) &&
        pread_exact(c->fd, &c->header, sizeof(c->header), 0) == 0 && header_fits(c, &c->header))
        return 0;
    close_file(c);
    return -1;
}

static int
map_file(struct cache *c)
{
    struct stat st;
    void *map;

    if (open_file(c) < 0 || fstat(c->fd, &st) < 0)
        return -1;
    if (c->map != NULL && (uint64_t)st.st_size == c->map_len)
        return 0;
    unmap(c);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, c->fd, 0);
    if (map == MAP_FAILED)
        return -1;
    c->map = map;
    c->map_len = (size_t)st.st_size;
    return 0;
}

/* ---- items ---- */

static uint64_t
bucket_offset(const struct cache_header *h, uint32_t uid, unsigned kind)
{
    /* neighbours in the folder are neighbours here: who reads all of it walks along the table */
    uint32_t hash = uid + kind * 0x9e3779b1u;

    return sizeof(*h) + (uint64_t)(hash & (h->bucket_count - 1)) * sizeof(uint64_t);
}

static uint32_t
item_crc(const struct cache_item *item, const char *data)
{
    uint32_t crc = crc32c(0, slice_make(&item->uid, offsetof(struct cache_item, crc) -
                                                        offsetof(struct cache_item, uid)));

    return crc32c(crc, slice_make(data, item->len));
}

/* The item at `at` of `bytes`; its data follow it. -1: it does not fit. */
static int
item_at(struct slice bytes, uint64_t at, struct cache_item *item)
{
    if (at > bytes.len || bytes.len - at < sizeof(*item))
        return -1;
    memcpy(item, bytes.ptr + at, sizeof(*item));
    return item->len <= MAILBOX_CACHE_MAX && item->len <= bytes.len - at - sizeof(*item) ? 0 : -1;
}

static bool
find(const struct cache *c, uint32_t uid, unsigned kind, struct slice *out)
{
    uint64_t at, head = bucket_offset(&c->header, uid, kind);
    struct slice bytes = slice_make(c->map, c->map_len);
    struct cache_item item;

    if (head + sizeof(at) > c->map_len)
        return false;
    memcpy(&at, c->map + head, sizeof(at));
    for (unsigned step = 0; at != 0 && step < CHAIN_MAX; step++, at = item.next) {
        if (item_at(bytes, at, &item) < 0)
            return false;
        if (item.uid != uid || item.kind != kind)
            continue;
        *out = slice_make(c->map + at + sizeof(item), item.len);
        return item_crc(&item, out->ptr) == item.crc;
    }
    return false;
}

static size_t
padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

static bool
find_pending(const struct cache *c, uint32_t uid, unsigned kind, struct slice *out)
{
    struct slice bytes = strbuf_slice(&c->pending);
    struct cache_item item;

    uint64_t at = 0;

    if (uid > c->pending_uid)
        return false; /* as with who goes through a folder for the first time */
    if (uid == c->pending_uid)
        at = c->pending_uid_at;
    for (; item_at(bytes, at, &item) == 0; at += sizeof(item) + padded(item.len)) {
        if (item.uid != uid || item.kind != kind)
            continue;
        *out = slice_make(bytes.ptr + at + sizeof(item), item.len);
        return true;
    }
    return false;
}

bool
cache_get(struct cache *c, uint32_t uid, unsigned kind, struct slice *out)
{
    size_t old_len = c->map_len;

    if (find_pending(c, uid, kind, out))
        return true;
    if (c->map == NULL && map_file(c) < 0)
        return false;
    if (find(c, uid, kind, out))
        return true;
    /* Another session may have added it behind what is mapped: worth a look now and then. */
    return old_len != 0 && c->misses++ % LOOK_AGAIN == 0 && map_file(c) == 0 &&
           c->map_len != old_len && find(c, uid, kind, out);
}

void
cache_put(struct cache *c, uint32_t uid, unsigned kind, struct slice value)
{
    static const char zeros[8];
    struct cache_item item = {.uid = uid, .kind = (uint16_t)kind, .len = (uint32_t)value.len};
    size_t need = sizeof(item) + padded(value.len);

    if (c->read_only || value.len > MAILBOX_CACHE_MAX || need > PENDING_MAX - c->pending.len)
        return;
    item.crc = item_crc(&item, value.ptr);
    if (uid > c->pending_uid) {
        c->pending_uid = uid;
        c->pending_uid_at = c->pending.len;
    }
    (void)strbuf_append(&c->pending, slice_make(&item, sizeof(item))); /* room was checked */
    (void)strbuf_append(&c->pending, value);
    (void)strbuf_append(&c->pending, slice_make(zeros, padded(value.len) - value.len));
    if (c->pending.len >= PENDING_WRITE)
        cache_release(c);
}

/* ---- writing ---- */

/* Where items come to lie that are written one behind the other, in large steps. */
struct appended {
    int fd;
    uint64_t end; /* of the file with what is in `out` */
    struct strbuf out;
};

static int
append_flush(struct appended *a)
{
    int rc = pwrite_all(a->fd, strbuf_slice(&a->out), (off_t)(a->end - a->out.len));

    strbuf_clear(&a->out);
    return rc;
}

static int
append_item(struct appended *a, const struct cache_item *item, struct slice data)
{
    (void)strbuf_append(&a->out, slice_make(item, sizeof(*item))); /* there is room for one more */
    (void)strbuf_append(&a->out, data);
    a->end += sizeof(*item) + data.len;
    return a->out.len < PENDING_MAX ? 0 : append_flush(a);
}

/* Writes a new file with so many buckets, and in it what `from` holds. */
static int
write_file(struct cache *c, int fd, uint32_t buckets, struct slice from)
{
    struct cache_header h = {
        .version = CACHE_VERSION, .uidvalidity = c->uidvalidity, .bucket_count = buckets};
    uint64_t *heads = xcalloc(buckets, sizeof(*heads));
    struct appended a = {.fd = fd,
                         .end = sizeof(h) + (uint64_t)buckets * sizeof(*heads),
                         .out = strbuf_new(PENDING_MAX + (size_t)2 * MAILBOX_CACHE_MAX)};
    uint64_t at;
    struct cache_item item;
    int rc = 0;

    for (at = sizeof(h) + (uint64_t)c->header.bucket_count * sizeof(*heads);
         rc == 0 && from.len > 0 && item_at(from, at, &item) == 0;
         at += sizeof(item) + padded(item.len)) {
        uint64_t slot = (bucket_offset(&h, item.uid, item.kind) - sizeof(h)) / sizeof(*heads);
        const char *data = from.ptr + at + sizeof(item);

        if (item.len == 0 || item_crc(&item, data) != item.crc ||
            padded(item.len) > from.len - at - sizeof(item))
            break;
        item.next = heads[slot];
        heads[slot] = a.end;
        rc = append_item(&a, &item, slice_make(data, padded(item.len)));
        h.items++;
    }
    if (rc == 0)
        rc = append_flush(&a);
    strbuf_free(&a.out);
    memcpy(h.magic, CACHE_MAGIC, sizeof(h.magic));
    h.crc = crc32c(0, slice_make(&h, offsetof(struct cache_header, crc)));
    if (rc == 0)
        rc = pwrite_all(fd, slice_make(&h, sizeof(h)), 0);
    if (rc == 0)
        rc = pwrite_all(fd, slice_make(heads, buckets * sizeof(*heads)), sizeof(h));
    xfree(&heads);
    return rc;
}

/* Puts a new file in the place of the old one, if there is one, with what that holds. */
static int
replace_cache(struct cache *c, uint32_t buckets, struct slice from)
{
    char unique[9], tmp[32];
    int fd, rc;

    random_name(unique, sizeof(unique) - 1);
    (void)snprintf(tmp, sizeof(tmp), CACHE_NAME ".%s", unique);
    fd = beneath_open(c->dirfd, tmp, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return -1;
    rc = write_file(c, fd, buckets, from);
    close_keep_errno(fd);
    if (rc == 0)
        rc = renameat(c->dirfd, tmp, c->dirfd, CACHE_NAME);
    if (rc < 0)
        unlink_keep_errno(c->dirfd, tmp);
    close_file(c);
    return rc == 0 ? open_file(c) : -1;
}

static uint32_t
pending_count(const struct cache *c)
{
    struct cache_item item;
    uint32_t n = 0;

    for (uint64_t at = 0; item_at(strbuf_slice(&c->pending), at, &item) == 0;
         at += sizeof(item) + padded(item.len))
        n++;
    return n;
}

/* An open, locked, current file with room in its table. */
static int
open_for_writing(struct cache *c, struct stat *st)
{
    uint32_t buckets;

    if (open_file(c) < 0 && replace_cache(c, BUCKETS_FIRST, SLICE("")) < 0)
        return -1;
    if (flock(c->fd, LOCK_EX | LOCK_NB) < 0 || fstat(c->fd, st) < 0 || st->st_nlink == 0 ||
        pread_exact(c->fd, &c->header, sizeof(c->header), 0) < 0 || !header_fits(c, &c->header))
        return -1;
    buckets = c->header.bucket_count;
    if ((uint64_t)st->st_size > FILE_SIZE_MAX)
        return replace_cache(c, BUCKETS_FIRST, SLICE("")) < 0 ? -1 : fstat(c->fd, st);
    /* The number is no part of the checksum; a damaged one asks for no table of 128 MiB. */
    if (c->header.items > (uint64_t)st->st_size / sizeof(struct cache_item))
        c->header.items = (uint32_t)((uint64_t)st->st_size / sizeof(struct cache_item));
    if (c->header.items + pending_count(c) <= buckets || buckets >= BUCKETS_MAX)
        return 0;
    while (buckets < BUCKETS_MAX && buckets < 2 * (c->header.items + pending_count(c)))
        buckets *= 4;
    if (map_file(c) < 0 || replace_cache(c, buckets, slice_make(c->map, c->map_len)) < 0)
        return -1;
    return flock(c->fd, LOCK_EX | LOCK_NB) < 0 ? -1 : fstat(c->fd, st);
}

/* An item that is about to be written, and its bucket. */
struct placed {
    uint64_t slot; /* offset of the bucket in the file */
    uint64_t at;   /* of the item in `pending` */
};

static int
by_slot(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The items that wait, by bucket and, within one, by age. */
static struct placed *
place_pending(const struct cache *c, size_t count)
{
    struct placed *placed = xcalloc(count, sizeof(*placed));
    struct cache_item item;
    uint64_t at = 0;

    for (size_t i = 0; i < count && item_at(strbuf_slice(&c->pending), at, &item) == 0; i++) {
        placed[i] = (struct placed){bucket_offset(&c->header, item.uid, item.kind), at};
        at += sizeof(item) + padded(item.len);
    }
    qsort(placed, count, sizeof(*placed), by_slot);
    return placed;
}

/* The first of `placed` from `from` on whose bucket lies far from the one before. */
static size_t
run_end(const struct placed *placed, size_t from, size_t count)
{
    size_t to = from + 1;

    while (to < count && placed[to].slot - placed[to - 1].slot <= RUN_GAP)
        to++;
    return to;
}

static size_t
run_len(const struct placed *placed, size_t from, size_t to)
{
    return (size_t)(placed[to - 1].slot - placed[from].slot) + sizeof(uint64_t);
}

/* Puts each item in front of its bucket's chain: `tables` gets these pieces of the table as they
 * shall be, one behind the other. The file is not changed. */
static int
chain_pending(struct cache *c, const struct placed *placed, size_t count, uint64_t end,
              struct strbuf *tables)
{
    for (size_t from = 0, to; from < count; from = to) {
        char *piece;
        size_t len;

        to = run_end(placed, from, count);
        len = run_len(placed, from, to);
        piece = strbuf_room(tables, len);
        if (piece == NULL || pread_exact(c->fd, piece, len, (off_t)placed[from].slot) < 0)
            return -1;
        for (size_t i = from; i < to; i++) {
            char *bucket = piece + (placed[i].slot - placed[from].slot);
            uint64_t head = end + placed[i].at;

            memcpy(c->pending.ptr + placed[i].at, bucket, sizeof(head)); /* its `next` */
            memcpy(bucket, &head, sizeof(head));
        }
        strbuf_grew(tables, len);
    }
    return 0;
}

static int
write_tables(const struct cache *c, const struct placed *placed, size_t count, struct slice tables)
{
    int rc = 0;

    for (size_t from = 0, to; from < count && rc == 0; from = to) {
        size_t len;

        to = run_end(placed, from, count);
        len = run_len(placed, from, to);
        rc = pwrite_all(c->fd, slice_sub(tables, 0, len), (off_t)placed[from].slot);
        tables = slice_sub(tables, len, tables.len);
    }
    return rc;
}

/* Items first, then the table entries that lead to them: a reader never meets half an item. What
 * lies beside them in the table is written as it was; the lock is held. */
static void
write_pending(struct cache *c, uint64_t end)
{
    size_t count = pending_count(c);
    struct placed *placed = place_pending(c, count);
    struct strbuf tables = strbuf_new(count * (RUN_GAP + sizeof(uint64_t)));

    end = padded(end);
    c->header.items += (uint32_t)count;
    if (chain_pending(c, placed, count, end, &tables) == 0 &&
        pwrite_all(c->fd, strbuf_slice(&c->pending), (off_t)end) == 0 &&
        pwrite_all(c->fd, slice_make(&c->header, sizeof(c->header)), 0) == 0)
        (void)write_tables(c, placed, count, strbuf_slice(&tables)); /* only not cached */
    strbuf_free(&tables);
    xfree(&placed);
}

void
cache_release(struct cache *c)
{
    struct stat st;

    if (c->pending.len > 0 && open_for_writing(c, &st) == 0)
        write_pending(c, (uint64_t)st.st_size);
    strbuf_free(&c->pending);
    c->pending_uid = 0;
    c->pending_uid_at = 0;
    close_file(c); /* gives up the lock; another session may have replaced the file */
}

void
cache_free(struct cache **cachep)
{
    if (*cachep == NULL)
        return;
    cache_release(*cachep);
    xfree(cachep);
}

/* ---- checking ---- */

/* All chains of the mapped file. */
static bool
chains_are_whole(const struct cache *c)
{
    struct slice bytes = slice_make(c->map, c->map_len);
    uint64_t items = sizeof(c->header) + (uint64_t)c->header.bucket_count * sizeof(uint64_t);
    struct cache_item item;

    if (items > c->map_len)
        return false;
    for (uint32_t i = 0; i < c->header.bucket_count; i++) {
        uint64_t at;

        memcpy(&at, c->map + sizeof(c->header) + i * sizeof(at), sizeof(at));
        for (unsigned step = 0; at != 0 && step < CHAIN_MAX; step++, at = item.next)
            if (at < items || item_at(bytes, at, &item) < 0 ||
                (item.next != 0 && item.next >= at) ||
                item_crc(&item, c->map + at + sizeof(item)) != item.crc)
                return false;
    }
    return true;
}

int
cache_file_check(int dirfd, uint32_t uidvalidity)
{
    struct cache *c = cache_new(dirfd, uidvalidity, true);
    struct stat st;
    int rc = 0;

    if (fstatat(dirfd, CACHE_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0)
        rc = map_file(c) < 0 || !chains_are_whole(c) ? 1 : 0;
    else if (errno != ENOENT)
        rc = -1;
    cache_free(&c);
    return rc;
}
