/*
 * lib/auth/guess.c - who has failed how often within an interval.
 *
 * A table of sets of eight places. Two names whose hashes are the same share a count: of 65,536
 * names that happens to one pair in some 8,000 million.
 */
#include "lib/auth/guess.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

enum { WAYS = 8, SETS = GUESS_NAMES_MAX / WAYS, STEPS = 10, COUNT_MAX = UINT16_MAX };

struct place {
    uint64_t hash;         /* 0: free */
    uint32_t step;         /* of the interval's tenths, the last one that is counted in */
    uint16_t fails[STEPS]; /* by step modulo STEPS */
};

struct guess_table {
    int64_t step_ms;
    uint64_t seed[2];
    struct place places[SETS][WAYS];
};

struct guess_table *
guess_table_new(int64_t interval_ms)
{
    struct guess_table *table = xcalloc(1, sizeof(*table));

    table->step_ms = interval_ms < STEPS ? 1 : interval_ms / STEPS;
    table->seed[0] = random_u64();
    table->seed[1] = random_u64() | 1;
    return table;
}

void
guess_table_free(struct guess_table **tablep)
{
    xfree(tablep);
}

/* Never 0. */
static uint64_t
hash_of(const struct guess_table *table, struct slice name)
{
    uint64_t h = table->seed[0];

    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (unsigned char)name.ptr[i]) * table->seed[1];
        h ^= h >> 32;
    }
    return h == 0 ? 1 : h;
}

/* Takes out what is older than the interval. */
static void
advance(struct place *place, uint32_t step)
{
    if (step - place->step >= STEPS)
        memset(place->fails, 0, sizeof(place->fails));
    else
        for (uint32_t s = place->step + 1; s <= step; s++)
            place->fails[s % STEPS] = 0;
    place->step = step;
}

static unsigned
sum_of(const struct place *place)
{
    unsigned sum = 0;

    for (size_t i = 0; i < STEPS; i++)
        sum += place->fails[i];
    return sum;
}

/* The place of that hash, or the one to give it: free, or with the lowest count. */
static struct place *
place_for(struct guess_table *table, uint64_t hash, uint32_t step)
{
    struct place *set = table->places[hash % SETS], *lowest = set;
    unsigned lowest_sum = UINT32_MAX;

    for (size_t i = 0; i < WAYS; i++) {
        unsigned sum;

        if (set[i].hash == hash)
            return &set[i];
        advance(&set[i], step);
        sum = set[i].hash == 0 ? 0 : sum_of(&set[i]);
        if (sum < lowest_sum) {
            lowest = &set[i];
            lowest_sum = sum;
        }
    }
    *lowest = (struct place){.hash = hash, .step = step};
    return lowest;
}

unsigned
guess_count(struct guess_table *table, struct slice name, int64_t now_mono_ms)
{
    return guess_add(table, name, 1, now_mono_ms);
}

unsigned
guess_add(struct guess_table *table, struct slice name, unsigned count, int64_t now_mono_ms)
{
    uint32_t step = (uint32_t)(now_mono_ms / table->step_ms);
    struct place *place = place_for(table, hash_of(table, name), step);

    advance(place, step);
    if (count < (unsigned)COUNT_MAX - place->fails[step % STEPS])
        place->fails[step % STEPS] = (uint16_t)(place->fails[step % STEPS] + count);
    else
        place->fails[step % STEPS] = COUNT_MAX;
    return sum_of(place);
}

void
guess_take_off(struct guess_table *table, struct slice name, unsigned count, int64_t now_mono_ms)
{
    uint64_t hash = hash_of(table, name);
    uint32_t step = (uint32_t)(now_mono_ms / table->step_ms);
    struct place *set = table->places[hash % SETS], *place = NULL;

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].hash == hash)
            place = &set[i];
    if (place == NULL)
        return;
    advance(place, step);
    for (uint32_t i = 0; i < STEPS && count > 0; i++) {
        uint16_t *fails = &place->fails[(step - i) % STEPS];
        unsigned off = count < *fails ? count : *fails;

        *fails = (uint16_t)(*fails - off);
        count -= off;
    }
}

void
guess_forget(struct guess_table *table, struct slice name)
{
    uint64_t hash = hash_of(table, name);
    struct place *set = table->places[hash % SETS];

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].hash == hash)
            set[i] = (struct place){.hash = 0};
}
