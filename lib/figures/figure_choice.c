/*
 * lib/figures/figure_choice.c - which counter is meant, and which periods. No I/O.
 */
#include "lib/figures/figure_choice.h"

#define MINUTES_UP_TO_MS (3LL * 3600000)
#define HOURS_UP_TO_MS (4LL * 86400000)
#define HOUR_MS 3600000LL
#define DAY_MS 86400000LL

static bool
is_named(struct slice full, struct slice wanted)
{
    bool has_service = slice_index(wanted, '/') < wanted.len;
    struct slice counter = slice_sub(full, slice_index(full, '/') + 1, full.len);

    return slice_eq(has_service ? full : counter, wanted);
}

int
figure_choose(const struct figure_series *series, struct slice wanted, struct strbuf *names)
{
    int found = FIGURE_UNKNOWN, count = 0;

    for (int i = 0; i < FIGURE_SERIES_MAX; i++) {
        struct slice name = slice_of(figure_series_name(series, i));

        if (slice_index(name, '/') >= name.len || !is_named(name, wanted))
            continue;
        (void)strbuf_printf(names, " %.*s", (int)name.len, name.ptr); /* for people */
        found = i;
        count++;
    }
    return count > 1 ? FIGURE_AMBIGUOUS : found;
}

int
figure_step_choose(struct slice by, int64_t length_ms, enum figure_step *step)
{
    if (by.len == 0) {
        *step = length_ms <= MINUTES_UP_TO_MS ? FIGURE_MINUTE
                : length_ms <= HOURS_UP_TO_MS ? FIGURE_HOUR
                                              : FIGURE_DAY;
        return 0;
    }
    for (int i = 0; i < FIGURE_STEPS; i++) {
        if (slice_eq(by, slice_of(figure_step_name((enum figure_step)i)))) {
            *step = (enum figure_step)i;
            return 0;
        }
    }
    return -1;
}

int64_t
figure_usual_length_ms(struct slice by)
{
    if (slice_eq(by, SLICE("minute")))
        return HOUR_MS;
    return slice_eq(by, SLICE("day")) ? 30 * DAY_MS : DAY_MS;
}

int
figure_span_find(enum figure_step step, int64_t since_ms, int64_t until_ms,
                 struct figure_span *span)
{
    int64_t step_ms = figure_step_ms(step);

    if (since_ms < 0 || since_ms >= until_ms)
        return -1;
    *span = (struct figure_span){
        .step = step, .first = since_ms / step_ms, .last = (until_ms - 1) / step_ms};
    if (span->last - span->first >= figure_step_slots(step))
        span->first = span->last - figure_step_slots(step) + 1; /* older ones are not kept */
    return 0;
}
