/*
 * lib/store/salvage_read.c - what can still be read of a damaged journal.
 *
 * Input: a file of which nothing can be relied on. All of it is read into memory; a record counts
 * if it checks out, wherever it stands.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/store/index_file.h"
#include "lib/store/ledger.h"
#include "lib/store/message_file.h"
#include "lib/store/salvage_private.h"

#define READ_STEP ((size_t)65536)
#define RECORD_BYTES_MIN (sizeof(struct record_header) + sizeof(struct record_trailer))

void *
salvage_grow(void *list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return list;
    *cap = *cap == 0 ? 64 : *cap * 2;
    return xreallocarray(list, *cap, size);
}

/* ---- the old file ---- */

/* What the disk does not give is zeros: damage like any other. */
static int
read_all(struct salvage *s)
{
    struct stat st;
    char *buf;

    if (fstat(s->old.fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > SALVAGE_FILE_MAX) {
        errno = EFBIG;
        return -1;
    }
    buf = xcalloc(1, (size_t)st.st_size + 1);
    for (size_t at = 0; at < (size_t)st.st_size; at += READ_STEP) {
        size_t want = (size_t)st.st_size - at < READ_STEP ? (size_t)st.st_size - at : READ_STEP;

        if (pread_exact(s->old.fd, buf + at, want, (off_t)at) < 0)
            memset(buf + at, 0, want);
    }
    s->bytes = slice_make(buf, (size_t)st.st_size);
    return 0;
}

/* The one byte that, changed, makes the checksum right. A header has 128 bytes, so that is quickly
 * tried, and no two changes give the same checksum. */
static bool
mend_byte(struct journal_header *h)
{
    unsigned char *bytes = (unsigned char *)h;

    for (size_t at = 0; at < sizeof(*h); at++) {
        unsigned char was = bytes[at];

        for (unsigned value = 0; value < 256; value++) {
            bytes[at] = (unsigned char)value;
            if (journal_header_check(h) == 0)
                return true;
        }
        bytes[at] = was;
    }
    return false;
}

static int
mend_header(struct salvage *s)
{
    struct journal_header h = {0};

    memcpy(&h, s->bytes.ptr, s->bytes.len < sizeof(h) ? s->bytes.len : sizeof(h));
    s->header = h;
    if (journal_header_check(&h) == 0)
        return 0;
    if (errno == EPROTONOSUPPORT)
        return -1;
    if (mend_byte(&h)) {
        s->header = h;
        return 0;
    }
    s->header = (struct journal_header){.created_ms = clock_real_ms()};
    if (index_file_identity(s->dirfd, &s->header.generation, &s->header.uidvalidity) < 0) {
        char unique[17];

        if (ledger_new_uidvalidity(s->store, &s->header.uidvalidity) < 0) /* INBOX itself */
            s->header.uidvalidity = (uint32_t)(clock_real_ms() / 1000);
        s->header.generation = s->header.uidvalidity;
        random_name(unique, sizeof(unique) - 1);
        (void)snprintf(s->header.mailbox_id, sizeof(s->header.mailbox_id), "F%s", unique);
        s->report->new_uidvalidity = true;
    } else if (record_email_id_valid(slice_make(h.mailbox_id, strnlen(h.mailbox_id, 23)))) {
        memcpy(s->header.mailbox_id, h.mailbox_id, 23);
    } else {
        (void)snprintf(s->header.mailbox_id, sizeof(s->header.mailbox_id), "F%016llx",
                       (unsigned long long)random_u64());
    }
    return 0;
}

/* ---- its records ---- */

/* The next whole record at or behind *at. */
static bool
next_record(struct slice bytes, uint64_t base, uint64_t *at, struct record *rec)
{
    uint32_t need;

    for (; *at + RECORD_BYTES_MIN <= bytes.len; *at += 8)
        if (record_parse(slice_sub(bytes, (size_t)*at, bytes.len), base + *at, rec, &need) ==
            RECORD_OK)
            return true;
    return false;
}

bool
salvage_record_follows(const struct journal *j, uint64_t from, uint64_t size)
{
    struct journal_window w = {0};
    struct record rec;
    uint64_t at = 0;
    bool found = false;

    if (size > from && size - from <= SALVAGE_FILE_MAX &&
        journal_window_fill(j, &w, from, size, (size_t)(size - from)) == 0)
        found = next_record(slice_make(w.buf, w.len), from, &at, &rec);
    xfree(&w.buf);
    return found;
}

void
salvage_note_name(struct salvage *s, struct slice name)
{
    s->names = salvage_grow(s->names, s->name_count, &s->name_cap, sizeof(*s->names));
    s->names[s->name_count++] = message_file_hash(name);
}

static int
compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

bool
salvage_is_named(const struct salvage *s, struct slice file)
{
    uint64_t hash = message_file_hash(file);

    for (size_t i = s->sorted; i < s->name_count; i++)
        if (s->names[i] == hash)
            return true;
    return s->sorted > 0 && bsearch(&hash, s->names, s->sorted, sizeof(hash), compare_u64) != NULL;
}

static void
note_items(struct salvage *s, const struct record *rec)
{
    struct item item;
    size_t at = 0;

    while (record_next_item(rec, &at, &item) > 0) {
        if (item.type == ITEM_ARRIVE) {
            s->arrivals =
                salvage_grow(s->arrivals, s->arrival_count, &s->arrival_cap, sizeof(item.arrival));
            s->arrivals[s->arrival_count++] = item.arrival;
            salvage_note_name(s, item.arrival.name);
        } else if (item.type == ITEM_KEY) {
            s->keys = salvage_grow(s->keys, s->key_count, &s->key_cap, sizeof(item));
            s->keys[s->key_count++] = item;
        }
        for (uint32_t i = 0; item.type == ITEM_VOID && i < item.range_count; i++) {
            s->voided =
                salvage_grow(s->voided, s->voided_count, &s->voided_cap, sizeof(*s->voided));
            s->voided[s->voided_count++] = item_range(&item, i);
        }
    }
}

static void
skip(struct salvage *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return;
    if (s->first_gap > from)
        s->first_gap = from;
    s->report->skipped += to - from;
}

/* First pass: what is whole, and where the damage begins. */
static void
look_through(struct salvage *s)
{
    uint64_t at = sizeof(struct journal_header), end = at;
    struct record rec;

    s->first_gap = UINT64_MAX;
    while (next_record(s->bytes, 0, &at, &rec)) {
        skip(s, end, at);
        note_items(s, &rec);
        end = at = rec.end;
    }
    if (end < s->bytes.len && s->first_gap == UINT64_MAX)
        s->first_gap = end; /* perhaps no more than a torn tail */
    s->report->skipped += s->bytes.len > end ? s->bytes.len - end : 0;
    s->sorted = s->name_count;
    if (s->sorted > 1)
        qsort(s->names, s->sorted, sizeof(*s->names), compare_u64);
}

static bool
ascends(const struct view *v)
{
    uint32_t last = 0;

    for (uint32_t rank = 1; rank <= view_count(v); rank++) {
        if (view_at(v, rank)->m.uid <= last)
            return false;
        last = view_at(v, rank)->m.uid;
    }
    return true;
}

/* The folder as the index and the whole records behind it say, or the records alone. */
static void
build_view(struct salvage *s)
{
    uint64_t at;
    struct record rec;

    s->old.header = s->header;
    view_init(&s->view);
    if (s->first_gap != UINT64_MAX && index_file_map(&s->view, &s->old, s->bytes.len) == 0) {
        s->report->index_helped = s->view.index_offset > s->first_gap && ascends(&s->view);
        if (!s->report->index_helped)
            view_free(&s->view);
    }
    at = s->view.offset;
    while (next_record(s->bytes, 0, &at, &rec)) {
        if (s->report->index_helped && rec.state.modseq < s->view.state.modseq)
            s->report->index_helped = false;    /* not the index of this journal after all */
        (void)view_apply(&s->view, &rec, NULL); /* what contradicts is left out */
        at = rec.end;
    }
}

int
salvage_read(struct salvage *s)
{
    if (read_all(s) < 0 || mend_header(s) < 0)
        return -1;
    look_through(s);
    build_view(s);
    return 0;
}
