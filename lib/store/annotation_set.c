/*
 * lib/store/annotation_set.c - the annotations of one file: bytes and list.
 *
 * Input: whatever a file holds that somebody could write; every length is held against what is
 * there before it is used.
 */
#include "lib/store/annotation_set.h"

#include <errno.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"

#define MAGIC "PHANNOT1"
#define VERSION 1u
#define REMOVED UINT32_MAX /* length of a value that is none */

struct file_header {
    char magic[8];
    uint32_t version, count;
    uint64_t highest;
    uint32_t zero;
    uint32_t crc; /* of all before, then of all behind */
};
_Static_assert(sizeof(struct file_header) == ANNOTATION_HEADER_SIZE, "on disk");

struct entry_header {
    uint64_t changed;
    uint32_t value_len;
    uint16_t name_len, zero;
};
_Static_assert(sizeof(struct entry_header) == 16, "on disk");

static uint32_t
checksum(const struct file_header *h, struct slice entries)
{
    return crc32c(crc32c(0, slice_make(h, offsetof(struct file_header, crc))), entries);
}

static size_t
padding(size_t len)
{
    return (8 - len % 8) % 8;
}

static void
add(struct annotation_set *set, const struct annotation *entry)
{
    if (set->count == set->cap) {
        set->cap = set->cap == 0 ? 8 : set->cap * 2;
        set->list = xreallocarray(set->list, set->cap, sizeof(*set->list));
    }
    set->list[set->count++] = *entry;
}

/* ---- reading ---- */

/* Takes `len` bytes off the front. */
static bool
take(struct slice *rest, size_t len, struct slice *out)
{
    if (len > rest->len)
        return false;
    *out = slice_sub(*rest, 0, len);
    *rest = slice_sub(*rest, len, rest->len);
    return true;
}

static bool
parse_entry(struct slice *rest, struct annotation_set *set)
{
    struct annotation entry = {.value = {NULL, 0}};
    struct entry_header h;
    struct slice bytes;

    if (!take(rest, sizeof(h), &bytes))
        return false;
    memcpy(&h, bytes.ptr, sizeof(h));
    if (h.name_len == 0 || h.name_len > ANNOTATION_NAME_MAX || h.changed > set->highest ||
        !take(rest, h.name_len, &entry.name))
        return false;
    entry.changed = h.changed;
    if (h.value_len == REMOVED)
        h.value_len = 0;
    else if (!take(rest, h.value_len, &entry.value))
        return false;
    add(set, &entry);
    return take(rest, padding((size_t)h.name_len + h.value_len), &bytes);
}

static bool
parse_header(struct slice text, struct file_header *h)
{
    if (text.len < sizeof(*h))
        return false;
    memcpy(h, text.ptr, sizeof(*h));
    return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0;
}

static int
damaged(struct annotation_set *set)
{
    annotation_set_free(set);
    errno = EBADMSG;
    return -1;
}

int
annotation_set_parse(struct strbuf *text, struct annotation_set *out)
{
    struct file_header h;
    struct slice rest;

    *out = (struct annotation_set){.text = *text};
    *text = strbuf_new(0);
    if (!parse_header(strbuf_slice(&out->text), &h))
        return damaged(out);
    rest = slice_sub(strbuf_slice(&out->text), sizeof(h), out->text.len);
    if (h.crc != checksum(&h, rest))
        return damaged(out);
    if (h.version != VERSION) {
        annotation_set_free(out);
        errno = EPROTONOSUPPORT;
        return -1;
    }
    out->highest = h.highest;
    for (uint32_t i = 0; i < h.count; i++)
        if (!parse_entry(&rest, out))
            return damaged(out);
    return rest.len == 0 ? 0 : damaged(out);
}

int
annotation_set_parse_highest(struct slice header, uint64_t *highest)
{
    struct file_header h;

    if (!parse_header(header, &h)) {
        errno = EBADMSG;
        return -1;
    }
    *highest = h.highest;
    return 0;
}

void
annotation_set_free(struct annotation_set *set)
{
    strbuf_free(&set->text);
    xfree(&set->list);
    set->count = set->cap = 0;
}

/* ---- in memory ---- */

static struct annotation *
find(const struct annotation_set *set, struct slice name)
{
    for (size_t i = 0; i < set->count; i++)
        if (slice_eq_nocase(set->list[i].name, name))
            return &set->list[i];
    return NULL;
}

const struct annotation *
annotation_set_find(const struct annotation_set *set, struct slice name)
{
    const struct annotation *entry = find(set, name);

    return entry == NULL || entry->value.ptr == NULL ? NULL : entry;
}

size_t
annotation_set_count(const struct annotation_set *set)
{
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++)
        count += set->list[i].value.ptr != NULL;
    return count;
}

/* The entry that was removed longest ago goes, if there are too many of them. */
static void
forget_oldest(struct annotation_set *set)
{
    size_t oldest = set->count, removed = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i].value.ptr != NULL)
            continue;
        removed++;
        if (oldest == set->count || set->list[i].changed < set->list[oldest].changed)
            oldest = i;
    }
    if (removed > ANNOTATION_REMOVED_MAX)
        set->list[oldest] = set->list[--set->count];
}

void
annotation_set_put(struct annotation_set *set, struct slice name, struct slice value,
                   uint64_t changed)
{
    struct annotation *entry = find(set, name);

    if (value.ptr == NULL && (entry == NULL || entry->value.ptr == NULL))
        return; /* there is nothing to remove */
    if (changed > set->highest)
        set->highest = changed;
    if (entry == NULL) {
        add(set, &(struct annotation){.name = name, .value = value, .changed = changed});
        return;
    }
    entry->value = value;
    entry->changed = changed;
    if (value.ptr == NULL)
        forget_oldest(set);
}

bool
annotation_set_write(const struct annotation_set *set, struct strbuf *out)
{
    struct file_header h = {
        .version = VERSION, .count = (uint32_t)set->count, .highest = set->highest};
    size_t start = out->len;

    memcpy(h.magic, MAGIC, sizeof(h.magic));
    (void)strbuf_append(out, slice_make(&h, sizeof(h))); /* overflow is remembered */
    for (size_t i = 0; i < set->count; i++) {
        const struct annotation *e = &set->list[i];
        const struct entry_header eh = {.changed = e->changed,
                                        .value_len =
                                            e->value.ptr == NULL ? REMOVED : (uint32_t)e->value.len,
                                        .name_len = (uint16_t)e->name.len};

        (void)strbuf_append(out, slice_make(&eh, sizeof(eh)));
        (void)strbuf_append(out, e->name);
        (void)strbuf_append(out, e->value);
        (void)strbuf_append(out, slice_make("\0\0\0\0\0\0\0", padding(e->name.len + e->value.len)));
    }
    if (out->overflow)
        return false;
    h.crc = checksum(&h, slice_sub(strbuf_slice(out), start + sizeof(h), out->len));
    memcpy(out->ptr + start, &h, sizeof(h));
    return true;
}
