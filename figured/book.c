/*
 * figured/book.c - from readings to figures.
 *
 * Input: samples that any process of a service may have made up. A wrong value spoils the figures
 * of its own service; it costs at most FIGURE_SERIES_PER_SERVICE places.
 */
#include "figured/book.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figured/last.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/figures/figure_series.h"
#include "lib/figures/metric.h"

/* A block that is younger than this at the very first reading was made by the start that we are
 * part of: what it has counted has just happened. */
#define YOUNG_MS 120000
#define BORN_UNKNOWN 1 /* of a block made by a version that did not tell; 0 is for never seen */

struct book {
    struct figure_series *series;
    struct figure_ring *rings[FIGURE_STEPS];
    struct figure_slot slots[FIGURE_STEPS];  /* the periods that are being written */
    struct figure_slot before[FIGURE_STEPS]; /* the same without the reading that is being made */
    bool slot_begun;
    int last_fd;
    struct last last, next; /* the reading before, and the one that is being made */
    int64_t since_ms;       /* blocks that were born later have counted nothing before */
    uint64_t left_out;
};

/* ---- periods ---- */

static void
add_slot(const struct book *book, struct figure_slot *to, const struct figure_slot *from)
{
    for (int i = 0; i < FIGURE_SERIES_MAX; i++)
        to->values[i] = figure_series_is_level(book->series, i)
                            ? figure_max(to->values[i], from->values[i])
                            : figure_sum(to->values[i], from->values[i]);
    to->readings += from->readings;
}

/* An hour or a day from its minutes. */
static void
sum_minutes(const struct book *book, enum figure_step step, struct figure_slot *out)
{
    int64_t minutes = figure_step_ms(step) / figure_step_ms(FIGURE_MINUTE);
    struct figure_slot *minute = xmalloc(sizeof(*minute));

    for (int64_t i = out->period * minutes; i < (out->period + 1) * minutes; i++)
        if (figure_ring_read(book->rings[FIGURE_MINUTE], i, minute) == 0)
            add_slot(book, out, minute);
    free(minute);
}

/* What is known of the period so far: it was begun before figured was, or the clock was set back.
 * A slot may lack the last minute, and the minutes those that are older than their ring; neither
 * can have too much, so the higher number is the right one. */
static void
load_slot(const struct book *book, enum figure_step step, int64_t period, struct figure_slot *out)
{
    struct figure_slot *written = xmalloc(sizeof(*written));

    figure_slot_begin(out, period);
    if (step != FIGURE_MINUTE)
        sum_minutes(book, step, out);
    if (figure_ring_read(book->rings[step], period, written) == 0) {
        for (int i = 0; i < FIGURE_SERIES_MAX; i++)
            out->values[i] = figure_max(out->values[i], written->values[i]);
        if (out->readings < written->readings)
            out->readings = written->readings;
        out->sequence = written->sequence;
    }
    free(written);
}

static void
enter_minute(struct book *book, int64_t minute)
{
    for (int step = 0; step < FIGURE_STEPS; step++) {
        int64_t period = minute / (figure_step_ms(step) / figure_step_ms(FIGURE_MINUTE));

        if (!book->slot_begun || book->slots[step].period != period)
            load_slot(book, step, period, &book->slots[step]);
    }
    book->slot_begun = true;
}

/* ---- opening ---- */

/* Was the minute of that reading written after it? */
static bool
is_in_ring(const struct book *book, const struct last *last)
{
    struct figure_slot *slot = xmalloc(sizeof(*slot));
    bool is = figure_ring_read(book->rings[FIGURE_MINUTE], last->minute, slot) == 0 &&
              slot->sequence >= last->sequence;

    free(slot);
    return is;
}

/* The younger copy, if its minute was written; else the older one, whose growth is counted again.
 * Where the clock has run wild neither may be: then the younger one is as good as any. */
static void
find_last(struct book *book)
{
    struct last *copies = xcalloc(2, sizeof(*copies));
    int younger;

    for (int i = 0; i < 2; i++)
        if (last_read(book->last_fd, i, &copies[i]) < 0)
            copies[i].sequence = 0;
    younger = copies[1].sequence > copies[0].sequence;
    if (!is_in_ring(book, &copies[younger]) && is_in_ring(book, &copies[!younger]))
        younger = !younger;
    if (copies[younger].sequence > 0)
        book->last = copies[younger];
    free(copies);
}

/* A power cut may have torn the hour and the day before. On a full disk they stay as they are, for
 * the next start. */
static void
mend_before(const struct book *book, int64_t now_ms)
{
    struct figure_slot *slot = xmalloc(sizeof(*slot));

    for (int step = FIGURE_HOUR; step < FIGURE_STEPS; step++) {
        load_slot(book, step, now_ms / figure_step_ms(step) - 1, slot);
        if (slot->readings > 0)
            (void)figure_ring_write(book->rings[step], slot);
    }
    free(slot);
}

struct book *
book_open(int dirfd, int64_t now_ms)
{
    struct book *book = xcalloc(1, sizeof(*book));

    book->series = figure_series_open(dirfd, true);
    book->last_fd = last_open(dirfd);
    for (int step = 0; step < FIGURE_STEPS; step++)
        book->rings[step] = figure_ring_open(dirfd, step, true);
    if (book->series != NULL && book->last_fd >= 0 && book->rings[FIGURE_MINUTE] != NULL &&
        book->rings[FIGURE_HOUR] != NULL && book->rings[FIGURE_DAY] != NULL) {
        find_last(book);
        mend_before(book, now_ms);
        return book;
    }
    book_close(&book);
    return NULL;
}

void
book_close(struct book **bookp)
{
    struct book *book = *bookp;
    int saved = errno;

    if (book == NULL)
        return;
    figure_series_close(&book->series);
    for (int step = 0; step < FIGURE_STEPS; step++)
        figure_ring_close(&book->rings[step]);
    close_keep_errno(book->last_fd);
    xfree(bookp);
    errno = saved;
}

/* ---- a reading ---- */

void
book_begin(struct book *book, int64_t now_ms)
{
    int64_t middle_ms = now_ms - figure_step_ms(FIGURE_MINUTE) / 2;

    book->since_ms = book->last.sequence == 0 ? now_ms - YOUNG_MS : book->last.time_ms;
    book->next = book->last;
    book->next.sequence++;
    book->next.time_ms = now_ms;
    book->next.minute = middle_ms < 0 ? 0 : middle_ms / figure_step_ms(FIGURE_MINUTE);
    book->left_out = 0;
    enter_minute(book, book->next.minute);
    memcpy(book->before, book->slots, sizeof(book->before));
    for (int step = 0; step < FIGURE_STEPS; step++) {
        book->slots[step].readings++;
        book->slots[step].sequence = book->next.sequence;
    }
}

static int64_t
born_of(const struct stats_sample *sample)
{
    return sample->born_ms > 0 ? sample->born_ms : BORN_UNKNOWN;
}

/* Was another counter in this very block seen before? Then the block was there at the last reading,
 * and this counter was not: a later version has come. */
static bool
knows_block(const struct book *book, const struct stats_sample *sample)
{
    for (int i = 0; i < FIGURE_SERIES_MAX; i++)
        if (book->last.of[i].born_ms == born_of(sample) &&
            figure_series_is_of(book->series, i, sample->service))
            return true;
    return false;
}

static uint64_t
growth(const struct book *book, int place, const struct stats_sample *sample)
{
    uint64_t before = book->last.of[place].value;

    if (book->last.of[place].born_ms == 0) { /* never seen */
        bool is_new = sample->born_ms > book->since_ms || knows_block(book, sample);

        return is_new ? sample->value : 0;
    }
    if (book->last.of[place].born_ms != born_of(sample) || sample->value < before)
        return sample->value; /* it has begun anew */
    return sample->value - before;
}

void
book_sample(struct book *book, const struct stats_sample *sample)
{
    bool is_level = metric_is_level(sample->counter);
    int place = figure_series_add(book->series, sample->service, sample->counter, is_level,
                                  book->slots[FIGURE_DAY].period);
    uint64_t by;

    if (place < 0) {
        book->left_out++;
        return;
    }
    by = is_level ? sample->value : growth(book, place, sample);
    for (int step = 0; step < FIGURE_STEPS; step++) {
        uint64_t *value = &book->slots[step].values[place];

        *value = is_level ? figure_max(*value, by) : figure_sum(*value, by);
    }
    book->next.of[place].value = sample->value;
    book->next.of[place].born_ms = born_of(sample);
}

int
book_end(struct book *book)
{
    /* In this order: see find_last() and load_slot(). */
    if (figure_series_sync(book->series) < 0 || last_write(book->last_fd, &book->next) < 0) {
        /* The next reading finds all that this one has. */
        memcpy(book->slots, book->before, sizeof(book->slots));
        return -1;
    }
    book->last = book->next;
    for (int step = 0; step < FIGURE_STEPS; step++)
        if (figure_ring_write(book->rings[step], &book->slots[step]) < 0)
            return -1;
    return 0;
}

uint64_t
book_left_out(const struct book *book)
{
    return book->left_out;
}
