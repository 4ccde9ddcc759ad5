/*
 * local-deliver/busy.c - mailboxes that somebody keeps locked. No I/O.
 */
#include "local-deliver/busy.h"

#include <stdlib.h>

#include "lib/base/mem.h"

void
busy_add(struct busy *b, struct slice path, int64_t now_ms)
{
    if (busy_has(b, path, now_ms))
        return;
    free(b->slots[b->next].path);
    b->slots[b->next].path = xslicedup(path);
    b->slots[b->next].until_ms = now_ms + BUSY_MS;
    b->next = (b->next + 1) % BUSY_MAX;
}

bool
busy_has(const struct busy *b, struct slice path, int64_t now_ms)
{
    for (uint32_t i = 0; i < BUSY_MAX; i++)
        if (b->slots[i].until_ms > now_ms && slice_eq(slice_of(b->slots[i].path), path))
            return true;
    return false;
}

void
busy_clear(struct busy *b)
{
    for (uint32_t i = 0; i < BUSY_MAX; i++)
        xfree(&b->slots[i].path);
    *b = (struct busy){.next = 0};
}
