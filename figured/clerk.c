/*
 * figured/clerk.c - the readings of the day.
 */
#include "figured/clerk.h"

#include <errno.h>
#include <string.h>

#include "figured/book.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

#define MINUTE_MS 60000

struct clerk {
    struct book *book;
    const struct places *places;
    struct loop_timer *timer;
    int stats_fd;
    bool is_failing, is_full; /* has been logged */
    _Atomic uint64_t *readings, *failures, *left_out;
};

static void
take_sample(void *arg, const struct stats_sample *sample)
{
    book_sample(arg, sample);
}

static void
tell(struct clerk *clerk, int rc)
{
    uint64_t left_out = book_left_out(clerk->book);

    stats_add(clerk->readings, 1);
    if (rc < 0) {
        stats_add(clerk->failures, 1);
        if (!clerk->is_failing)
            log_event(LOG_ERROR, "reading_failed", KV_ERRNO());
    }
    clerk->is_failing = rc < 0;
    atomic_store_explicit(clerk->left_out, left_out, memory_order_relaxed);
    if (left_out > 0 && !clerk->is_full)
        log_event(LOG_WARN, "no_room_for_counters", KV_U64("counters", left_out));
    clerk->is_full = left_out > 0;
}

static void
read_counters(struct clerk *clerk)
{
    int rc;

    places_look(clerk->places);
    book_begin(clerk->book, clock_real_ms());
    /* A block that cannot be read is being made; the next reading has it. */
    rc = stats_dir_each(clerk->stats_fd, NULL, take_sample, NULL, clerk->book);
    if (rc >= 0)
        rc = book_end(clerk->book);
    tell(clerk, rc);
}

/* By the wall clock each time: it may have been set. */
static void
wait_for_minute(struct clerk *clerk)
{
    loop_timer_set(clerk->timer, MINUTE_MS - clock_real_ms() % MINUTE_MS);
}

static void
minute_is_full(void *arg)
{
    struct clerk *clerk = arg;

    read_counters(clerk);
    wait_for_minute(clerk);
}

struct clerk *
clerk_new(struct daemon *d, const struct places *places, int figures_fd, int stats_fd)
{
    struct book *book = book_open(figures_fd, clock_real_ms());
    struct clerk *clerk;

    if (book == NULL)
        return NULL;
    clerk = xcalloc(1, sizeof(*clerk));
    *clerk = (struct clerk){.book = book,
                            .places = places,
                            .stats_fd = stats_fd,
                            .readings = stats_counter(d->stats, "readings"),
                            .failures = stats_counter(d->stats, "readings_failed"),
                            .left_out = stats_counter(d->stats, "counters_left_out")};
    clerk->timer = loop_timer_new(d->loop, minute_is_full, clerk);
    read_counters(clerk);
    wait_for_minute(clerk);
    return clerk;
}

void
clerk_close(struct clerk **clerkp)
{
    struct clerk *clerk = *clerkp;

    if (clerk == NULL)
        return;
    read_counters(clerk);
    loop_timer_free(&clerk->timer);
    book_close(&clerk->book);
    xfree(clerkp);
}
