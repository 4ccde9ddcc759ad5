/*
 * queue-manager/due_heap.c - queue ids with the time when each is due.
 *
 * Our own ids have 15 letters and lie in the entry; a longer one, put into the queue by somebody
 * else, is beside it.
 */
#include "queue-manager/due_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define FIRST_ROOM 64
#define SHORT_ID 16 /* with its NUL */
#define SEVERAL (UINT64_C(1) << 63)
#define BITS 63

struct due_entry {
    int64_t next_ms;
    uint64_t domain;
    union {
        char text[SHORT_ID];
        struct {
            uint64_t zero; /* text[0] is NUL: the id is beside */
            char *text;
        } beside;
    } id;
};

void
due_heap_init(struct due_heap *h, uint32_t max)
{
    *h = (struct due_heap){.max = max, .horizon_ms = DUE_NO_HORIZON};
}

static void
entry_set_id(struct due_entry *e, const char *id)
{
    memset(&e->id, 0, sizeof(e->id));
    if (strlen(id) < SHORT_ID)
        (void)snprintf(e->id.text, SHORT_ID, "%s", id);
    else
        e->id.beside.text = xstrdup(id);
}

static const char *
entry_id(const struct due_entry *e)
{
    return e->id.text[0] != '\0' ? e->id.text : e->id.beside.text;
}

static void
entry_clear(struct due_entry *e)
{
    if (e->id.text[0] == '\0')
        free(e->id.beside.text);
}

void
due_heap_clear(struct due_heap *h)
{
    for (uint32_t i = 0; i < h->count; i++)
        entry_clear(&h->entries[i]);
    xfree(&h->entries);
    due_heap_init(h, h->max);
}

static void
swap(struct due_entry *a, struct due_entry *b)
{
    struct due_entry held = *a;

    *a = *b;
    *b = held;
}

static void
sift_up(struct due_heap *h, uint32_t i)
{
    while (i > 0 && h->entries[i].next_ms < h->entries[(i - 1) / 2].next_ms) {
        swap(&h->entries[i], &h->entries[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void
sift_down(struct due_heap *h)
{
    for (uint32_t i = 0;;) {
        uint32_t least = i, left = 2 * i + 1, right = 2 * i + 2;

        if (left < h->count && h->entries[left].next_ms < h->entries[least].next_ms)
            least = left;
        if (right < h->count && h->entries[right].next_ms < h->entries[least].next_ms)
            least = right;
        if (least == i)
            return;
        swap(&h->entries[i], &h->entries[least]);
        i = least;
    }
}

static int
compare_entries(const void *a, const void *b)
{
    const struct due_entry *x = a, *y = b;

    return x->next_ms < y->next_ms ? -1 : x->next_ms > y->next_ms;
}

/* Sorted entries are a heap, and so is their first half. */
static void
forget_half(struct due_heap *h)
{
    uint32_t keep = h->count / 2;

    qsort(h->entries, h->count, sizeof(*h->entries), compare_entries);
    h->horizon_ms = h->entries[keep].next_ms;
    for (uint32_t i = keep; i < h->count; i++)
        entry_clear(&h->entries[i]);
    h->count = keep;
}

void
due_heap_add(struct due_heap *h, const char *id, int64_t next_ms, uint64_t domain)
{
    struct due_entry *e;

    if (h->count == h->max)
        forget_half(h);
    if (next_ms >= h->horizon_ms)
        return;
    if (h->count == h->room) {
        h->room = h->room == 0 ? FIRST_ROOM : h->room * 2;
        h->entries = xreallocarray(h->entries, h->room, sizeof(*h->entries));
    }
    e = &h->entries[h->count++];
    e->next_ms = next_ms;
    e->domain = domain;
    entry_set_id(e, id);
    sift_up(h, h->count - 1);
}

int64_t
due_heap_next_ms(const struct due_heap *h)
{
    return h->entries[0].next_ms;
}

void
due_heap_take(struct due_heap *h, char id[QUEUE_ID_SIZE], int64_t *next_ms, uint64_t *domain)
{
    struct due_entry *first = &h->entries[0];

    (void)snprintf(id, QUEUE_ID_SIZE, "%s", entry_id(first)); /* as long as it was */
    *next_ms = first->next_ms;
    *domain = first->domain;
    entry_clear(first);
    *first = h->entries[--h->count];
    sift_down(h);
}

/* Ids of ours have one length and sort by age; a message of another's naming has no age here. */
void
due_heap_oldest(const struct due_heap *h, char id[QUEUE_ID_SIZE])
{
    const char *oldest = "";

    for (uint32_t i = 0; i < h->count; i++) {
        const char *text = h->entries[i].id.text;

        if (h->entries[i].domain == DUE_DOMAIN_NONE)
            continue;
        if (text[SHORT_ID - 2] != '\0' && (oldest[0] == '\0' || memcmp(text, oldest, SHORT_ID) < 0))
            oldest = text;
    }
    (void)snprintf(id, QUEUE_ID_SIZE, "%s", oldest); /* shorter than SHORT_ID */
}

uint32_t
due_heap_flush(struct due_heap *h, uint64_t domain)
{
    uint32_t flushed = 0;

    for (uint32_t i = 0; i < h->count; i++) {
        if (!due_domain_matches(h->entries[i].domain, domain))
            continue;
        h->entries[i].next_ms = 0;
        sift_up(h, i); /* what is before i stays a heap */
        flushed++;
    }
    return flushed;
}

uint64_t
due_domain(struct slice address)
{
    size_t at = slice_rindex(address, '@');
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    for (size_t i = at == address.len ? 0 : at + 1; i < address.len; i++) {
        unsigned char c = (unsigned char)address.ptr[i];

        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    return hash >> 1 == 0 ? 1 : hash >> 1;
}

static uint64_t
bits_of(uint64_t domain)
{
    if (domain == DUE_DOMAIN_NONE || (domain & SEVERAL) != 0)
        return domain;
    return SEVERAL | UINT64_C(1) << domain % BITS;
}

uint64_t
due_domain_join(uint64_t a, uint64_t b)
{
    if (a == b || b == DUE_DOMAIN_NONE)
        return a;
    return a == DUE_DOMAIN_NONE ? b : bits_of(a) | bits_of(b);
}

bool
due_domain_matches(uint64_t waiting, uint64_t wanted)
{
    if (wanted == DUE_DOMAIN_ALL || waiting == wanted)
        return true;
    return (waiting & SEVERAL) != 0 && (waiting & bits_of(wanted) & ~SEVERAL) != 0;
}
