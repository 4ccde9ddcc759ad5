/*
 * posthorn/cmd_stats.c - `stats`: the counters that the services keep in shared memory, and what
 * they did over time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/figures/exposition.h"
#include "lib/sys/stats_dir.h"
#include "posthorn/cmd_stats_users.h"
#include "posthorn/command.h"
#include "posthorn/history.h"
#include "posthorn/oper_columns.h"
#include "posthorn/remote.h"

struct choice {
    const char *service; /* NULL: all */
    const char *day;
    struct history_wish history;
    bool prometheus;
};

struct printer {
    const struct cli *cli;
    struct table *table;
};

static void
add_counter(void *arg, const struct stats_sample *sample)
{
    const struct printer *p = arg;
    char number[24];

    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)sample->value);
    table_add(p->table,
              (const struct object_field[]){{SLICE("service"), slice_of(sample->service)},
                                            {SLICE("counter"), slice_of(sample->counter)},
                                            {SLICE("value"), slice_of(number)}},
              3);
}

static void
warn_unreadable(void *arg, const char *service, int error)
{
    const struct printer *p = arg;

    cli_warn(p->cli, "%s/stats/%s: %s", p->cli->inst.run, service, strerror(error));
}

static int
show_table(struct cli *cli, int fd, const char *only)
{
    struct printer p = {cli, oper_table(OPER_COUNTER)};
    int count = stats_dir_each(fd, only, add_counter, warn_unreadable, &p);

    if (count > 0 || (count == 0 && only == NULL))
        table_print(&p.table, cli->json);
    else
        table_free(&p.table);
    return count;
}

static int
show_exposition(struct cli *cli, int fd, const char *only)
{
    struct printer p = {.cli = cli};
    struct strbuf text = strbuf_new(EXPOSITION_MAX);
    int count = exposition_write(fd, only, clock_real_ms(), &text, warn_unreadable, &p);

    (void)fputs(strbuf_cstr(&text), stdout); /* looked at when the program ends */
    strbuf_free(&text);
    return count;
}

static int
show_counters(struct cli *cli, const struct choice *choice)
{
    int fd = stats_dir_open(cli->inst.run), count;

    if (fd < 0)
        return cli_fail(cli, "%s/stats: %s; has the mail server been started?", cli->inst.run,
                        strerror(errno));
    count = choice->prometheus ? show_exposition(cli, fd, choice->service)
                               : show_table(cli, fd, choice->service);
    close_keep_errno(fd);
    if (count < 0)
        return cli_fail(cli, "%s/stats: %s", cli->inst.run, strerror(errno));
    if (count == 0 && choice->service != NULL)
        return cli_fail(cli, "there is no service '%s'; 'posthorn stats' shows all",
                        choice->service);
    return CLI_OK;
}

static int
show_remote(struct cli *cli, const struct choice *choice)
{
    const struct object_field within = {SLICE("within"), slice_of(choice->service)};
    struct table *table = oper_table(OPER_COUNTER);
    int rc = remote_each(cli, OPER_COUNTER, &within, 1, oper_add_row, table);

    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

/* 0, or CLI_USAGE after the message. */
static int
check_choice(struct cli *cli, const struct choice *choice)
{
    const struct history_wish *h = &choice->history;
    bool has_history = h->counter != NULL;
    int ways = choice->prometheus + has_history + (choice->day != NULL);

    if (ways > 1)
        return cli_usage(cli, "expected one of --prometheus, --history and --day");
    if (choice->prometheus && cli->json)
        return cli_usage(cli, "expected either --json or --prometheus");
    if (choice->service != NULL && (has_history || choice->day != NULL))
        return cli_usage(cli, "--history and --day take no service; a counter is SERVICE/COUNTER");
    if (!has_history && (h->since != NULL || h->until != NULL || h->by != NULL))
        return cli_usage(cli, "--since, --until and --by go with --history");
    return 0;
}

static int
run_stats(struct cli *cli, int argc, char **argv)
{
    struct choice choice = {.service = NULL};
    const struct cli_option options[] = {{"--prometheus", CLI_FLAG, &choice.prometheus},
                                         {"--history", CLI_TEXT, &choice.history.counter},
                                         {"--since", CLI_TEXT, &choice.history.since},
                                         {"--until", CLI_TEXT, &choice.history.until},
                                         {"--by", CLI_TEXT, &choice.history.by},
                                         {"--day", CLI_TEXT, &choice.day}};

    if (argc > 0 && strcmp(argv[0], "users") == 0)
        return stats_users(cli, argc - 1, argv + 1);
    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    choice.service = argc == 1 ? argv[0] : NULL;
    if (check_choice(cli, &choice) != 0)
        return CLI_USAGE;
    if (cli->remote != NULL && choice.prometheus)
        return cli_usage(cli, "--prometheus works on the server itself, not with --server or "
                              "--profile");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    if (choice.history.counter != NULL)
        return history_show(cli, &choice.history);
    if (choice.day != NULL)
        return history_show_day(cli, choice.day);
    return cli->remote != NULL ? show_remote(cli, &choice) : show_counters(cli, &choice);
}

const struct command command_stats = {
    .name = "stats",
    .summary = "the services' counters since the start, and what they did over time, and users'",
    .synopsis = "[--json | --prometheus] [SERVICE] | --history COUNTER [--since TIME] "
                "[--until TIME] [--by minute|hour|day] [--json] | --day DAY [--json] "
                "| " STATS_USERS_SYNOPSIS,
    .help =
        "--prometheus prints the text format that Prometheus reads: let a timer write it where\n"
        "node_exporter's textfile collector looks, or have metricsd answer scrapes (metricsd(8)).\n"
        "--history draws what one counter did: by the minute for the last two days, by the hour\n"
        "for 40, by the day for a year. COUNTER is SERVICE/NAME as in the table, or NAME where\n"
        "one service alone has it; without a time it is the last day by the hour. Of a level\n"
        "(messages_active) each row is the highest reading, of a counter by how much it grew.\n"
        "--day shows all counters of one day. TIME is 2026-11-27, 2026-11-27T10:00 or 36h (so\n"
        "long ago), DAY is 2026-11-27, today or yesterday; all of it in UTC.\n"
        "users: messages and bytes that each user of a domain sent to and received from here and\n"
        "elsewhere, and SMTP logins, today or on a day, or in the week (Monday to Sunday) or\n"
        "month of a day, UTC. Days are kept for 62 days, months for 13.\n",
    .run = run_stats,
    .remote = "*",
};
