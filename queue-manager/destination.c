/*
 * queue-manager/destination.c - the remote next hops: lane, concurrency window, back-off of each.
 */
#include "queue-manager/destination.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

#define TABLE_SIZE 16384
#define WINDOW_FIRST 2.0
#define DEAD_AFTER 3
#define DEAD_FIRST_MS 60000
#define IDLE_KEEP_MS 300000  /* window and failures are remembered this long */
#define DEAD_KEEP_MS 7200000 /* and how often it was dead in a row */
#define IDLE_MAX 50000       /* destinations of which nothing but that is known */
#define USUAL_EVERY 4        /* turns of which one begins with the usual line */

TAILQ_HEAD(destination_line, destination); /* the first has the next turn */

struct destinations {
    const struct queue_settings *settings;
    uint64_t seed; /* names come from outside: nobody shall choose the row */
    struct destination *table[TABLE_SIZE];
    uint32_t waiting; /* shares in all lanes */
    struct destination_line light, usual;
    uint32_t turns;
};

struct destinations *
destinations_new(const struct queue_settings *settings)
{
    struct destinations *ds = xcalloc(1, sizeof(*ds));

    ds->settings = settings;
    ds->seed = random_u64();
    TAILQ_INIT(&ds->light);
    TAILQ_INIT(&ds->usual);
    return ds;
}

static void
destination_free(struct destination *d)
{
    free((char *)d->name.ptr);
    free(d->reason);
    free(d);
}

void
destinations_free(struct destinations **dp)
{
    if (*dp == NULL)
        return;
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        struct destination *d = (*dp)->table[i];

        while (d != NULL) {
            struct destination *next = d->table_next;

            destination_free(d);
            d = next;
        }
    }
    xfree(dp);
}

struct destination *
destinations_get(struct destinations *ds, struct slice name)
{
    uint64_t hash = ds->seed;
    struct destination **row, *d;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 1099511628211u;
    row = &ds->table[(hash >> 20) % TABLE_SIZE];
    for (d = *row; d != NULL; d = d->table_next)
        if (slice_eq(d->name, name))
            return d;
    d = xcalloc(1, sizeof(*d));
    d->name = slice_make(xslicedup(name), name.len);
    d->window = WINDOW_FIRST;
    d->idle_since_ms = clock_mono_ms();
    lane_init(&d->lane, false, &ds->waiting);
    d->table_next = *row;
    *row = d;
    return d;
}

uint32_t
destinations_waiting(const struct destinations *ds)
{
    return ds->waiting;
}

struct slice
destination_name(struct slice address)
{
    size_t at = slice_rindex(address, '@');

    return at == address.len ? address : slice_sub(address, at + 1, address.len);
}

/* At the end of the line where its shares belong now; one that stays in its line keeps its place.
 */
static void
place(struct destinations *ds, struct destination *d)
{
    struct destination_line *line = d->lane.light_count > 0 ? &ds->light : &ds->usual;

    if (d->line == line)
        return;
    if (d->line != NULL)
        TAILQ_REMOVE(d->line, d, in_line);
    TAILQ_INSERT_TAIL(line, d, in_line);
    d->line = line;
}

void
destinations_line_up(struct destinations *ds, struct destination *d)
{
    place(ds, d);
}

static bool
has_room(const struct destination *d, uint32_t slots_in_all)
{
    uint32_t half = slots_in_all > 1 ? slots_in_all / 2 : 1;

    return d->in_flight < (uint32_t)d->window && d->in_flight < half && !destination_is_dead(d);
}

static struct destination *
next_in(struct destinations *ds, struct destination_line *line, uint32_t slots_in_all)
{
    struct destination *start = NULL, *d;

    while ((d = TAILQ_FIRST(line)) != NULL && d != start) {
        TAILQ_REMOVE(line, d, in_line);
        d->line = NULL;
        if (lane_first(&d->lane) == NULL) {
            d->idle_since_ms = clock_mono_ms();
            continue;
        }
        place(ds, d);
        if (d->line != line) /* its last light share is gone */
            continue;
        if (has_room(d, slots_in_all))
            return d;
        if (start == NULL)
            start = d;
    }
    return NULL;
}

struct destination *
destinations_next(struct destinations *ds, uint32_t slots_in_all)
{
    bool usual_first = ds->turns % USUAL_EVERY == USUAL_EVERY - 1;
    struct destination *d = next_in(ds, usual_first ? &ds->usual : &ds->light, slots_in_all);

    if (d == NULL)
        d = next_in(ds, usual_first ? &ds->light : &ds->usual, slots_in_all);
    ds->turns += d != NULL;
    return d;
}

bool
destination_is_dead(const struct destination *d)
{
    return d->dead_until_ms != 0 && clock_mono_ms() < d->dead_until_ms;
}

void
destination_describe_rest(const struct destination *d, struct strbuf *out)
{
    (void)strbuf_str(out, "destination is not tried for a while");
    if (d->reason != NULL && d->reason[0] != '\0')
        (void)strbuf_printf(out, ": %s", d->reason); /* too long: left out */
}

void
destination_succeeded(struct destinations *ds, struct destination *d)
{
    double max = (double)ds->settings->destination_concurrency;

    d->failures = 0;
    d->deaths = 0;
    d->dead_until_ms = 0;
    d->window += 1.0 / d->window;
    if (d->window > max)
        d->window = max;
}

bool
destination_failed(struct destinations *ds, struct destination *d, struct slice reason)
{
    int64_t wait = DEAD_FIRST_MS;

    d->window = d->window / 2 < 1 ? 1 : d->window / 2;
    free(d->reason);
    d->reason = xslicedup(slice_sub(reason, 0, QUEUE_TEXT_MAX));
    if (++d->failures < DEAD_AFTER && d->deaths == 0)
        return false;
    for (uint32_t i = 0; i < d->deaths && wait < ds->settings->retry_interval_ms; i++)
        wait *= 2;
    if (wait > ds->settings->retry_interval_ms)
        wait = ds->settings->retry_interval_ms;
    d->deaths++;
    d->dead_until_ms = clock_mono_ms() + wait;
    return true;
}

void
destinations_revive(struct destinations *ds, struct slice name)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        for (struct destination *d = ds->table[i]; d != NULL; d = d->table_next) {
            if (name.len > 0 && !slice_eq_nocase(d->name, name))
                continue;
            d->dead_until_ms = 0;
            d->failures = 0;
            d->deaths = 0;
        }
}

/* Nothing but what it remembers. */
static bool
is_idle(const struct destination *d)
{
    return d->line == NULL && d->in_flight == 0 && d->fetch_number == 0;
}

/* Deaths are remembered past the rest: the next failure then makes the next rest longer. */
static bool
is_forgotten(const struct destination *d, int64_t now_ms)
{
    int64_t since_ms = d->dead_until_ms > d->idle_since_ms ? d->dead_until_ms : d->idle_since_ms;

    return now_ms - since_ms >= (d->deaths > 0 ? DEAD_KEEP_MS : IDLE_KEEP_MS);
}

void
destinations_sweep(struct destinations *ds)
{
    int64_t now_ms = clock_mono_ms();
    uint32_t kept = 0;

    for (size_t i = 0; i < TABLE_SIZE; i++) {
        struct destination **at = &ds->table[i];

        while (*at != NULL) {
            struct destination *d = *at;

            if (is_idle(d) && (is_forgotten(d, now_ms) || kept >= IDLE_MAX)) {
                *at = d->table_next;
                destination_free(d);
                continue;
            }
            kept += is_idle(d);
            at = &d->table_next;
        }
    }
}
