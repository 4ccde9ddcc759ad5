/*
 * posthorn/store_recount.c - `store recount`: the totals that quotas go by.
 *
 * Opens no mailbox: accountd has local-deliver, which owns the store, do the work.
 */
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/store_commands.h"
#include "posthorn/store_users.h"

static const struct column columns[] = {{"address", COLUMN_TEXT, false},
                                        {"used_bytes", COLUMN_NUMBER, false},
                                        {"used_messages", COLUMN_NUMBER, false}};

static int
recount_one(struct accounts *accounts, const char *name, struct table *table)
{
    const struct accountd_admin request = {
        .verb = SLICE("recount"), .kind = SLICE("user"), .name = slice_of(name)};
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint32_t count;
    int rc = accounts_object(accounts, &request, fields, &count);

    if (rc == CLI_OK)
        table_add(table, fields, count);
    return rc;
}

/* Names as their owners log in with, or all mailboxes. One that fails does not keep the others from
 * being counted. */
static int
recount(struct cli *cli, struct accounts *accounts, char **names, int count)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct store_users users = {0};
    int rc = CLI_OK;

    for (int i = 0; i < count; i++)
        if (recount_one(accounts, names[i], table) != CLI_OK)
            rc = CLI_FAILED;
    if (count == 0)
        rc = store_users_add(cli, accounts, NULL, &users);
    for (size_t i = 0; i < users.count; i++)
        if (users.list[i].kind == ACCOUNT_USER &&
            recount_one(accounts, users.list[i].address, table) != CLI_OK)
            rc = CLI_FAILED;
    store_users_free(&users);
    table_print(&table, cli->json);
    return rc;
}

int
store_cmd_recount(struct cli *cli, int argc, char **argv)
{
    bool all = false;
    const struct cli_option options[] = {{"--all", CLI_FLAG, &all}};
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    if (all == (argc > 0))
        return cli_usage(cli, "expected addresses, or --all alone");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = recount(cli, accounts, argv, argc);
    accounts_close(&accounts);
    return rc;
}
