/*
 * posthorn/cmd_stats_users.c - `stats users`: how much the users of a domain sent and received.
 */
#include "posthorn/cmd_stats_users.h"

#include "posthorn/accounts.h"

enum { CURSOR_MAX = 4096 };

static const struct column columns[] = {
    {"address", COLUMN_TEXT, false},
    {"sent_local_messages", COLUMN_NUMBER, false},
    {"sent_local_bytes", COLUMN_NUMBER, false},
    {"sent_remote_messages", COLUMN_NUMBER, false},
    {"sent_remote_bytes", COLUMN_NUMBER, false},
    {"received_local_messages", COLUMN_NUMBER, false},
    {"received_local_bytes", COLUMN_NUMBER, false},
    {"received_remote_messages", COLUMN_NUMBER, false},
    {"received_remote_bytes", COLUMN_NUMBER, false},
    {"smtp_logins", COLUMN_NUMBER, false},
    {"sent_local_recipients", COLUMN_NUMBER, true},
    {"sent_remote_recipients", COLUMN_NUMBER, true},
};

static int
add_page(struct accounts *accounts, const struct accountd_admin *request, struct table *table,
         struct strbuf *cursor)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count, rc = accounts_do(accounts, request, &reply);

    if (rc != CLI_OK)
        return rc;
    while ((count = object_next(&reply.data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    strbuf_clear(cursor);
    (void)strbuf_append(cursor, reply.cursor); /* the decoder's limit is lower */
    return CLI_OK;
}

static int
print_users(struct cli *cli, struct accounts *accounts, const struct object_field fields[3])
{
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct strbuf cursor = strbuf_new(CURSOR_MAX);
    int rc;

    do {
        const struct accountd_admin request = {.verb = SLICE("sums"),
                                               .kind = SLICE("user"),
                                               .cursor = strbuf_slice(&cursor),
                                               .fields = fields,
                                               .field_count = 3};

        rc = add_page(accounts, &request, table, &cursor);
    } while (rc == CLI_OK && cursor.len > 0);
    if (rc == CLI_OK) {
        (void)table_sort(table, "address", false); /* it is there */
        table_print(&table, cli->json);
    } else {
        table_free(&table);
    }
    strbuf_free(&cursor);
    return rc;
}

int
stats_users(struct cli *cli, int argc, char **argv)
{
    const char *day = NULL, *week = NULL, *month = NULL;
    const struct cli_option options[] = {
        {"--day", CLI_TEXT, &day}, {"--week", CLI_TEXT, &week}, {"--month", CLI_TEXT, &month}};
    struct object_field fields[3];
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if ((day != NULL) + (week != NULL) + (month != NULL) > 1)
        return cli_usage(cli, "expected one of --day, --week and --month");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    fields[0] = (struct object_field){SLICE("within"), slice_of(argv[0])};
    fields[1] = (struct object_field){
        SLICE("period"), slice_of(week != NULL ? "week" : (month != NULL ? "month" : "day"))};
    fields[2] = (struct object_field){
        SLICE("date"), slice_of(week != NULL ? week : (month != NULL ? month : day))};
    rc = print_users(cli, accounts, fields);
    accounts_close(&accounts);
    return rc;
}
