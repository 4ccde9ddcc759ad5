/*
 * lib/auth/block_list.c - who may not log in, or not send, until when.
 */
#include "lib/auth/block_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define LIFTED_KEPT_MS 600000 /* copies are seconds behind, not minutes */

struct block_list {
    struct map *map; /* kind and name to struct listed_block */
    TAILQ_HEAD(block_order, listed_block) order;
    size_t max;
    uint64_t first, last; /* what was forgotten has a number up to `first` */
};

struct key {
    char bytes[1 + BLOCK_NAME_MAX];
    size_t len;
};

static struct slice
key_of(struct key *key, uint8_t kind, struct slice name)
{
    name = slice_sub(name, 0, BLOCK_NAME_MAX);
    key->bytes[0] = (char)kind;
    if (name.len > 0)
        memcpy(key->bytes + 1, name.ptr, name.len);
    return slice_make(key->bytes, name.len + 1);
}

struct block_list *
block_list_new(size_t max, uint64_t first)
{
    struct block_list *list = xcalloc(1, sizeof(*list));

    list->map = map_new(max);
    list->max = max;
    list->first = list->last = first;
    TAILQ_INIT(&list->order);
    return list;
}

static void
free_entry(struct listed_block *entry)
{
    char *texts[] = {(char *)(uintptr_t)entry->block.name.ptr,
                     (char *)(uintptr_t)entry->block.reason.ptr};

    free(texts[0]);
    free(texts[1]);
    free(entry);
}

static void
forget(struct block_list *list, struct listed_block *entry)
{
    struct key key;

    (void)map_remove(list->map, key_of(&key, entry->block.kind, entry->block.name));
    TAILQ_REMOVE(&list->order, entry, link);
    free_entry(entry);
}

void
block_list_free(struct block_list **listp)
{
    struct block_list *list = *listp;
    struct listed_block *entry, *next;

    if (list == NULL)
        return;
    for (entry = TAILQ_FIRST(&list->order); entry != NULL; entry = next) {
        next = TAILQ_NEXT(entry, link);
        free_entry(entry);
    }
    map_free(&list->map, NULL);
    xfree(listp);
}

/* Copies have to be told in another way that it is gone. */
static void
forget_in_force(struct block_list *list, struct listed_block *entry)
{
    if (entry->number > list->first)
        list->first = entry->number;
    forget(list, entry);
}

/* What is listed has a number above `first`: a copy that was told all is told nothing twice. */
static void
renumber(struct block_list *list)
{
    struct listed_block *entry;

    while ((entry = TAILQ_FIRST(&list->order)) != NULL &&
           /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not follow TAILQ_REMOVE */
           entry->number <= list->first) {
        TAILQ_REMOVE(&list->order, entry, link);
        entry->number = ++list->last;
        TAILQ_INSERT_TAIL(&list->order, entry, link);
    }
}

static bool
make_room(struct block_list *list)
{
    struct listed_block *entry;

    if (map_count(list->map) < list->max)
        return true;
    for (entry = TAILQ_FIRST(&list->order); entry != NULL; entry = TAILQ_NEXT(entry, link)) {
        if (entry->block.cause != BLOCK_BY_HAND || entry->block.end_ms == 0) {
            forget_in_force(list, entry);
            renumber(list);
            return true;
        }
    }
    return false;
}

bool
block_list_set(struct block_list *list, const struct block *block)
{
    struct key key;
    struct slice at = key_of(&key, block->kind, block->name);
    struct listed_block *entry = map_get(list->map, at), *old = entry;

    if (old == NULL && !make_room(list))
        return false;
    entry = xcalloc(1, sizeof(*entry));
    entry->block = *block;
    entry->block.name = slice_make(xslicedup(block->name), block->name.len);
    entry->block.reason = slice_make(xslicedup(block->reason), block->reason.len);
    entry->number = ++list->last;
    if (old != NULL)
        forget(list, old); /* after the copy: the texts may be its own */
    *map_at(list->map, at) = entry;
    TAILQ_INSERT_TAIL(&list->order, entry, link);
    return true;
}

const struct block *
block_list_find(const struct block_list *list, enum block_kind kind, struct slice name,
                int64_t now_ms)
{
    struct key key;
    const struct listed_block *entry = map_get(list->map, key_of(&key, (uint8_t)kind, name));

    return entry != NULL && entry->block.end_ms > now_ms ? &entry->block : NULL;
}

/* From the end: who asks has most of it. */
const struct listed_block *
block_list_after(const struct block_list *list, uint64_t number)
{
    const struct listed_block *found = NULL, *entry = TAILQ_LAST(&list->order, block_order);

    if (number <= list->first)
        return TAILQ_FIRST(&list->order);
    for (; entry != NULL && entry->number > number; entry = TAILQ_PREV(entry, block_order, link))
        found = entry;
    return found;
}

const struct listed_block *
block_list_before(const struct block_list *list, const struct listed_block *entry)
{
    return entry == NULL ? TAILQ_LAST(&list->order, block_order)
                         : TAILQ_PREV(entry, block_order, link);
}

uint64_t
block_list_last(const struct block_list *list)
{
    return list->last;
}

bool
block_list_can_follow(const struct block_list *list, uint64_t number)
{
    return number >= list->first && number <= list->last;
}

void
block_list_expire(struct block_list *list, int64_t now_ms,
                  void (*gone)(void *arg, const struct block *block), void *arg)
{
    struct listed_block *entry, *next;

    for (entry = TAILQ_FIRST(&list->order); entry != NULL; entry = next) {
        const struct block *b = &entry->block;
        bool was_lifted = b->end_ms == 0;

        next = TAILQ_NEXT(entry, link);
        if (was_lifted ? now_ms - b->start_ms < LIFTED_KEPT_MS : b->end_ms > now_ms)
            continue;
        if (gone != NULL)
            gone(arg, b);
        if (was_lifted)
            forget_in_force(list, entry);
        else
            forget(list, entry); /* copies know the end */
    }
    renumber(list);
}

/* ---- text ---- */

void
block_address_name(const struct ip *ip, char out[BLOCK_ADDRESS_NAME_MAX])
{
    struct ip net = ip_is_v4(ip) ? *ip : ip_masked(ip, 64);
    char text[INET6_ADDRSTRLEN];

    ip_text(&net, text);
    (void)snprintf(out, BLOCK_ADDRESS_NAME_MAX, "%s%s", text, ip_is_v4(ip) ? "" : "/64");
}

const char *
block_cause_text(uint8_t cause)
{
    static const char *const texts[] = {[BLOCK_BY_HAND] = "by hand",
                                        [BLOCK_GUESSING] = "guessing",
                                        [BLOCK_MASS_MAIL] = "mass mail",
                                        [BLOCK_SAME_SUBJECT] = "same subject"};

    return cause < ARRAY_LEN(texts) ? texts[cause] : "unknown";
}

bool
block_print(const struct block *block, struct strbuf *out)
{
    return strbuf_printf(out, "%u %llu %llu ", block->cause, (unsigned long long)block->start_ms,
                         (unsigned long long)block->end_ms) &&
           strbuf_append(out, block->reason);
}

int
block_parse(struct slice row, struct block *block)
{
    uint64_t cause, start, end;

    if (parse_u64(slice_split(&row, ' '), BLOCK_SAME_SUBJECT, &cause) < 0 ||
        parse_u64(slice_split(&row, ' '), INT64_MAX, &start) < 0 ||
        parse_u64(slice_split(&row, ' '), INT64_MAX, &end) < 0)
        return -1;
    block->cause = (uint8_t)cause;
    block->start_ms = (int64_t)start;
    block->end_ms = (int64_t)end;
    block->reason = slice_sub(row, 0, BLOCK_REASON_MAX);
    return 0;
}
