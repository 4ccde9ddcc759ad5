/*
 * authd/throttle.c - the more logins fail from an address, the later their answers come.
 *
 * A table of fixed size: two addresses in one place share their count or push each other out, which
 * costs a delay too much or too little and never memory. Counts halve with time; a success does not
 * clear them, or one account of an attacker's own would do so.
 */
#include "authd/throttle.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

enum {
    PLACES = 8192,
    DOUBLINGS_MAX = 4, /* 16 times the first delay */
    HALF_LIFE_MS = 60000
};
static const int64_t DELAY_MAX_MS = 16000;

struct place {
    uint64_t share;
    int64_t last_ms;
    unsigned failures;
};

struct throttle {
    int64_t delay_ms;
    uint64_t seed; /* odd */
    struct place places[PLACES];
};

struct throttle *
throttle_new(int64_t delay_ms)
{
    struct throttle *throttle = xcalloc(1, sizeof(*throttle));

    throttle->delay_ms = delay_ms;
    throttle->seed = random_u64() | 1;
    return throttle;
}

void
throttle_free(struct throttle **throttlep)
{
    xfree(throttlep);
}

int64_t
throttle_failed(struct throttle *throttle, const struct client_address *client, int64_t now_ms)
{
    uint64_t share = client->share;
    struct place *place = &throttle->places[((share + 1) * throttle->seed) >> 51]; /* 13 bits */
    int64_t delay_ms;
    unsigned doublings;

    if (client->loopback)
        return throttle->delay_ms;
    if (place->share != share)
        *place = (struct place){.share = share, .last_ms = now_ms};
    for (; place->failures > 0 && now_ms - place->last_ms >= HALF_LIFE_MS;
         place->last_ms += HALF_LIFE_MS)
        place->failures /= 2;
    place->last_ms = now_ms;
    place->failures++;
    doublings = place->failures - 1 > DOUBLINGS_MAX ? DOUBLINGS_MAX : place->failures - 1;
    delay_ms = throttle->delay_ms << doublings;
    return delay_ms > DELAY_MAX_MS ? DELAY_MAX_MS : delay_ms;
}
