/*
 * lib/store/index_file.c - posthorn.index: a view written down.
 *
 * Trusts the file for nothing but speed: header by CRC, entries bounded by the file's size. What an
 * entry says of its message's place is checked when the place is read.
 */
#include "lib/store/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/beneath.h"

#define INDEX_MAGIC "PHINDEX1"
#define INDEX_VERSION 3
#define KEYWORDS_MAX ((size_t)MAILBOX_KEYWORDS_MAX * (MAILBOX_KEYWORD_LEN_MAX + 2))
#define WRITE_ENTRIES 1024 /* at once */
#define TAIL_MIN 65536     /* bytes of journal that are read faster than an index is written */
#define TAIL_MAX (1u << 19)
#define CHANGES_MAX 1000 /* entries that the tail changes: each may cost the next reader a page */

struct index_header {
    char magic[8];
    uint32_t version;
    uint32_t entry_size;
    uint32_t generation, uidvalidity; /* of the journal */
    uint64_t journal_offset;
    uint32_t count, unseen;
    uint64_t bytes;
    uint32_t first_unseen; /* position; `count`: none is */
    uint32_t keywords_len; /* bytes behind the entries */
    struct record_state state;
    uint32_t record_crc; /* of the record that ends at journal_offset */
    uint32_t zero[2];
    uint32_t crc; /* of all before */
};
_Static_assert(sizeof(struct index_header) == 128, "on disk");

static bool
header_fits(const struct index_header *h, const struct journal *j, uint64_t size,
            uint64_t file_size)
{
    return memcmp(h->magic, INDEX_MAGIC, sizeof(h->magic)) == 0 && h->version == INDEX_VERSION &&
           h->crc == crc32c(0, slice_make(h, offsetof(struct index_header, crc))) &&
           h->entry_size == sizeof(struct view_entry) && h->generation == j->header.generation &&
           h->uidvalidity == j->header.uidvalidity &&
           h->journal_offset >= sizeof(struct journal_header) && h->journal_offset <= size &&
           h->keywords_len <= KEYWORDS_MAX && h->first_unseen <= h->count &&
           (h->unseen == 0) == (h->first_unseen == h->count) &&
           file_size ==
               sizeof(*h) + (uint64_t)h->count * sizeof(struct view_entry) + h->keywords_len;
}

/* The checksum of the record that ends at `offset`. A power cut may take back records that an index
 * stands for, and others grow in their place: then it is not the same. */
static int
read_record_crc(const struct journal *j, uint64_t offset, uint32_t *crc)
{
    struct record_trailer t;

    if (offset < sizeof(struct journal_header) + sizeof(t) ||
        pread_exact(j->fd, &t, sizeof(t), (off_t)(offset - sizeof(t))) < 0)
        return -1;
    *crc = t.crc;
    return 0;
}

/* Each keyword is its bit, its length and its name. */
static void
read_keywords(struct view *v, struct slice bytes)
{
    while (bytes.len >= 2) {
        size_t bit = (unsigned char)bytes.ptr[0], len = (unsigned char)bytes.ptr[1];

        if (bit >= MAILBOX_KEYWORDS_MAX || len > bytes.len - 2)
            return;
        xfree(&v->keywords[bit]);
        v->keywords[bit] = xslicedup(slice_sub(bytes, 2, 2 + len));
        bytes = slice_sub(bytes, 2 + len, bytes.len);
    }
}

/* `h` was checked; what the map holds in its place by now does not count. */
static void
take_map(struct view *v, const struct index_header *h, void *map, size_t len)
{
    size_t entries = h->count * sizeof(struct view_entry);

    v->map = map;
    v->map_len = len;
    v->base = (struct view_entry *)((char *)map + sizeof(*h));
    v->base_count = h->count;
    v->unseen = h->unseen;
    v->bytes = h->bytes;
    v->first_unseen = h->first_unseen;
    v->first_unseen_known = h->unseen > 0; /* so that SELECT reads no entry at all */
    v->index_offset = v->offset = h->journal_offset;
    v->state = h->state;
    read_keywords(v, slice_make((char *)map + sizeof(*h) + entries, h->keywords_len));
}

int
index_file_map(struct view *v, const struct journal *j, uint64_t size)
{
    int fd = beneath_open(j->dirfd, INDEX_NAME, O_RDONLY | O_NONBLOCK, 0);
    struct index_header h;
    uint32_t record_crc;
    struct stat st;
    void *map = MAP_FAILED;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && pread_exact(fd, &h, sizeof(h), 0) == 0 &&
        header_fits(&h, j, size, (uint64_t)st.st_size) &&
        read_record_crc(j, h.journal_offset, &record_crc) == 0 && record_crc == h.record_crc)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close_keep_errno(fd);
    if (map == MAP_FAILED)
        return -1;
    take_map(v, &h, map, (size_t)st.st_size);
    return 0;
}

static int
write_entries(const struct view *v, int fd)
{
    struct view_entry *batch = xreallocarray(NULL, WRITE_ENTRIES, sizeof(*batch));
    uint32_t count = view_count(v);
    int rc = 0;

    for (uint32_t done = 0; done < count && rc == 0;) {
        uint32_t n = 0;

        for (; n < WRITE_ENTRIES && done < count; n++) {
            batch[n] = *view_at(v, ++done);
            batch[n].m.flags &= ~(uint32_t)MESSAGE_RECENT;
        }
        rc = write_all(fd, slice_make(batch, n * sizeof(*batch)));
    }
    xfree(&batch);
    return rc;
}

static int
write_whole(struct view *v, const struct journal *j, int fd)
{
    uint32_t first_unseen = view_first_unseen(v);
    struct index_header h = {
        .version = INDEX_VERSION,
        .entry_size = sizeof(struct view_entry),
        .generation = j->header.generation,
        .uidvalidity = j->header.uidvalidity,
        .journal_offset = v->offset,
        .count = view_count(v),
        .unseen = v->unseen,
        .first_unseen = first_unseen == 0 ? view_count(v) : first_unseen - 1,
        .bytes = v->bytes,
        .state = v->state,
    };
    struct strbuf words = strbuf_new(KEYWORDS_MAX);
    int rc;

    if (read_record_crc(j, v->offset, &h.record_crc) < 0)
        return -1;
    for (size_t bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (v->keywords[bit] != NULL) {
            (void)strbuf_char(&words, (char)bit); /* cannot overflow: 64 names of 100 bytes fit */
            (void)strbuf_char(&words, (char)strlen(v->keywords[bit]));
            (void)strbuf_str(&words, v->keywords[bit]);
        }
    memcpy(h.magic, INDEX_MAGIC, sizeof(h.magic));
    h.keywords_len = (uint32_t)words.len;
    h.crc = crc32c(0, slice_make(&h, offsetof(struct index_header, crc)));
    rc = write_all(fd, slice_make(&h, sizeof(h)));
    if (rc == 0)
        rc = write_entries(v, fd);
    if (rc == 0)
        rc = write_all(fd, strbuf_slice(&words));
    strbuf_free(&words);
    /* Flushed, for a header whose entries a power cut took would be believed. */
    return rc == 0 ? fdatasync(fd) : rc;
}

int
index_file_write(struct view *v, const struct journal *j)
{
    char random[9], tmp[32];
    int fd, rc;

    random_name(random, sizeof(random) - 1);
    (void)snprintf(tmp, sizeof(tmp), INDEX_NAME ".%s", random);
    fd = beneath_open(j->dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return -1;
    rc = write_whole(v, j, fd);
    close_keep_errno(fd);
    if (rc == 0)
        rc = renameat(j->dirfd, tmp, j->dirfd, INDEX_NAME);
    if (rc < 0)
        unlink_keep_errno(j->dirfd, tmp);
    return rc;
}

bool
index_file_due(const struct view *v)
{
    uint64_t limit = v->map_len / 16;

    if (limit < TAIL_MIN)
        limit = TAIL_MIN;
    if (limit > TAIL_MAX)
        limit = TAIL_MAX;
    if (v->changed > CHANGES_MAX)
        return true;
    return v->offset - (v->index_offset == 0 ? sizeof(struct journal_header) : v->index_offset) >
           limit;
}

int
index_file_identity(int dirfd, uint32_t *generation, uint32_t *uidvalidity)
{
    int fd = beneath_open(dirfd, INDEX_NAME, O_RDONLY | O_NONBLOCK, 0);
    struct index_header h;
    int rc = -1;

    if (fd < 0)
        return -1;
    if (pread_exact(fd, &h, sizeof(h), 0) == 0 &&
        memcmp(h.magic, INDEX_MAGIC, sizeof(h.magic)) == 0 && h.uidvalidity != 0 &&
        h.crc == crc32c(0, slice_make(&h, offsetof(struct index_header, crc)))) {
        *generation = h.generation;
        *uidvalidity = h.uidvalidity;
        rc = 0;
    }
    close_keep_errno(fd);
    return rc;
}
