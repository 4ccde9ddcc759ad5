/*
 * posthorn/cmd_connections.c - `connections` and `kick`: who is connected now, and that they go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/oper/sessions.h"
#include "posthorn/command.h"
#include "posthorn/oper_columns.h"
#include "posthorn/refresh.h"
#include "posthorn/remote.h"

static int
no_tables(struct cli *cli)
{
    return cli_fail(cli, "%s/stats: %s; has the mail server been started?", cli->inst.run,
                    strerror(errno));
}

struct remote_rows {
    struct table *table;
    const char *user; /* NULL: all */
};

static void
add_remote_row(void *arg, const struct object_field *fields, uint32_t count)
{
    const struct remote_rows *rows = arg;

    if (rows->user == NULL ||
        slice_eq_nocase(slice_of(rows->user), object_get(fields, count, "user")))
        table_add(rows->table, fields, count);
}

static int
add_remote(struct cli *cli, const struct sessions_wanted *wanted, struct table *table)
{
    const struct object_field within = {SLICE("within"), slice_of(wanted->service)};
    struct remote_rows rows = {table, wanted->user};

    return remote_each(cli, OPER_CONNECTION, &within, 1, add_remote_row, &rows);
}

/* How many were told. */
static int
end_remote(struct cli *cli, const struct sessions_wanted *wanted, unsigned *ended)
{
    const struct object_field fields[] = {{SLICE("sessions"), wanted->sessions},
                                          {SLICE("user"), slice_of(wanted->user)},
                                          {SLICE("client"), slice_of(wanted->client)}};
    const struct accountd_admin request = {.verb = SLICE("kick"),
                                           .kind = SLICE("connection"),
                                           .fields = fields,
                                           .field_count = ARRAY_LEN(fields)};
    struct object_field *answer = xcalloc(OBJECT_FIELDS_MAX, sizeof(*answer));
    struct accountd_admin_reply reply;
    int rc = remote_do(cli, &request, &reply), count;
    uint64_t number = 0;

    if (rc == CLI_OK && (count = object_next(&reply.data, answer)) > 0)
        (void)parse_u64(object_get(answer, (uint32_t)count, "sessions"), UINT32_MAX,
                        &number); /* else it says none */
    *ended = (unsigned)number;
    free(answer);
    return rc;
}

static int
show(struct cli *cli, void *arg)
{
    struct table *table = oper_table(OPER_CONNECTION);
    const struct sessions_wanted *wanted = arg;
    int rc;

    rc = cli->remote != NULL ? add_remote(cli, wanted, table)
         : sessions_each(&cli->inst, wanted, oper_add_row, table) < 0 ? no_tables(cli)
                                                                      : CLI_OK;
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

static int
run_connections(struct cli *cli, int argc, char **argv)
{
    struct sessions_wanted wanted = {0};
    struct refresh refresh = {0};
    const struct cli_option options[] = {{"--service", CLI_TEXT, &wanted.service},
                                         {"--user", CLI_TEXT, &wanted.user},
                                         REFRESH_OPTIONS(refresh)};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (!cli_needs_instance(cli))
        return CLI_FAILED;
    return refresh_run(cli, &refresh, show, &wanted);
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
    else if (cli->remote != NULL)
        rc = end_remote(cli, &wanted, &ended);
    else if (sessions_end(&cli->inst, &wanted, &ended) < 0)
        rc = no_tables(cli);
    if (rc == CLI_OK && ended == 0)
        rc = cli_fail(cli, "there is no such session");
    if (rc == CLI_OK)
        (void)printf("%u %s told to end\n", ended, ended == 1 ? "session was" : "sessions were");
    strbuf_free(&ids);
    return rc;
}

const struct command command_connections = {
    .name = "connections",
    .summary = "who is connected: sessions with their clients and users",
    .help = "With --watch the table comes again every 15 seconds (--every), until ^C.\n",
    .synopsis = "[--service LABEL] [--user USER] [--json] " REFRESH_SYNOPSIS,
    .run = run_connections,
    .remote = "*",
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
    .remote = "*",
};
