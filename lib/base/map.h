/*
 * lib/base/map.h - a hash table from bytes to a pointer; keys are copied, values are the caller's.
 */
#ifndef POSTHORN_LIB_BASE_MAP_H
#define POSTHORN_LIB_BASE_MAP_H

#include "lib/base/slice.h"

struct map;

/* At most `max` keys. The hash is keyed by a random number: nobody can choose colliding names. */
struct map *map_new(size_t max);
/* `drop` (may be NULL) is called with each value that is left. */
void map_free(struct map **mapp, void (*drop)(void *value));
size_t map_count(const struct map *map);
void *map_get(const struct map *map, struct slice key); /* NULL: not there */
/* Where the value of `key` is kept, made with NULL if it is new; valid until the next change. NULL:
 * the map is full. */
void **map_at(struct map *map, struct slice key);
void *map_remove(struct map *map, struct slice key); /* the value, or NULL */

#endif
