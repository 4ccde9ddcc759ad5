/*
 * posthorn/cmd_block.c - `block`: addresses and users that may not log in, users that may not send.
 *
 * accountd keeps them (accountd/blocks.c).
 */
#include "lib/base/mem.h"
#include "posthorn/oper_columns.h"

static int
block_list(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    struct table *table;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    table = oper_table(OPER_BLOCK);
    rc = accounts_list_named(accounts, "block", "", oper_add_row, table);
    accounts_close(&accounts);
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

/* One request for each of the names. */
static int
change(struct cli *cli, const char *verb, int argc, char **argv, const struct object_field *fields,
       uint32_t count)
{
    struct accounts *accounts = accounts_open(cli);
    int rc = accounts == NULL ? CLI_FAILED : CLI_OK;

    for (int i = 0; i < argc && accounts != NULL; i++) {
        const struct accountd_admin request = {.verb = slice_of(verb),
                                               .kind = SLICE("block"),
                                               .name = slice_of(argv[i]),
                                               .fields = fields,
                                               .field_count = count};
        struct accountd_admin_reply reply;

        if (accounts_do(accounts, &request, &reply) != CLI_OK)
            rc = CLI_FAILED;
    }
    accounts_close(&accounts);
    return rc;
}

static int
block_add(struct cli *cli, int argc, char **argv)
{
    const char *time = NULL, *reason = NULL;
    bool sending = false;
    const struct cli_option options[] = {{"--time", CLI_TEXT, &time},
                                         {"--reason", CLI_TEXT, &reason},
                                         {"--sending", CLI_FLAG, &sending}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    return change(
        cli, "add", argc, argv,
        (const struct object_field[]){{SLICE("time"), slice_of(time)},
                                      {SLICE("reason"), slice_of(reason)},
                                      {SLICE("scope"), sending ? SLICE("sending") : SLICE("all")}},
        3);
}

static int
block_lift(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    return change(cli, "lift", argc, argv, NULL, 0);
}

static const struct cli_verb verbs[] = {
    {"list", "[--json]", "those in force: who, why, since when, until when", block_list},
    {"add", "ADDRESS|USER... [--time TIME] [--reason TEXT] [--sending]", "blocks by hand",
     block_add},
    {"lift", "ADDRESS|USER...", "ends blocks, and what was counted for them", block_lift},
    {0},
};

const struct command command_block = {
    .name = "block",
    .summary = "addresses and users that may not log in, users that may not send",
    .help = "Too many wrong passwords block an address or a user by themselves: see guess.* in\n"
            "'config doc'. An IPv6 address stands for its network of 64 bits. --time: 12h, 7d; 0: "
            "for\n"
            "ever; without it guess.block_time. --sending leaves the user's logins alone. Clients "
            "that\n"
            "are never blocked: 'list add guess.white_list ENTRY...'. Changes are in force at "
            "once.\n",
    .verbs = verbs,
    .remote = "list add lift",
};
