/*
 * authd/cache.h - credentials that were right a short time ago, so that they need no new hash.
 *
 * What is kept is a MAC over user, password record and password under a key that this process made
 * up: a changed password has another record and misses by itself, and the memory tells nobody a
 * password. Whether the user may log in is asked anew each time, cache or not.
 */
#ifndef POSTHORN_AUTHD_CACHE_H
#define POSTHORN_AUTHD_CACHE_H

#include <stdint.h>

#include "lib/base/slice.h"

struct cache;

struct credentials {
    struct slice user, record, password;
};

/* `lifetime_ms` 0: a cache that never hits. */
struct cache *cache_new(size_t entries_max, int64_t lifetime_ms);
void cache_free(struct cache **cachep);
bool cache_has(struct cache *cache, const struct credentials *c, int64_t now_ms);
void cache_add(struct cache *cache, const struct credentials *c, int64_t now_ms);

#endif
