/*
 * lib/base/map.c - a hash table by open addressing with linear probing.
 *
 * Keys may be chosen by strangers: the hash starts from a random number, and the size is bounded.
 */
#include "lib/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define PLACES_MIN 64

struct entry {
    char *key; /* NULL: free */
    size_t key_len;
    uint64_t hash;
    void *value;
};

struct map {
    struct entry *places;
    size_t place_count; /* a power of two, at least twice the keys */
    size_t count, max;
    uint64_t seed;
};

/* FNV-1a from a random start, mixed at the end so that the low bits depend on all of it. */
static uint64_t
hash_of(const struct map *map, struct slice key)
{
    uint64_t h = map->seed;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.ptr[i]) * 0x100000001b3ULL;
    h ^= map->seed >> 17;
    h = (h ^ h >> 32) * 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 29;
}

struct map *
map_new(size_t max)
{
    struct map *map = xcalloc(1, sizeof(*map));

    map->max = max;
    map->seed = random_u64();
    map->place_count = PLACES_MIN;
    map->places = xcalloc(map->place_count, sizeof(*map->places));
    return map;
}

void
map_free(struct map **mapp, void (*drop)(void *value))
{
    struct map *map = *mapp;

    if (map == NULL)
        return;
    for (size_t i = 0; i < map->place_count; i++) {
        if (map->places[i].key == NULL)
            continue;
        free(map->places[i].key);
        if (drop != NULL)
            drop(map->places[i].value);
    }
    free(map->places);
    xfree(mapp);
}

size_t
map_count(const struct map *map)
{
    return map->count;
}

/* The key's place, or the free one where it would go. */
static size_t
find(const struct map *map, struct slice key, uint64_t hash)
{
    size_t at = hash & (map->place_count - 1);

    while (map->places[at].key != NULL) {
        const struct entry *e = &map->places[at];

        if (e->hash == hash && slice_eq(slice_make(e->key, e->key_len), key))
            break;
        at = (at + 1) & (map->place_count - 1);
    }
    return at;
}

static void
grow(struct map *map)
{
    struct entry *old = map->places;
    size_t old_count = map->place_count;

    map->place_count *= 2;
    map->places = xcalloc(map->place_count, sizeof(*map->places));
    for (size_t i = 0; i < old_count; i++)
        if (old[i].key != NULL)
            map->places[find(map, slice_make(old[i].key, old[i].key_len), old[i].hash)] = old[i];
    free(old);
}

void *
map_get(const struct map *map, struct slice key)
{
    const struct entry *e = &map->places[find(map, key, hash_of(map, key))];

    return e->key == NULL ? NULL : e->value;
}

void **
map_at(struct map *map, struct slice key)
{
    uint64_t hash = hash_of(map, key);
    size_t at = find(map, key, hash);

    if (map->places[at].key != NULL)
        return &map->places[at].value;
    if (map->count == map->max)
        return NULL;
    if ((map->count + 1) * 2 > map->place_count) {
        grow(map);
        at = find(map, key, hash);
    }
    map->places[at] = (struct entry){.key = xslicedup(key), .key_len = key.len, .hash = hash};
    map->count++;
    return &map->places[at].value;
}

/* Moves later entries of the same run up, so that no look-up stops at the hole. */
static void
close_hole(struct map *map, size_t hole)
{
    size_t mask = map->place_count - 1;

    for (size_t at = (hole + 1) & mask; map->places[at].key != NULL; at = (at + 1) & mask) {
        size_t home = map->places[at].hash & mask;

        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->places[hole] = map->places[at];
            hole = at;
        }
    }
    memset(&map->places[hole], 0, sizeof(map->places[hole]));
}

void *
map_remove(struct map *map, struct slice key)
{
    size_t at = find(map, key, hash_of(map, key));
    void *value;

    if (map->places[at].key == NULL)
        return NULL;
    value = map->places[at].value;
    free(map->places[at].key);
    close_hole(map, at);
    map->count--;
    return value;
}
