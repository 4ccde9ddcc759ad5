/*
 * posthorn/store_recount.c - `store recount`: the totals that quotas go by.
 *
 * Opens no mailbox: accountd has local-deliver, which owns the store, do the work.
 */
#include <stdlib.h>

#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/store_commands.h"

static const struct column columns[] = {{"address", COLUMN_TEXT, false},
                                        {"used_bytes", COLUMN_NUMBER, false},
                                        {"used_messages", COLUMN_NUMBER, false}};

struct names {
    char **items;
    size_t count;
};

static void
add_name(void *arg, const struct object_field *fields, uint32_t count)
{
    struct names *names = arg;

    names->items = xreallocarray(names->items, names->count + 1, sizeof(*names->items));
    names->items[names->count++] = xslicedup(object_get(fields, count, "address"));
}

static int
recount_one(struct cli *cli, struct accounts *accounts, const char *name, struct table *table)
{
    const struct accountd_admin request = {
        .verb = SLICE("recount"), .kind = SLICE("user"), .name = slice_of(name)};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count, rc = accounts_do(accounts, &request, &reply);

    if (rc != CLI_OK)
        return rc;
    count = object_next(&reply.data, fields);
    if (count <= 0)
        return cli_fail(cli, "accountd's answer is damaged");
    table_add(table, fields, (uint32_t)count);
    return CLI_OK;
}

/* One that fails does not keep the others from being counted. */
static int
recount_each(struct cli *cli, struct accounts *accounts, char **names, size_t count)
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    int rc = CLI_OK;

    for (size_t i = 0; i < count; i++)
        if (recount_one(cli, accounts, names[i], table) != CLI_OK)
            rc = CLI_FAILED;
    table_print(&table, cli->json);
    return rc;
}

static int
recount_all(struct cli *cli, struct accounts *accounts)
{
    struct names names = {0};
    int rc = accounts_list(accounts, ACCOUNT_USER, NULL, add_name, &names);

    if (rc == CLI_OK)
        rc = recount_each(cli, accounts, names.items, names.count);
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
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
    rc = all ? recount_all(cli, accounts) : recount_each(cli, accounts, argv, (size_t)argc);
    accounts_close(&accounts);
    return rc;
}
