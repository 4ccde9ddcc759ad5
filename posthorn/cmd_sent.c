/*
 * posthorn/cmd_sent.c - `sent USER`: what became of the mail that a user has sent.
 *
 * Reads the files that queue-manager keeps by days (queue-manager/sent.h); works whether the suite
 * runs or not.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "posthorn/command.h"
#include "posthorn/log_reader.h"
#include "posthorn/output.h"
#include "posthorn/trace_find.h"

enum { ROWS_MAX = 100000, KEY_MAX = 2048, VALUE_MAX = 8192, DAY_NAME = 10 };

static const struct column columns[] = {
    {"time", COLUMN_TEXT, false},   {"queue_id", COLUMN_TEXT, true}, {"to", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false}, {"dsn", COLUMN_TEXT, false},     {"reason", COLUMN_TEXT, false},
    {"remote", COLUMN_TEXT, true},
};

struct search {
    struct slice user, since;
    struct log_entries found; /* of each recipient of each message the line that counts, */
    struct map *last;         /* whose place, and one, is here by queue id and recipient */
    struct strbuf value;
    bool too_many;
};

/* Of times and names of days, whose beginning `with` is. */
static int
compare_start(struct slice text, struct slice with)
{
    int order = memcmp(text.ptr, with.ptr, with.len < text.len ? with.len : text.len);

    return order != 0 ? order : text.len < with.len ? -1 : 0;
}

static struct slice
value_of(struct search *s, struct slice line, const char *key)
{
    log_value_text(log_line_value(line, key), &s->value);
    return strbuf_slice(&s->value);
}

/* Of a group one member may have failed and the others follow: that it failed is the result. */
static bool
counts_more(struct slice before, struct slice now)
{
    return !slice_eq(log_line_value(before, "result"), SLICE("failed")) ||
           slice_eq(log_line_value(now, "result"), SLICE("failed"));
}

static void
take_line(void *arg, struct slice line)
{
    struct search *s = arg;
    struct strbuf key = strbuf_new(KEY_MAX);
    uintptr_t place;
    void **at;

    if (compare_start(line, s->since) < 0 || !slice_eq_nocase(value_of(s, line, "user"), s->user))
        return;
    (void)strbuf_append(&key, log_line_value(line, "queue_id"));
    (void)strbuf_char(&key, ' ');
    (void)strbuf_append(&key, log_line_value(line, "to"));
    at = key.overflow ? NULL : map_at(s->last, strbuf_slice(&key));
    strbuf_free(&key);
    s->too_many |= at == NULL;
    if (at == NULL)
        return;
    place = (uintptr_t)*at;
    if (place == 0) {
        log_entries_add(&s->found, line, "sent");
        *at = (void *)(uintptr_t)s->found.count; /* the place and one */
    } else if (counts_more(slice_of(s->found.items[place - 1].line), line)) {
        xfree(&s->found.items[place - 1].line);
        s->found.items[place - 1].line = xslicedup(line);
    }
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The files' names in the order of their days. The caller frees them and the list. NULL: errno. */
static char **
days_of(const char *path, struct slice since, size_t *count)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    char **names;

    if (dir == NULL)
        return NULL;
    names = xcalloc(1, sizeof(*names));
    *count = 0;
    while ((e = readdir(dir)) != NULL) {
        if (e->d_name[0] == '.' ||
            compare_start(slice_of(e->d_name), slice_sub(since, 0, DAY_NAME)) < 0)
            continue;
        names = xreallocarray(names, *count + 1, sizeof(*names));
        names[(*count)++] = xstrdup(e->d_name);
    }
    (void)closedir(dir);
    qsort(names, *count, sizeof(*names), compare_names);
    return names;
}

/* A lost file is that day's, not a failure of the others: one is removed each day. */
static int
read_days(const char *path, struct search *s)
{
    size_t count;
    char **names = days_of(path, s->since, &count);

    if (names == NULL)
        return errno == ENOENT ? 0 : -1;
    for (size_t i = 0; i < count; i++) {
        char *file = xasprintf("%s/%s", path, names[i]);

        (void)log_file_lines(file, take_line, s);
        free(file);
        free(names[i]);
    }
    free(names);
    return 0;
}

static void
add_row(struct table *table, struct slice line, struct strbuf values[])
{
    struct object_field fields[ARRAY_LEN(columns)] = {
        {slice_of(columns[0].name), slice_sub(line, 0, slice_index(line, ' '))}};

    for (size_t i = 1; i < ARRAY_LEN(columns); i++) {
        log_value_text(log_line_value(line, columns[i].name), &values[i]);
        fields[i] = (struct object_field){slice_of(columns[i].name), strbuf_slice(&values[i])};
    }
    table_add(table, fields, ARRAY_LEN(columns));
}

static void
print_found(const struct cli *cli, struct search *s)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct strbuf values[ARRAY_LEN(columns)];

    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        values[i] = strbuf_new(VALUE_MAX);
    log_entries_sort(&s->found);
    for (size_t i = 0; i < s->found.count; i++)
        add_row(table, slice_of(s->found.items[i].line), values);
    table_print(&table, cli->json);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        strbuf_free(&values[i]);
}

static int
show(const struct cli *cli, struct slice user, struct slice since)
{
    struct search s = {
        .user = user, .since = since, .last = map_new(ROWS_MAX), .value = strbuf_new(VALUE_MAX)};
    char *path = xasprintf("%s/sent", cli->inst.queue);
    int rc = CLI_OK;

    if (read_days(path, &s) < 0)
        rc = cli_fail(cli, "%s: %s", path, strerror(errno));
    else
        print_found(cli, &s);
    if (s.too_many)
        cli_warn(cli, "more than %d recipients: some are left out; --since a later time", ROWS_MAX);
    free(path);
    map_free(&s.last, NULL);
    log_entries_clear(&s.found);
    strbuf_free(&s.value);
    return rc;
}

static int
run_sent(struct cli *cli, int argc, char **argv)
{
    const char *since = NULL;
    const struct cli_option options[] = {{"--since", CLI_TEXT, &since}};
    struct strbuf user = strbuf_new(CANONICAL_ADDRESS_MAX);
    char from[32] = "";
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (since != NULL && trace_time(slice_of(since), clock_real_ms(), from) < 0)
        return cli_usage(cli, "expected a time such as 2026-11-23, '2026-11-23 10:30' (UTC) or 2h");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (canonical_address(slice_of(argv[0]), &user) < 0)
        rc = cli_usage(cli, "'%s' is no address", argv[0]);
    else
        rc = show(cli, strbuf_slice(&user), slice_of(from));
    strbuf_free(&user);
    return rc;
}

const struct command command_sent = {
    .name = "sent",
    .summary = "what became of the mail that a user has sent",
    .synopsis = "USER [--since T] [--json]",
    .help =
        "One line for each recipient of each message that the user has handed in with a login: "
        "the\n"
        "time of the last result and the result, delivered (to a mailbox, or to the next server),\n"
        "deferred (it is tried again) or failed, with the status code and the reason. Recipients\n"
        "are those that the message was sent to; a group has failed when one of its members has.\n"
        "T is a time in UTC, '2026-11-23 10:30', or an age, 2h. Results are kept for\n"
        "queue.sent_days.",
    .run = run_sent,
};
