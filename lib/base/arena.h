/*
 * lib/base/arena.h - many small allocations that are given back all at once, with a ceiling.
 *
 * For what one command or one message needs: nodes, lists, decoded strings. The ceiling bounds what
 * a peer can make us hold, so the parsers that allocate here need no count of their own.
 */
#ifndef POSTHORN_LIB_BASE_ARENA_H
#define POSTHORN_LIB_BASE_ARENA_H

#include "lib/base/slice.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t held;                /* bytes in all chunks */
    size_t max;
};

/* An empty arena that will hold at most `max` bytes. Allocates nothing yet. */
struct arena arena_new(size_t max);
/* Gives everything back; the arena may be used again. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type. NULL past the ceiling. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of `s` in the arena; ptr is NULL (and len 0) past the ceiling. */
struct slice arena_copy(struct arena *a, struct slice s);

#endif
