/*
 * lib/fts/postings.c - the batch at hand: for each gram the messages that have it, in memory.
 *
 * A list is the distances between its messages, as in posting_list.h, in blocks that end with the
 * place of the next one. Nothing here comes from outside but the messages' choice of grams.
 */
#include "lib/fts/postings.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum {
    BLOCK = 32,
    BLOCK_DATA = BLOCK - (int)sizeof(uint32_t),
    POOL_FIRST = 1 << 16,
};

struct list {
    uint32_t next;  /* the lowest message that can come; 0: the list is empty */
    uint32_t first; /* where its first block is */
    uint32_t end;   /* where the next byte goes; a block's place for the next one: it is full */
};

struct postings {
    struct list lists[GRAM_NUMBERS];
    unsigned char *pool;
    size_t used, cap;
};

struct postings *
postings_new(void)
{
    return xcalloc(1, sizeof(struct postings));
}

void
postings_free(struct postings **pp)
{
    if (*pp != NULL)
        xfree(&(*pp)->pool);
    xfree(pp);
}

bool
postings_full(const struct postings *p)
{
    return p->used >= POSTINGS_BYTES;
}

static uint32_t
new_block(struct postings *p)
{
    uint32_t at = (uint32_t)p->used;

    if (p->used + BLOCK > p->cap) {
        p->cap = p->cap == 0 ? POOL_FIRST : 2 * p->cap;
        p->pool = xrealloc(p->pool, p->cap);
    }
    p->used += BLOCK;
    return at;
}

static inline void
put(struct postings *p, struct list *list, unsigned char byte)
{
    if (list->end % BLOCK == BLOCK_DATA) {
        uint32_t next = new_block(p);

        memcpy(p->pool + list->end, &next, sizeof(next));
        list->end = next;
    }
    p->pool[list->end++] = byte;
}

void
postings_add(struct postings *p, uint32_t gram, uint32_t message)
{
    struct list *list = &p->lists[gram];
    uint32_t distance = message + 1 - list->next;

    if (list->next == 0)
        list->first = list->end = new_block(p);
    list->next = message + 1;
    for (; distance > 0x7f; distance >>= 7)
        put(p, list, (unsigned char)((distance & 0x7f) | 0x80));
    put(p, list, (unsigned char)distance);
}

bool
postings_read(const struct postings *p, uint32_t gram, uint32_t base, struct posting_bits *bits)
{
    const struct list *list = &p->lists[gram];
    uint32_t at = list->first, next = 0, distance = 0;
    unsigned shift = 0;

    if (list->next == 0)
        return false;
    while (at != list->end) {
        unsigned char byte;

        if (at % BLOCK == BLOCK_DATA)
            memcpy(&at, p->pool + at, sizeof(at));
        byte = p->pool[at++];
        distance |= (uint32_t)(byte & 0x7f) << shift;
        shift += 7;
        if (byte > 0x7f)
            continue;
        next += distance;
        posting_bits_set(bits, base + next - 1);
        distance = shift = 0;
    }
    return true;
}
