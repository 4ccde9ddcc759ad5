/*
 * lib/base/arena.h - many small copies that live and die together, with a ceiling from birth.
 */
#ifndef POSTHORN_LIB_BASE_ARENA_H
#define POSTHORN_LIB_BASE_ARENA_H

#include "lib/base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used, max;           /* bytes handed out; ceiling */
};

struct arena arena_new(size_t max);
void arena_free(struct arena *arena);
/* A copy of `s` (NUL behind it) that lives until arena_free. The empty slice with ptr NULL: the
 * ceiling is reached. */
struct slice arena_copy(struct arena *arena, struct slice s);

#endif
