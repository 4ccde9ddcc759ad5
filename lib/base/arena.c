/*
 * lib/base/arena.c - small pieces of memory that are all freed together.
 */
#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

/* Bytes of the first chunk, and up to where each is twice as large as the one before: most messages
 * of the queue need little. */
enum { CHUNK_FIRST = 256, CHUNK_MAX = 2048 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t used, size; /* of data */
    alignas(max_align_t) char data[];
};

void *
arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_chunk *c = arena->chunks;
    size_t want;
    void *piece;

    assert_always(size <= SIZE_MAX - align);
    want = (size + align - 1) / align * align;
    if (c == NULL || c->size - c->used < want) {
        size_t room = c == NULL ? CHUNK_FIRST : c->size < CHUNK_MAX ? 2 * c->size : CHUNK_MAX;

        if (room < want)
            room = want;
        assert_always(room <= SIZE_MAX - sizeof(*c));
        c = xmalloc(sizeof(*c) + room);
        *c = (struct arena_chunk){.older = arena->chunks, .used = 0, .size = room};
        arena->chunks = c;
    }
    piece = c->data + c->used;
    c->used += want;
    return memset(piece, 0, want);
}

struct slice
arena_copy(struct arena *arena, struct slice s)
{
    char *copy = arena_alloc(arena, s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return slice_make(copy, s.len);
}

void
arena_free(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *c = arena->chunks;

        arena->chunks = c->older;
        free(c);
    }
}
