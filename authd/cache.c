/*
 * authd/cache.c - credentials that were right a short time ago.
 *
 * A fixed table of buckets with WAYS entries each; a MAC chooses its bucket by its first bytes, and
 * nobody without the key can aim at one. A full bucket loses its oldest entry.
 */
#include "authd/cache.h"

#include <stdlib.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/auth/sasl.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

enum { WAYS = 4, KEY_BYTES = 32, MAC_BYTES = 32 };

struct entry {
    unsigned char mac[MAC_BYTES];
    int64_t expires_ms; /* 0: empty */
};

struct cache {
    unsigned char key[KEY_BYTES];
    int64_t lifetime_ms;
    size_t bucket_count;
    struct entry (*buckets)[WAYS];
};

struct cache *
cache_new(size_t entries_max, int64_t lifetime_ms)
{
    struct cache *cache = xcalloc(1, sizeof(*cache));

    random_bytes(cache->key, sizeof(cache->key));
    cache->lifetime_ms = lifetime_ms;
    cache->bucket_count = entries_max / WAYS + 1;
    cache->buckets = xcalloc(cache->bucket_count, sizeof(*cache->buckets));
    return cache;
}

void
cache_free(struct cache **cachep)
{
    struct cache *cache = *cachep;

    if (cache == NULL)
        return;
    free(cache->buckets);
    mem_wipe(cache, sizeof(*cache));
    xfree(cachep);
}

/* Each part with its length in front: no two different triples give the same input. */
static size_t
put_part(unsigned char *at, struct slice part)
{
    at[0] = (unsigned char)(part.len >> 8);
    at[1] = (unsigned char)part.len;
    if (part.len > 0)
        memcpy(at + 2, part.ptr, part.len);
    return part.len + 2;
}

/* Fills in the MAC and returns its bucket, or NULL for credentials beyond every limit. */
static struct entry *
locate(const struct cache *cache, const struct credentials *c, unsigned char mac[MAC_BYTES])
{
    unsigned char input[SASL_NAME_MAX + PASSWORD_RECORD_MAX + PASSWORD_MAX + 6];
    uint64_t hash = 0;
    size_t len = 0;

    if (c->user.len > SASL_NAME_MAX || c->record.len > PASSWORD_RECORD_MAX ||
        c->password.len > PASSWORD_MAX)
        return NULL;
    len += put_part(input + len, c->user);
    len += put_part(input + len, c->record);
    len += put_part(input + len, c->password);
    digest_hmac(DIGEST_SHA256, slice_make(cache->key, sizeof(cache->key)), slice_make(input, len),
                mac);
    mem_wipe(input, len);
    memcpy(&hash, mac, sizeof(hash));
    return cache->buckets[hash % cache->bucket_count];
}

bool
cache_has(struct cache *cache, const struct credentials *c, int64_t now_ms)
{
    unsigned char mac[MAC_BYTES];
    struct entry *bucket;

    if (cache->lifetime_ms == 0 || (bucket = locate(cache, c, mac)) == NULL)
        return false;
    for (size_t i = 0; i < WAYS; i++)
        if (bucket[i].expires_ms > now_ms &&
            digest_equal(slice_make(bucket[i].mac, MAC_BYTES), slice_make(mac, MAC_BYTES)))
            return true;
    return false;
}

void
cache_add(struct cache *cache, const struct credentials *c, int64_t now_ms)
{
    unsigned char mac[MAC_BYTES];
    struct entry *bucket, *place;

    if (cache->lifetime_ms == 0 || (bucket = locate(cache, c, mac)) == NULL)
        return;
    place = bucket;
    for (size_t i = 0; i < WAYS; i++) {
        if (digest_equal(slice_make(bucket[i].mac, MAC_BYTES), slice_make(mac, MAC_BYTES))) {
            place = &bucket[i];
            break;
        }
        if (bucket[i].expires_ms < place->expires_ms)
            place = &bucket[i];
    }
    memcpy(place->mac, mac, MAC_BYTES);
    place->expires_ms = now_ms + cache->lifetime_ms;
}
