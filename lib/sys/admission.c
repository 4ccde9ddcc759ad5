/*
 * lib/sys/admission.c - which connections a service takes.
 *
 * Anybody on the network decides how many addresses come here, so the table has a limit: what finds
 * no place in it is not held to the limits per address, but still to the one over all.
 */
#include "lib/sys/admission.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/random.h"

#define BUCKETS 4096
#define ENTRIES_MAX 65536
#define SWEEP_BUCKETS 4 /* looked through for forgotten entries at each connection */
#define MINUTE_MS 60000

struct entry {
    struct entry *next;
    struct ip network;
    unsigned active;
    unsigned recent;      /* new ones in the running minute */
    int64_t minute_start; /* mono ms */
    int64_t known_until;  /* mono ms */
};

struct admission {
    struct admission_limits limits;
    struct networks allow, deny, unlimited;
    unsigned seated;
    size_t entries, sweep_at;
    uint64_t seed; /* nobody outside knows which addresses share a bucket */
    struct entry *buckets[BUCKETS];
};

struct admission *
admission_new(const struct admission_limits *limits, struct networks allow, struct networks deny,
              struct networks unlimited)
{
    struct admission *a = xcalloc(1, sizeof(*a));

    a->limits = *limits;
    a->allow = allow;
    a->deny = deny;
    a->unlimited = unlimited;
    a->seed = random_u64();
    return a;
}

static void
drop_entry(struct admission *a, struct entry **at)
{
    struct entry *e = *at;

    *at = e->next;
    free(e);
    a->entries--;
}

void
admission_free(struct admission **admissionp)
{
    if (*admissionp == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while ((*admissionp)->buckets[i] != NULL)
            drop_entry(*admissionp, &(*admissionp)->buckets[i]);
    networks_free(&(*admissionp)->allow);
    networks_free(&(*admissionp)->deny);
    networks_free(&(*admissionp)->unlimited);
    xfree(admissionp);
}

static struct ip
network_of(const struct ip *from)
{
    return ip_is_v4(from) ? *from : ip_masked(from, 64);
}

/* Every bit of the input reaches every bit of the result (the finalizer of MurmurHash3). */
static uint64_t
mix(uint64_t h)
{
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

static struct entry **
bucket_of(struct admission *a, const struct ip *network)
{
    uint64_t halves[2];

    memcpy(halves, network->bytes, sizeof(halves));
    return &a->buckets[mix(mix(halves[0] ^ a->seed) ^ halves[1]) % BUCKETS];
}

static struct entry *
find(struct admission *a, const struct ip *network)
{
    struct entry *e = *bucket_of(a, network);

    while (e != NULL && memcmp(&e->network, network, sizeof(*network)) != 0)
        e = e->next;
    return e;
}

static void
sweep(struct admission *a, int64_t now)
{
    for (size_t i = 0; i < SWEEP_BUCKETS; i++) {
        struct entry **at = &a->buckets[a->sweep_at++ % BUCKETS];

        while (*at != NULL) {
            if ((*at)->active == 0 && now - (*at)->minute_start >= MINUTE_MS &&
                now >= (*at)->known_until)
                drop_entry(a, at);
            else
                at = &(*at)->next;
        }
    }
}

static struct entry *
find_or_add(struct admission *a, const struct ip *network, int64_t now)
{
    struct entry *e = find(a, network);
    struct entry **bucket = bucket_of(a, network);

    if (e == NULL && a->entries < ENTRIES_MAX) {
        e = xcalloc(1, sizeof(*e));
        *e = (struct entry){.next = *bucket, .network = *network, .minute_start = now};
        *bucket = e;
        a->entries++;
    }
    if (e != NULL && now - e->minute_start >= MINUTE_MS) {
        e->minute_start = now;
        e->recent = 0;
    }
    return e;
}

static bool
over(unsigned count, unsigned max)
{
    return max != 0 && count >= max;
}

enum admission_verdict
admission_by_lists(const struct networks *allow, const struct networks *deny, bool listed_only,
                   const struct ip *from)
{
    bool asks_list = listed_only || allow->count > 0;

    if (networks_have(deny, from))
        return ADMISSION_DENIED;
    return asks_list && !networks_have(allow, from) ? ADMISSION_NOT_ALLOWED : ADMISSION_OK;
}

enum admission_verdict
admission_enter(struct admission *a, const struct ip *from, int64_t now_mono_ms)
{
    struct ip network = network_of(from);
    enum admission_verdict listed =
        admission_by_lists(&a->allow, &a->deny, a->limits.listed_only, from);
    struct entry *e;

    if (listed != ADMISSION_OK)
        return listed;
    sweep(a, now_mono_ms);
    e = find_or_add(a, &network, now_mono_ms);
    if (e != NULL) {
        bool limited = !networks_have(&a->unlimited, from);

        if (limited && over(e->recent, a->limits.per_minute_max))
            return ADMISSION_TOO_FAST;
        if (limited && over(e->active, a->limits.per_address_max))
            return ADMISSION_ADDRESS_BUSY;
        e->recent++;
        e->active++;
    }
    return ADMISSION_OK;
}

void
admission_leave(struct admission *a, const struct ip *from)
{
    struct ip network = network_of(from);
    struct entry *e = find(a, &network);

    if (e != NULL && e->active > 0)
        e->active--;
}

enum admission_verdict
admission_sit(struct admission *a, bool is_known)
{
    unsigned max = a->limits.clients_max - (is_known ? 0 : a->limits.reserved);

    if (a->seated >= max)
        return ADMISSION_FULL;
    a->seated++;
    return ADMISSION_OK;
}

void
admission_rise(struct admission *a)
{
    if (a->seated > 0)
        a->seated--;
}

bool
admission_is_pressed(const struct admission *a)
{
    return a->seated >= (a->limits.clients_max + 1) / 2;
}

void
admission_know(struct admission *a, const struct ip *from, int64_t now_mono_ms)
{
    struct ip network = network_of(from);
    struct entry *e = a->limits.known_ms == 0 ? NULL : find_or_add(a, &network, now_mono_ms);

    if (e != NULL)
        e->known_until = now_mono_ms + a->limits.known_ms;
}

bool
admission_knows(struct admission *a, const struct ip *from, int64_t now_mono_ms)
{
    struct ip network = network_of(from);
    const struct entry *e = find(a, &network);

    return (e != NULL && e->known_until > now_mono_ms) || networks_have(&a->unlimited, from);
}

const char *
admission_reason(enum admission_verdict verdict)
{
    switch (verdict) {
    case ADMISSION_OK:
        return "admitted";
    case ADMISSION_DENIED:
    case ADMISSION_NOT_ALLOWED:
        return "your address is not allowed here";
    case ADMISSION_FULL:
        return "too many connections";
    case ADMISSION_ADDRESS_BUSY:
        return "too many connections from your address";
    case ADMISSION_TOO_FAST:
        return "too many new connections from your address";
    }
    return "refused";
}
