/*
 * lib/base/arena.c - many small copies that live and die together.
 */
#include "lib/base/arena.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#define BLOCK_BYTES 65536

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    char bytes[];
};

struct arena
arena_new(size_t max)
{
    return (struct arena){.max = max};
}

void
arena_free(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;

        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used = 0;
}

static struct arena_block *
block_with_room(struct arena *arena, size_t need)
{
    struct arena_block *block = arena->blocks;
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;

    if (block != NULL && need <= block->size - block->used)
        return block;
    block = xmalloc(sizeof(*block) + size);
    block->next = arena->blocks;
    block->used = 0;
    block->size = size;
    arena->blocks = block;
    return block;
}

struct slice
arena_copy(struct arena *arena, struct slice s)
{
    struct arena_block *block;
    char *at;

    if (arena->used >= arena->max || s.len >= arena->max - arena->used)
        return slice_make(NULL, 0);
    block = block_with_room(arena, s.len + 1);
    at = block->bytes + block->used;
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    at[s.len] = '\0';
    block->used += s.len + 1;
    arena->used += s.len + 1;
    return slice_make(at, s.len);
}
