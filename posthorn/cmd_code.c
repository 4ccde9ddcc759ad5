/*
 * posthorn/cmd_code.c - `user code create|list|revoke`: authorization codes of a mailbox.
 */
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/user_verbs.h"

/* The code is shown now and never again: nobody keeps it. */
static int
create(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {
        {"user", COLUMN_TEXT, false}, {"id", COLUMN_TEXT, false}, {"code", COLUMN_TEXT, false}};
    struct object_field fields[ACCOUNTS_FIELDS_MAX], made[OBJECT_FIELDS_MAX];
    struct accountd_admin request = {.verb = SLICE("add"), .kind = SLICE("auth-code")};
    struct accounts *accounts;
    uint32_t made_count;
    int rc;

    if (argc < 1)
        return cli_usage(cli, "expected the ADDRESS that the code is for");
    request.name = slice_of(argv[0]);
    request.fields = fields;
    if (accounts_fields(cli, ACCOUNT_AUTH_CODE, argv + 1, argc - 1, fields, &request.field_count) !=
        CLI_OK)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_object(accounts, &request, made, &made_count);
    if (rc == CLI_OK)
        output_show(columns, ARRAY_LEN(columns), made, made_count, cli->json);
    accounts_close(&accounts);
    return rc;
}

static void
add_to_table(void *arg, const struct object_field *fields, uint32_t count)
{
    table_add(arg, fields, count);
}

static int
list(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    struct columns columns;
    struct table *table;
    int rc;

    if (argc > 1)
        return cli_usage(cli, "expected one ADDRESS at most");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    accounts_columns(ACCOUNT_AUTH_CODE, &columns);
    table = table_new(columns.items, columns.count);
    rc =
        accounts_list(accounts, ACCOUNT_AUTH_CODE, argc == 1 ? argv[0] : NULL, add_to_table, table);
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    accounts_close(&accounts);
    return rc;
}

static int
revoke(struct cli *cli, int argc, char **argv)
{
    struct object_field id;
    struct accountd_admin request = {
        .verb = SLICE("del"), .kind = SLICE("auth-code"), .fields = &id, .field_count = 1};
    struct accounts *accounts;
    struct accountd_admin_reply reply;
    int rc;

    if (argc != 2)
        return cli_usage(cli, "expected an ADDRESS and the ID of one of its codes");
    request.name = slice_of(argv[0]);
    id = (struct object_field){SLICE("id"), slice_of(argv[1])};
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts, &request, &reply);
    accounts_close(&accounts);
    return rc;
}

int
user_code(struct cli *cli, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct cli *cli, int argc, char **argv);
    } verbs[] = {{"create", create}, {"list", list}, {"revoke", revoke}};

    if (cli_options(cli, &argc, argv, NULL, 0, 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (slice_eq(slice_of(argv[0]), slice_of(verbs[i].name)))
            return verbs[i].run(cli, argc - 1, argv + 1);
    return cli_usage(cli, "'%s': expected create, list or revoke", argv[0]);
}
