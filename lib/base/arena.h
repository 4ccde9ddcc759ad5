/*
 * lib/base/arena.h - small pieces of memory that are all freed together.
 *
 * Pieces do not move and are not freed one by one. For things with one life, such as a queued
 * message with all its recipients.
 */
#ifndef POSTHORN_LIB_BASE_ARENA_H
#define POSTHORN_LIB_BASE_ARENA_H

#include "lib/base/slice.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first; NULL: nothing yet */
};

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
/* A copy of `s` that lives as long as the arena; followed by a NUL that len does not count. */
struct slice arena_copy(struct arena *arena, struct slice s);
void arena_free(struct arena *arena); /* everything; the arena may be used again */

#endif
