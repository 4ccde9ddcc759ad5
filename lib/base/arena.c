/*
 * lib/base/arena.c - many small allocations that are given back all at once.
 *
 * Chunks grow from 1 KiB to 64 KiB; a larger request gets a chunk of its own.
 */
#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

enum { CHUNK_FIRST = 1024, CHUNK_LARGEST = 65536 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    alignas(max_align_t) char data[];
};

struct arena
arena_new(size_t max)
{
    return (struct arena){.max = max};
}

void
arena_reset(struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
    a->held = 0;
}

static struct arena_chunk *
chunk_add(struct arena *a, size_t want)
{
    size_t size = a->chunks == NULL ? CHUNK_FIRST : a->chunks->size * 2;
    struct arena_chunk *chunk;

    if (want > a->max - a->held)
        return NULL;
    if (size > CHUNK_LARGEST)
        size = CHUNK_LARGEST;
    if (size > a->max - a->held)
        size = a->max - a->held;
    if (size < want)
        size = want;
    chunk = xmalloc(sizeof(*chunk) + size);
    *chunk = (struct arena_chunk){.next = a->chunks, .size = size};
    a->chunks = chunk;
    a->held += size;
    return chunk;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = a->chunks;
    const size_t align = alignof(max_align_t);
    void *at;

    if (size > a->max)
        return NULL;
    size = (size + align - 1) / align * align;
    if (chunk == NULL || size > chunk->size - chunk->used)
        chunk = chunk_add(a, size);
    if (chunk == NULL)
        return NULL;
    at = chunk->data + chunk->used;
    chunk->used += size;
    memset(at, 0, size);
    return at;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return arena_alloc(a, count * size);
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
    char *copy = arena_alloc(a, s.len + 1);

    if (copy == NULL)
        return (struct slice){NULL, 0};
    if (s.len > 0)
        memcpy(copy, s.ptr, s.len);
    return slice_make(copy, s.len);
}
