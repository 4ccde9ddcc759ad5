/*
 * lib/oper/figures.c - what counters did over time, as figured has kept it (db/figures). Names were
 * written by processes that talk to the network: they are shown, and believed in nothing.
 */
#include "lib/oper/figures.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/when.h"
#include "lib/figures/figure_choice.h"
#include "lib/figures/figure_history.h"
#include "lib/oper/oper.h"

enum { TIME_MAX = 40, ROW_FIELDS = 4 };

/* ---- all of one period ---- */

static int
by_name(const void *a, const void *b, void *arg)
{
    return strcmp(figure_series_name(arg, *(const int *)a),
                  figure_series_name(arg, *(const int *)b));
}

static void
use_figure(const char *name, uint64_t value,
           void (*use)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    struct slice counter = slice_of(name), service = slice_split(&counter, '/');
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    use(arg,
        (const struct object_field[]){{SLICE("service"), service},
                                      {SLICE("counter"), counter},
                                      {SLICE("value"), slice_of(number)}},
        3);
}

void
figures_each(const struct figure_series *series, const struct figure_slot *slot,
             void (*use)(void *arg, const struct object_field *fields, uint32_t count), void *arg)
{
    int places[FIGURE_SERIES_MAX];
    size_t count = 0;

    for (int i = 0; i < FIGURE_SERIES_MAX; i++)
        if (figure_series_name(series, i) != NULL && slot->values[i] != FIGURE_NONE)
            places[count++] = i;
    qsort_r(places, count, sizeof(places[0]), by_name, (void *)(uintptr_t)series);
    for (size_t i = 0; i < count; i++)
        use_figure(figure_series_name(series, places[i]), slot->values[places[i]], use, arg);
}

/* NULL, and the answer says why. */
static struct figure_history *
open_history(struct oper *op)
{
    struct figure_history *history = figure_history_open(op->inst->db);

    if (history == NULL)
        oper_fail(op, OPER_REFUSED, "there are no figures (%s): does the service 'figures' run?",
                  strerror(errno));
    return history;
}

/* One that when_parse() or a name may take; "" if it is too long for any. */
static const char *
text_of(const struct oper *op, const char *field, char room[TIME_MAX])
{
    struct slice text = oper_field(op, field);

    (void)snprintf(room, TIME_MAX, "%.*s", text.len < TIME_MAX ? (int)text.len : 0, text.ptr);
    return room;
}

void
oper_figures_day(struct oper *op)
{
    struct figure_history *history;
    struct figure_slot *slot;
    char room[TIME_MAX];
    int64_t day;

    if (when_parse_day(text_of(op, "day", room), clock_real_ms(), &day) < 0) {
        oper_fail(op, OPER_BAD, "day: expected one such as 2026-11-27, today or yesterday");
        return;
    }
    history = open_history(op);
    if (history == NULL)
        return;
    slot = xmalloc(sizeof(*slot));
    if (figure_history_read(history, FIGURE_DAY, day, slot) < 0)
        oper_fail(op, OPER_UNKNOWN, "there are no figures of that day");
    else
        figures_each(figure_history_series(history), slot, oper_list_row, op);
    free(slot);
    figure_history_close(&history);
}

/* ---- one over a time ---- */

/* 0, or -1 and the answer says why. */
static int
find_span(struct oper *op, struct figure_span *span)
{
    struct slice since = oper_field(op, "since"), until = oper_field(op, "until"),
                 by = oper_field(op, "by");
    int64_t now_ms = clock_real_ms(), until_ms = now_ms, since_ms;
    enum figure_step step;
    char room[TIME_MAX];

    *span = (struct figure_span){FIGURE_HOUR, 0, 0};
    if (until.len > 0 && when_parse(text_of(op, "until", room), now_ms, &until_ms) < 0)
        oper_fail(op, OPER_BAD, "until: expected a time such as 2026-11-27T10:00 (UTC), or 2h");
    since_ms = until_ms - figure_usual_length_ms(by);
    if (since.len > 0 && when_parse(text_of(op, "since", room), now_ms, &since_ms) < 0)
        oper_fail(op, OPER_BAD, "since: expected a time such as 2026-11-27T10:00 (UTC), or 30d");
    else if (figure_step_choose(by, until_ms - since_ms, &step) < 0)
        oper_fail(op, OPER_BAD, "by: expected minute, hour or day");
    else if (figure_span_find(step, since_ms, until_ms, span) < 0)
        oper_fail(op, OPER_BAD, "since must be before until");
    return op->result == 0 ? 0 : -1;
}

static int
find_counter(struct oper *op, const struct figure_history *history)
{
    struct strbuf names = strbuf_new(FIGURE_NAMES_MAX);
    int place = figure_choose(figure_history_series(history), oper_field(op, "counter"), &names);

    if (place == FIGURE_AMBIGUOUS)
        oper_fail(op, OPER_REFUSED, "several services have it; which one is it:%.*s",
                  (int)slice_sub(strbuf_slice(&names), 0, OPER_TEXT_MAX / 2).len, names.ptr);
    else if (place < 0)
        oper_fail(op, OPER_UNKNOWN, "there are no figures of that counter");
    strbuf_free(&names);
    return place;
}

static void
add_row(struct oper *op, const struct figure_history *history, int place, int64_t period,
        enum figure_step step, struct figure_slot *slot)
{
    const struct figure_series *series = figure_history_series(history);
    struct strbuf time = strbuf_new(TIME_MAX), value = strbuf_new(TIME_MAX);

    (void)clock_rfc3339(period * figure_step_ms(step), &time); /* both fit */
    if (figure_history_read(history, step, period, slot) == 0 && slot->values[place] != FIGURE_NONE)
        (void)strbuf_u64(&value, slot->values[place]);
    object_add(
        &op->data,
        (const struct object_field[]){
            {SLICE("time"), strbuf_slice(&time)},
            {SLICE("value"), strbuf_slice(&value)},
            {SLICE("counter"), slice_of(figure_series_name(series, place))},
            {SLICE("level"), figure_series_is_level(series, place) ? SLICE("yes") : SLICE("no")}},
        ROW_FIELDS);
    strbuf_free(&time);
    strbuf_free(&value);
}

/* The cursor is the next period: only what a page has is read. */
static void
add_page(struct oper *op, const struct figure_history *history, int place,
         const struct figure_span *span)
{
    struct figure_slot *slot = xmalloc(sizeof(*slot));
    int64_t first = span->first;
    uint64_t next = 0, rows = 0;

    if (parse_u64(op->request->cursor, (uint64_t)span->last, &next) == 0 && (int64_t)next > first)
        first = (int64_t)next;
    for (int64_t i = first; i <= span->last && op->cursor.len == 0; i++) {
        if (oper_page_full(op, rows))
            (void)strbuf_u64(&op->cursor, (uint64_t)i); /* fits */
        else
            add_row(op, history, place, i, span->step, slot);
        rows++;
    }
    free(slot);
}

void
oper_figures_list(struct oper *op)
{
    struct figure_history *history;
    struct figure_span span;
    int place;

    if (find_span(op, &span) < 0)
        return;
    history = open_history(op);
    if (history == NULL)
        return;
    place = find_counter(op, history);
    if (place >= 0)
        add_page(op, history, place, &span);
    figure_history_close(&history);
}
