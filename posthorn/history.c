/*
 * posthorn/history.c - shows the figures that figured has kept.
 */
#include "posthorn/history.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/figures/figure_history.h"
#include "posthorn/output.h"
#include "posthorn/when.h"

enum { BAR_WIDTH = 50, TIME_LEN = 16 /* "2026-11-27T10:00" */, NAMES_MAX = 16384 };
#define MINUTES_UP_TO_MS (3LL * 3600000)
#define HOURS_UP_TO_MS (4LL * 86400000)

struct span {
    enum figure_step step;
    int64_t first, last; /* periods */
};

static const struct column columns[] = {
    {"time", COLUMN_TEXT, false},
    {"value", COLUMN_NUMBER, false},
};
static const struct column day_columns[] = {
    {"service", COLUMN_TEXT, false},
    {"counter", COLUMN_TEXT, false},
    {"value", COLUMN_NUMBER, false},
};

static struct figure_history *
open_history(const struct cli *cli)
{
    struct figure_history *history = figure_history_open(cli->inst.db);

    if (history == NULL)
        (void)cli_fail(cli,
                       "%s/" FIGURES_DIR ": %s; figured keeps the figures: is its section "
                       "[figures] in services.conf, and has it been started?",
                       cli->inst.db, strerror(errno));
    return history;
}

/* ---- which counter ---- */

static bool
is_named(const char *full, const char *wanted)
{
    const char *counter = strchr(full, '/') + 1;

    return strcmp(strchr(wanted, '/') == NULL ? counter : full, wanted) == 0;
}

/* The place of the one that is meant, or -1 after the message. */
static int
find_counter(const struct cli *cli, const struct figure_series *series, const char *wanted)
{
    struct strbuf names = strbuf_new(NAMES_MAX);
    int found = -1, count = 0;

    for (int i = 0; i < FIGURE_SERIES_MAX; i++) {
        const char *name = figure_series_name(series, i);

        if (name == NULL || strchr(name, '/') == NULL || !is_named(name, wanted))
            continue;
        (void)strbuf_printf(&names, " %s", name);
        found = i;
        count++;
    }
    if (count == 0)
        (void)cli_fail(cli, "there are no figures of '%s'; 'posthorn stats' shows the counters",
                       wanted);
    else if (count > 1)
        (void)cli_fail(cli, "several services have '%s'; which one is it:%s", wanted,
                       strbuf_cstr(&names));
    strbuf_free(&names);
    return count == 1 ? found : -1;
}

/* ---- which time ---- */

static int
find_step(const struct cli *cli, const char *by, int64_t length_ms, enum figure_step *step)
{
    if (by == NULL) {
        *step = length_ms <= MINUTES_UP_TO_MS ? FIGURE_MINUTE
                : length_ms <= HOURS_UP_TO_MS ? FIGURE_HOUR
                                              : FIGURE_DAY;
        return 0;
    }
    for (int i = 0; i < FIGURE_STEPS; i++) {
        if (strcmp(by, figure_step_name((enum figure_step)i)) == 0) {
            *step = (enum figure_step)i;
            return 0;
        }
    }
    return cli_usage(cli, "--by is minute, hour or day");
}

/* How long a chart is where no time is given. */
static int64_t
usual_length_ms(const char *by)
{
    if (by != NULL && strcmp(by, "minute") == 0)
        return 3600000LL;
    return (by != NULL && strcmp(by, "day") == 0 ? 30 : 1) * 86400000LL;
}

static int
find_span(const struct cli *cli, const struct history_wish *wish, struct span *span)
{
    int64_t now_ms = clock_real_ms(), until_ms = now_ms, since_ms, step_ms;

    if (wish->until != NULL && when_parse(wish->until, now_ms, &until_ms) < 0)
        return cli_usage(cli, "--until: expected a time such as 2026-11-27T10:00 (UTC), or 2h: two "
                              "hours ago");
    since_ms = until_ms - usual_length_ms(wish->by);
    if (wish->since != NULL && when_parse(wish->since, now_ms, &since_ms) < 0)
        return cli_usage(cli, "--since: expected a time such as 2026-11-27T10:00 (UTC), or 30d: "
                              "thirty days ago");
    if (since_ms < 0 || since_ms >= until_ms)
        return cli_usage(cli, "--since must be before --until");
    if (find_step(cli, wish->by, until_ms - since_ms, &span->step) != 0)
        return CLI_USAGE;
    step_ms = figure_step_ms(span->step);
    span->last = (until_ms - 1) / step_ms;
    span->first = since_ms / step_ms;
    if (span->last - span->first >= figure_step_slots(span->step))
        span->first = span->last - figure_step_slots(span->step) + 1; /* older ones are not kept */
    return 0;
}

/* ---- showing ---- */

static void
period_time(enum figure_step step, int64_t period, struct strbuf *out)
{
    strbuf_clear(out);
    (void)clock_rfc3339(period * figure_step_ms(step), out);
}

static void
show_json(const uint64_t *values, const struct span *span)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct strbuf time = strbuf_new(64);

    for (int64_t i = span->first; i <= span->last; i++) {
        uint64_t value = values[i - span->first];
        char number[24] = "";

        if (value != FIGURE_NONE)
            (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
        period_time(span->step, i, &time);
        table_add(table,
                  (const struct object_field[]){{SLICE("time"), strbuf_slice(&time)},
                                                {SLICE("value"), slice_of(number)}},
                  2);
    }
    strbuf_free(&time);
    table_print(&table, true);
}

/* The longest bar is for the highest value. */
static int
bar_length(uint64_t value, uint64_t highest)
{
    int length = highest == 0 ? 0 : (int)((double)value / (double)highest * BAR_WIDTH);

    return length == 0 && value > 0 ? 1 : length;
}

static void
show_chart(const char *name, bool is_level, const uint64_t *values, const struct span *span)
{
    static const char bar[] = "##################################################";
    uint64_t highest = FIGURE_NONE, sum = FIGURE_NONE;
    struct strbuf time = strbuf_new(64);

    for (int64_t i = span->first; i <= span->last; i++) {
        highest = figure_max(highest, values[i - span->first]);
        sum = figure_sum(sum, values[i - span->first]);
    }
    (void)printf("%s by %s (UTC)\n", name, figure_step_name(span->step)); /* looked at at the end */
    for (int64_t i = span->first; i <= span->last; i++) {
        uint64_t value = values[i - span->first];
        int time_len = span->step == FIGURE_DAY ? TIME_LEN - 6 : TIME_LEN;

        period_time(span->step, i, &time);
        if (value == FIGURE_NONE)
            (void)printf("%.*s %12s\n", time_len, strbuf_cstr(&time), "-");
        else
            (void)printf("%.*s %12llu %.*s\n", time_len, strbuf_cstr(&time),
                         (unsigned long long)value, bar_length(value, highest), bar);
    }
    strbuf_free(&time);
    if (highest == FIGURE_NONE)
        (void)printf("nothing is known of that time\n");
    else if (is_level)
        (void)printf("highest %llu\n", (unsigned long long)highest);
    else
        (void)printf("sum %llu, highest %llu\n", (unsigned long long)sum,
                     (unsigned long long)highest);
}

static void
show(const struct cli *cli, const struct figure_history *history, int place,
     const struct span *span)
{
    const struct figure_series *series = figure_history_series(history);
    uint64_t *values = xcalloc((size_t)(span->last - span->first + 1), sizeof(*values));
    struct figure_slot *slot = xmalloc(sizeof(*slot));

    for (int64_t i = span->first; i <= span->last; i++)
        values[i - span->first] = figure_history_read(history, span->step, i, slot) < 0
                                      ? FIGURE_NONE
                                      : slot->values[place];
    if (cli->json)
        show_json(values, span);
    else
        show_chart(figure_series_name(series, place), figure_series_is_level(series, place), values,
                   span);
    free(slot);
    free(values);
}

int
history_show(struct cli *cli, const struct history_wish *wish)
{
    struct figure_history *history;
    struct span span = {FIGURE_HOUR, 0, 0};
    int place;

    if (find_span(cli, wish, &span) != 0)
        return CLI_USAGE;
    history = open_history(cli);
    if (history == NULL)
        return CLI_FAILED;
    place = find_counter(cli, figure_history_series(history), wish->counter);
    if (place >= 0)
        show(cli, history, place, &span);
    figure_history_close(&history);
    return place < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- a day ---- */

static void
add_figure(struct table *table, const char *name, uint64_t value)
{
    struct slice counter = slice_of(name), service = slice_split(&counter, '/');
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    table_add(table,
              (const struct object_field[]){{SLICE("service"), service},
                                            {SLICE("counter"), counter},
                                            {SLICE("value"), slice_of(number)}},
              3);
}

static int
by_name(const void *a, const void *b, void *arg)
{
    return strcmp(figure_series_name(arg, *(const int *)a),
                  figure_series_name(arg, *(const int *)b));
}

static void
show_slot(const struct cli *cli, const struct figure_series *series, const struct figure_slot *slot)
{
    struct table *table = table_new(day_columns, ARRAY_LEN(day_columns));
    int places[FIGURE_SERIES_MAX];
    size_t count = 0;

    for (int i = 0; i < FIGURE_SERIES_MAX; i++)
        if (figure_series_name(series, i) != NULL && slot->values[i] != FIGURE_NONE)
            places[count++] = i;
    qsort_r(places, count, sizeof(places[0]), by_name, (void *)(uintptr_t)series);
    for (size_t i = 0; i < count; i++)
        add_figure(table, figure_series_name(series, places[i]), slot->values[places[i]]);
    table_print(&table, cli->json);
}

int
history_show_day(struct cli *cli, const char *day)
{
    struct figure_history *history;
    struct figure_slot *slot;
    int64_t number;
    int rc = CLI_OK;

    if (when_parse_day(day, clock_real_ms(), &number) < 0)
        return cli_usage(cli, "--day: expected a day such as 2026-11-27, today or yesterday");
    history = open_history(cli);
    if (history == NULL)
        return CLI_FAILED;
    slot = xmalloc(sizeof(*slot));
    if (figure_history_read(history, FIGURE_DAY, number, slot) < 0)
        rc = cli_fail(cli, "there are no figures of that day");
    else
        show_slot(cli, figure_history_series(history), slot);
    free(slot);
    figure_history_close(&history);
    return rc;
}
