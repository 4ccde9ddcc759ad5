/*
 * lib/auth/blocked_set.c - a hash table by open addressing with linear probing, of whole items.
 *
 * Nothing is taken out of a table: an item that has ended stays until the table is made anew, which
 * happens before it would be more than half full. Strangers choose the addresses: the hash starts
 * from a random number.
 */
#include "lib/auth/blocked_set.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define PLACES_MIN 64u

struct table {
    struct blocked_item *places; /* no address: free */
    size_t place_count;          /* a power of two, at least twice `used`; 0: there is no table */
    size_t used;
};

struct blocked_set {
    struct table now, coming;
    bool is_whole; /* now */
    uint64_t seed, lost;
};

static const struct ip no_address;

struct ip
blocked_address(const struct ip *client)
{
    return ip_is_v4(client) ? *client : ip_masked(client, 64);
}

bool
blocked_address_is_valid(const struct ip *ip)
{
    struct ip listed = blocked_address(ip);

    return memcmp(&listed, ip, sizeof(listed)) == 0 && memcmp(ip, &no_address, sizeof(*ip)) != 0;
}

/* Each bit of the result depends on all of `h`, whichever of them the addresses differ in. */
static uint64_t
mixed(uint64_t h)
{
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33;
}

/* Where it is, or the free place where it would go. */
static size_t
place_of(const struct table *table, uint64_t seed, const struct ip *ip)
{
    uint64_t halves[2];
    size_t at;

    memcpy(halves, ip->bytes, sizeof(halves));
    at = (size_t)mixed(mixed(halves[0] ^ seed) + halves[1]) & (table->place_count - 1);
    while (memcmp(&table->places[at].ip, &no_address, sizeof(no_address)) != 0 &&
           memcmp(&table->places[at].ip, ip, sizeof(*ip)) != 0)
        at = (at + 1) & (table->place_count - 1);
    return at;
}

static bool
is_over(const struct blocked_item *item, int64_t now_ms)
{
    return item->logins_until_ms <= now_ms && item->admins_until_ms <= now_ms;
}

static struct table
table_new(size_t items)
{
    struct table table = {.place_count = PLACES_MIN};

    while (table.place_count < 2 * items)
        table.place_count *= 2;
    table.places = xcalloc(table.place_count, sizeof(*table.places));
    return table;
}

/* With room for as many again, and without what has ended. */
static void
make_anew(struct table *table, uint64_t seed, int64_t now_ms)
{
    struct table old = *table;
    size_t live = 0;

    for (size_t i = 0; i < old.place_count; i++)
        live += !is_over(&old.places[i], now_ms);
    *table = table_new(2 * live < BLOCKED_MAX ? 2 * live : BLOCKED_MAX);
    for (size_t i = 0; i < old.place_count; i++) {
        if (is_over(&old.places[i], now_ms))
            continue;
        table->places[place_of(table, seed, &old.places[i].ip)] = old.places[i];
        table->used++;
    }
    free(old.places);
}

/* False: there is no room. */
static bool
put(struct table *table, uint64_t seed, const struct blocked_item *item, int64_t now_ms)
{
    size_t at = place_of(table, seed, &item->ip);

    if (memcmp(&table->places[at].ip, &no_address, sizeof(no_address)) == 0) {
        if (is_over(item, now_ms))
            return true;
        if (2 * (table->used + 1) > table->place_count)
            make_anew(table, seed, now_ms);
        if (2 * (table->used + 1) > table->place_count)
            return false;
        at = place_of(table, seed, &item->ip);
        table->used++;
    }
    table->places[at] = *item;
    return true;
}

struct blocked_set *
blocked_set_new(void)
{
    struct blocked_set *set = xcalloc(1, sizeof(*set));

    set->seed = random_u64();
    set->now = table_new(0);
    return set;
}

void
blocked_set_free(struct blocked_set **setp)
{
    if (*setp == NULL)
        return;
    free((*setp)->now.places);
    free((*setp)->coming.places);
    xfree(setp);
}

static void
begin(struct blocked_set *set)
{
    free(set->coming.places);
    set->coming = table_new(0);
    set->lost = 0;
}

static void
end(struct blocked_set *set)
{
    free(set->now.places);
    set->now = set->coming;
    set->coming = (struct table){0};
    set->is_whole = true;
}

enum blocked_taken
blocked_set_take(struct blocked_set *set, const struct blocked_part *part, int64_t now_ms)
{
    struct table *table = &set->now;
    bool was_coming;

    if (part->anew)
        begin(set);
    was_coming = set->coming.place_count > 0;
    if (was_coming)
        table = &set->coming;
    else if (part->whole || !set->is_whole)
        return BLOCKED_REFUSED;
    for (uint32_t i = 0; i < part->count; i++)
        set->lost += !put(table, set->seed, &part->items[i], now_ms);
    if (!was_coming)
        return BLOCKED_CHANGED;
    if (part->whole)
        end(set);
    return part->whole ? BLOCKED_ANEW : BLOCKED_PENDING;
}

bool
blocked_set_is_whole(const struct blocked_set *set)
{
    return set->is_whole;
}

uint64_t
blocked_set_lost(const struct blocked_set *set)
{
    return set->lost;
}

const struct blocked_item *
blocked_set_find(const struct blocked_set *set, const struct ip *ip)
{
    struct ip listed = blocked_address(ip);
    const struct blocked_item *item = &set->now.places[place_of(&set->now, set->seed, &listed)];

    return memcmp(&item->ip, &listed, sizeof(listed)) == 0 ? item : NULL;
}

bool
blocked_set_has(const struct blocked_set *set, const struct ip *ip, int64_t now_ms)
{
    const struct blocked_item *item = blocked_set_find(set, ip);

    return item != NULL && item->logins_until_ms > now_ms;
}

const struct blocked_item *
blocked_set_next(const struct blocked_set *set, size_t *at)
{
    while (*at < set->now.place_count) {
        const struct blocked_item *item = &set->now.places[(*at)++];

        if (memcmp(&item->ip, &no_address, sizeof(no_address)) != 0)
            return item;
    }
    return NULL;
}
