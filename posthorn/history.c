/*
 * posthorn/history.c - shows the figures that figured has kept.
 */
#include "posthorn/history.h"

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
#include "lib/oper/figures.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

enum { BAR_WIDTH = 50, TIME_LEN = 16 /* "2026-11-27T10:00" */, CHART_MAX = 8192 };

/* What is shown, from the files or from a server elsewhere. */
struct chart {
    char *name;
    bool is_level;
    enum figure_step step;
    int64_t first; /* period */
    uint64_t *values;
    size_t count;
};

static const struct column columns[] = {
    {"time", COLUMN_TEXT, false},
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

/* The place of the one that is meant, or -1 after the message. */
static int
find_counter(const struct cli *cli, const struct figure_series *series, const char *wanted)
{
    struct strbuf names = strbuf_new(FIGURE_NAMES_MAX);
    int place = figure_choose(series, slice_of(wanted), &names);

    if (place == FIGURE_AMBIGUOUS)
        (void)cli_fail(cli, "several services have '%s'; which one is it:%s", wanted,
                       strbuf_cstr(&names));
    else if (place < 0)
        (void)cli_fail(cli, "there are no figures of '%s'; 'posthorn stats' shows the counters",
                       wanted);
    strbuf_free(&names);
    return place < 0 ? -1 : place;
}

static int
find_span(const struct cli *cli, const struct history_wish *wish, struct figure_span *span)
{
    int64_t now_ms = clock_real_ms(), until_ms = now_ms, since_ms;
    enum figure_step step;

    if (wish->until != NULL && when_parse(wish->until, now_ms, &until_ms) < 0)
        return cli_usage(cli, "--until: expected a time such as 2026-11-27T10:00 (UTC), or 2h: two "
                              "hours ago");
    since_ms = until_ms - figure_usual_length_ms(slice_of(wish->by));
    if (wish->since != NULL && when_parse(wish->since, now_ms, &since_ms) < 0)
        return cli_usage(cli, "--since: expected a time such as 2026-11-27T10:00 (UTC), or 30d: "
                              "thirty days ago");
    if (figure_step_choose(slice_of(wish->by), until_ms - since_ms, &step) < 0)
        return cli_usage(cli, "--by is minute, hour or day");
    if (figure_span_find(step, since_ms, until_ms, span) < 0)
        return cli_usage(cli, "--since must be before --until");
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
show_json(const struct chart *chart)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct strbuf time = strbuf_new(64);

    for (size_t i = 0; i < chart->count; i++) {
        char number[24] = "";

        if (chart->values[i] != FIGURE_NONE)
            (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)chart->values[i]);
        period_time(chart->step, chart->first + (int64_t)i, &time);
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
show_bar(const struct chart *chart, size_t i, uint64_t highest, const char *time)
{
    static const char bar[] = "##################################################";
    int time_len = chart->step == FIGURE_DAY ? TIME_LEN - 6 : TIME_LEN;
    uint64_t value = chart->values[i];

    if (value == FIGURE_NONE)
        (void)printf("%.*s %12s\n", time_len, time, "-");
    else
        (void)printf("%.*s %12llu %.*s\n", time_len, time, (unsigned long long)value,
                     bar_length(value, highest), bar);
}

static void
show_chart(const struct chart *chart)
{
    uint64_t highest = FIGURE_NONE, sum = FIGURE_NONE;
    struct strbuf time = strbuf_new(64);

    for (size_t i = 0; i < chart->count; i++) {
        highest = figure_max(highest, chart->values[i]);
        sum = figure_sum(sum, chart->values[i]);
    }
    (void)printf("%s by %s (UTC)\n", chart->name,
                 figure_step_name(chart->step)); /* looked at at the end */
    for (size_t i = 0; i < chart->count; i++) {
        period_time(chart->step, chart->first + (int64_t)i, &time);
        show_bar(chart, i, highest, strbuf_cstr(&time));
    }
    strbuf_free(&time);
    if (highest == FIGURE_NONE)
        (void)printf("nothing is known of that time\n");
    else if (chart->is_level)
        (void)printf("highest %llu\n", (unsigned long long)highest);
    else
        (void)printf("sum %llu, highest %llu\n", (unsigned long long)sum,
                     (unsigned long long)highest);
}

static void
show(const struct cli *cli, const struct chart *chart)
{
    (cli->json ? show_json : show_chart)(chart);
}

static void
chart_free(struct chart *chart)
{
    free(chart->name);
    free(chart->values);
}

static void
read_chart(const struct figure_history *history, int place, const struct figure_span *span,
           struct chart *chart)
{
    const struct figure_series *series = figure_history_series(history);
    struct figure_slot *slot = xmalloc(sizeof(*slot));

    *chart = (struct chart){.name = xstrdup(figure_series_name(series, place)),
                            .is_level = figure_series_is_level(series, place),
                            .step = span->step,
                            .first = span->first,
                            .count = (size_t)(span->last - span->first + 1)};
    chart->values = xcalloc(chart->count, sizeof(*chart->values));
    for (size_t i = 0; i < chart->count; i++)
        chart->values[i] =
            figure_history_read(history, span->step, span->first + (int64_t)i, slot) < 0
                ? FIGURE_NONE
                : slot->values[place];
    free(slot);
}

/* ---- at a server elsewhere ---- */

/* -1: it is no time. */
static int64_t
period_of(struct slice time, enum figure_step step)
{
    char *text = xslicedup(slice_sub(time, 0, TIME_LEN)); /* no step is shorter than a minute */
    int64_t ms = -1;

    if (when_parse(text, 0, &ms) < 0)
        ms = -1;
    free(text);
    return ms < 0 ? -1 : ms / figure_step_ms(step);
}

/* The first row says where it begins. */
static void
take_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct chart *chart = arg;
    uint64_t value = FIGURE_NONE;

    if (chart->count == CHART_MAX)
        return;
    if (chart->count == 0) {
        chart->first = period_of(object_get(fields, count, "time"), chart->step);
        chart->name = xslicedup(object_get(fields, count, "counter"));
        chart->is_level = slice_eq(object_get(fields, count, "level"), SLICE("yes"));
    }
    (void)parse_u64(object_get(fields, count, "value"), INT64_MAX, &value); /* else it is none */
    chart->values[chart->count++] = value;
}

/* Which times were meant is for the clock there; the steps are chosen here, and told. */
static int
history_elsewhere(struct cli *cli, const struct history_wish *wish)
{
    struct object_field fields[] = {{SLICE("counter"), slice_of(wish->counter)},
                                    {SLICE("since"), slice_of(wish->since)},
                                    {SLICE("until"), slice_of(wish->until)},
                                    {SLICE("by"), SLICE("")}};
    struct chart chart = {.values = xcalloc(CHART_MAX, sizeof(*chart.values))};
    struct figure_span span = {FIGURE_HOUR, 0, 0};
    int rc = find_span(cli, wish, &span);

    if (rc == 0) {
        chart.step = span.step;
        fields[3].value = slice_of(figure_step_name(span.step));
        rc = remote_each(cli, OPER_FIGURE, fields, ARRAY_LEN(fields), take_row, &chart);
    }
    if (rc == 0 && (chart.count == 0 || chart.first < 0))
        rc = cli_fail(cli, "the server's answer is damaged");
    else if (rc == 0)
        show(cli, &chart);
    chart_free(&chart);
    return rc;
}

int
history_show(struct cli *cli, const struct history_wish *wish)
{
    struct figure_history *history;
    struct figure_span span = {FIGURE_HOUR, 0, 0};
    struct chart chart = {.name = NULL};
    int place;

    if (cli->remote != NULL)
        return history_elsewhere(cli, wish);
    if (find_span(cli, wish, &span) != 0)
        return CLI_USAGE;
    history = open_history(cli);
    if (history == NULL)
        return CLI_FAILED;
    place = find_counter(cli, figure_history_series(history), wish->counter);
    if (place >= 0) {
        read_chart(history, place, &span, &chart);
        show(cli, &chart);
    }
    chart_free(&chart);
    figure_history_close(&history);
    return place < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- a day ---- */

static int
day_elsewhere(struct cli *cli, const char *day)
{
    const struct object_field field = {SLICE("day"), slice_of(day)};
    struct table *table = oper_table(OPER_COUNTER);
    int rc = remote_each(cli, OPER_COUNTER, &field, 1, oper_add_row, table);

    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

static void
show_slot(const struct cli *cli, const struct figure_series *series, const struct figure_slot *slot)
{
    struct table *table = oper_table(OPER_COUNTER);

    figures_each(series, slot, oper_add_row, table);
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
    if (cli->remote != NULL)
        return day_elsewhere(cli, day);
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
