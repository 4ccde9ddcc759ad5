/*
 * posthorn/cmd_connections.c - `connections` and `kick`: who is connected now, and that they go.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/oper/sessions.h"
#include "posthorn/command.h"
#include "posthorn/oper_columns.h"

static int
no_tables(struct cli *cli)
{
    return cli_fail(cli, "%s/stats: %s; has the mail server been started?", cli->inst.run,
                    strerror(errno));
}

static int
run_connections(struct cli *cli, int argc, char **argv)
{
    struct sessions_wanted wanted = {0};
    const struct cli_option options[] = {{"--service", CLI_TEXT, &wanted.service},
                                         {"--user", CLI_TEXT, &wanted.user}};
    struct table *table;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    table = oper_table(OPER_CONNECTION);
    if (sessions_each(&cli->inst, &wanted, oper_add_row, table) < 0) {
        table_free(&table);
        return no_tables(cli);
    }
    table_print(&table, cli->json);
    return CLI_OK;
}

static int
run_kick(struct cli *cli, int argc, char **argv)
{
    struct strbuf ids = strbuf_new(65536);
    struct sessions_wanted wanted = {0};
    const struct cli_option options[] = {{"--user", CLI_TEXT, &wanted.user},
                                         {"--client", CLI_TEXT, &wanted.client}};
    unsigned ended = 0;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    if ((argc > 0) + (wanted.user != NULL) + (wanted.client != NULL) != 1)
        return cli_usage(cli, "expected sessions ('posthorn connections' shows them), --user or "
                              "--client");
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    for (int i = 0; i < argc; i++)
        (void)strbuf_printf(&ids, "%s%s", i > 0 ? " " : "", argv[i]);
    wanted.sessions = strbuf_slice(&ids);
    if (ids.overflow)
        rc = cli_usage(cli, "too many sessions at once");
    else if (sessions_end(&cli->inst, &wanted, &ended) < 0)
        rc = no_tables(cli);
    else if (ended == 0)
        rc = cli_fail(cli, "there is no such session");
    if (rc == CLI_OK)
        (void)printf("%u %s told to end\n", ended, ended == 1 ? "session was" : "sessions were");
    strbuf_free(&ids);
    return rc;
}

const struct command command_connections = {
    .name = "connections",
    .summary = "who is connected: sessions with their clients and users",
    .synopsis = "[--service LABEL] [--user USER] [--json]",
    .run = run_connections,
};

const struct command command_kick = {
    .name = "kick",
    .summary = "ends sessions",
    .synopsis = "SESSION... | --user USER | --client ADDRESS",
    .help =
        "The session finishes what is under way and tells its client that the service ends.\n"
        "Whoever was sent away may come again at once: 'posthorn block' and 'posthorn user set\n"
        "ADDRESS status=suspended' keep somebody out.\n",
    .run = run_kick,
};
