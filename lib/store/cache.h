/*
 * lib/store/cache.h - posthorn.cache: what sessions computed from messages, keyed by UID and kind.
 *
 * Disposable. Append-only with a hash table in front; a reader takes no lock and believes only what
 * checks out. New items collect in memory and are written together.
 */
#ifndef POSTHORN_LIB_STORE_CACHE_H
#define POSTHORN_LIB_STORE_CACHE_H

#include "lib/store/mailbox.h"

#define CACHE_NAME "posthorn.cache"

struct cache;

/* For the folder at `dirfd` (borrowed); opens the file on first use. */
struct cache *cache_new(int dirfd, uint32_t uidvalidity, bool read_only);
void cache_free(struct cache **cachep); /* writes what has collected */
/* Writes what has collected and unmaps. */
void cache_release(struct cache *cache);
/* false: not there. `out` is borrowed until the next call. */
bool cache_get(struct cache *cache, uint32_t uid, unsigned kind, struct slice *out);
void cache_put(struct cache *cache, uint32_t uid, unsigned kind, struct slice value);

/* What lies in the folder's cache file, for store check: 0 all of it checks out, or there is none;
 * 1 something does not (readers pass over it); -1 with errno. */
int cache_file_check(int dirfd, uint32_t uidvalidity);

#endif
