/*
 * posthorn/cmd_trace.c - `trace`: the stories of messages out of the log files, and beside each
 * decision the line of the configuration that stands behind it. Works whether the suite runs or
 * not.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/conf_cite.h"
#include "posthorn/command.h"
#include "posthorn/trace_find.h"

enum { STORIES_DEFAULT = 100, STORIES_LIMIT = 10000, JSON_MAX = 65536, LINE_NUMBER_MAX = 10000000 };

struct teller {
    const struct cli *cli;
    struct conf_citer *citer; /* NULL: the configuration cannot be read */
    struct strbuf text;
    bool any; /* something was printed */
};

/* The configuration behind a line of the log, or NULL. */
static const struct conf_cite *
cite(struct teller *t, struct slice line)
{
    uint64_t number = 0;

    if (t->citer == NULL)
        return NULL;
    (void)parse_u64(log_line_value(line, "line"), LINE_NUMBER_MAX, &number); /* or none */
    return conf_cite(t->citer, log_line_value(line, "setting"), (unsigned)number);
}

static void
print_json(struct teller *t, const struct log_entry *entry)
{
    const struct conf_cite *c = cite(t, slice_of(entry->line));

    strbuf_clear(&t->text);
    log_line_json(slice_of(entry->line), entry->service, &t->text);
    if (c != NULL) { /* one more member of the object */
        strbuf_truncate(&t->text, t->text.len - 1);
        (void)strbuf_str(&t->text, ", \"configuration\": ");
        conf_cite_json(c, &t->text);
        (void)strbuf_char(&t->text, '}');
    }
    (void)printf("%s  %s", t->any ? ",\n" : "", strbuf_cstr(&t->text));
}

static void
print_text(struct teller *t, const struct log_entry *entry)
{
    const struct conf_cite *c = cite(t, slice_of(entry->line));

    (void)puts(entry->line);
    if (c == NULL)
        return;
    strbuf_clear(&t->text);
    conf_cite_print(c, &t->text);
    (void)printf("    %s\n", strbuf_cstr(&t->text));
}

static void
tell(struct teller *t, const struct trace_result *found)
{
    if (t->cli->json)
        (void)puts("[");
    for (size_t i = 0; i < found->count; i++) {
        const struct log_entries *lines = &found->stories[i].lines;

        if (i > 0 && !t->cli->json)
            (void)puts("");
        for (size_t k = 0; k < lines->count; k++) {
            if (t->cli->json)
                print_json(t, &lines->items[k]);
            else
                print_text(t, &lines->items[k]);
            t->any = true;
        }
    }
    if (t->cli->json)
        (void)printf("%s]\n", t->any ? "\n" : "");
}

/* What is there to be said about a search that is not whole. */
static int
conclude(const struct cli *cli, const struct trace_result *found)
{
    if (found->left_out > 0)
        cli_warn(cli, "%zu older messages are left out: -n, or a shorter time", found->left_out);
    if (found->cut)
        cli_warn(cli, "more than %d lines: some are left out", TRACE_LINES_MAX);
    if (found->error != 0)
        return cli_fail(cli, "%s: %s", cli->inst.log, strerror(found->error));
    if (found->too_many)
        return cli_fail(cli, "more than %d messages may be meant: ask for a shorter time",
                        TRACE_STORIES_MAX);
    if (found->count == 0)
        return cli_fail(cli, "the logs that are kept tell of no such message");
    return CLI_OK;
}

static int
trace(const struct cli *cli, const struct trace_wanted *wanted, uint64_t limit)
{
    struct strbuf errors = strbuf_new(JSON_MAX);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    struct teller t = {.cli = cli, .text = strbuf_new(CONF_FILE_MAX)};
    struct trace_result found;
    int rc;

    if (conf == NULL)
        cli_warn(cli, "the configuration has errors and is not shown beside what it decided");
    else
        t.citer = conf_citer_new(conf, &cli->inst);
    trace_find(cli->inst.log, wanted, (size_t)limit, &found);
    tell(&t, &found);
    rc = conclude(cli, &found);
    trace_result_clear(&found);
    conf_citer_free(&t.citer);
    conf_free(&conf);
    strbuf_free(&t.text);
    strbuf_free(&errors);
    return rc;
}

struct words {
    const char *message_id, *from, *to, *host, *since, *until, *limit;
};

/* 0, or CLI_USAGE after the message. `times`: room for two. */
static int
take_words(const struct cli *cli, const struct words *w, struct trace_wanted *wanted,
           char times[2][32])
{
    int64_t now_ms = clock_real_ms();

    *wanted = (struct trace_wanted){.queue_id = wanted->queue_id,
                                    .message_id = slice_of(w->message_id),
                                    .from = slice_of(w->from),
                                    .to = slice_of(w->to),
                                    .host = slice_of(w->host)};
    if ((w->since != NULL && trace_time(slice_of(w->since), now_ms, times[0]) < 0) ||
        (w->until != NULL && trace_time(slice_of(w->until), now_ms, times[1]) < 0))
        return cli_usage(cli, "expected a time such as 2026-11-23, '2026-11-23 10:30' (UTC) or 2h");
    wanted->since = slice_of(w->since == NULL ? "" : times[0]);
    wanted->until = slice_of(w->until == NULL ? "" : times[1]);
    return 0;
}

static int
run_trace(struct cli *cli, int argc, char **argv)
{
    struct words w = {.limit = NULL};
    const struct cli_option options[] = {{"--message-id", CLI_TEXT, &w.message_id},
                                         {"--from", CLI_TEXT, &w.from},
                                         {"--to", CLI_TEXT, &w.to},
                                         {"--host", CLI_TEXT, &w.host},
                                         {"--since", CLI_TEXT, &w.since},
                                         {"--until", CLI_TEXT, &w.until},
                                         {"-n", CLI_TEXT, &w.limit}};
    struct trace_wanted wanted = {.since = SLICE("")};
    uint64_t limit = STORIES_DEFAULT;
    const char *expected;
    char times[2][32];

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    wanted.queue_id = slice_of(argc == 1 ? argv[0] : NULL);
    if (take_words(cli, &w, &wanted, times) != 0)
        return CLI_USAGE;
    if (w.limit != NULL && (parse_u64(slice_of(w.limit), STORIES_LIMIT, &limit) < 0 || limit == 0))
        return cli_usage(cli, "-n: expected a number of messages from 1 to %d", STORIES_LIMIT);
    expected = trace_wanted_check(&wanted);
    if (expected != NULL)
        return cli_usage(cli, "%s", expected);
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return trace(cli, &wanted, limit);
}

const struct command command_trace = {
    .name = "trace",
    .summary = "every log event of the messages that are looked for, in order",
    .synopsis = "[ID] [--message-id M] [--from A] [--to A] [--host H] [--since T] [--until T] "
                "[-n N] [--json]",
    .help =
        "ID is the queue id: in the 250 reply, in the Received field, in 'queue list'. A is an\n"
        "address, @DOMAIN, or '<>' for the null sender; H the name, address or network of the\n"
        "client or of the server that was sent to; T a time in UTC, '2026-11-23 10:30', or an\n"
        "age, 2h. A message is found when it meets all that is asked for; what was refused\n"
        "before there was a message is found by its session or client. All programs' logs are\n"
        "searched, those set aside included; of more than N messages (100) the newest are\n"
        "shown. Below a decision stands the line of the configuration that makes it, as it is\n"
        "now.",
    .run = run_trace,
};
