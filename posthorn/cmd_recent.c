/*
 * posthorn/cmd_recent.c - `user recent`: what a user sent, received, deleted and logged in to
 * lately. accountd's answers are decoded as if it were hostile.
 */
#include <stdio.h>

#include "lib/base/csv.h"
#include "posthorn/accounts.h"
#include "posthorn/new_file.h"
#include "posthorn/user_verbs.h"

enum { TEXT_MAX = 4 << 20 };

static const struct column today_columns[] = {
    {"sent_local_messages", COLUMN_NUMBER, false},
    {"sent_local_recipients", COLUMN_NUMBER, false},
    {"sent_local_bytes", COLUMN_NUMBER, false},
    {"sent_remote_messages", COLUMN_NUMBER, false},
    {"sent_remote_recipients", COLUMN_NUMBER, false},
    {"sent_remote_bytes", COLUMN_NUMBER, false},
    {"received_local_messages", COLUMN_NUMBER, false},
    {"received_local_bytes", COLUMN_NUMBER, false},
    {"received_remote_messages", COLUMN_NUMBER, false},
    {"received_remote_bytes", COLUMN_NUMBER, false},
    {"smtp_logins", COLUMN_NUMBER, false},
};
static const struct column sent_columns[] = {
    {"time", COLUMN_TEXT, false},       {"client", COLUMN_TEXT, false},
    {"recipients", COLUMN_TEXT, false}, {"local", COLUMN_NUMBER, false},
    {"remote", COLUMN_NUMBER, false},   {"bytes", COLUMN_NUMBER, false},
    {"result", COLUMN_TEXT, false},
};
static const struct column received_columns[] = {
    {"time", COLUMN_TEXT, false},    {"sender", COLUMN_TEXT, false},   {"from", COLUMN_TEXT, false},
    {"bytes", COLUMN_NUMBER, false}, {"queue_id", COLUMN_TEXT, false},
};
static const struct column deleted_columns[] = {
    {"time", COLUMN_TEXT, false},       {"service", COLUMN_TEXT, false},
    {"client", COLUMN_TEXT, false},     {"folder", COLUMN_TEXT, false},
    {"messages", COLUMN_NUMBER, false}, {"bytes", COLUMN_NUMBER, false},
};
static const struct column access_columns[] = {
    {"time", COLUMN_TEXT, false},   {"service", COLUMN_TEXT, false},
    {"client", COLUMN_TEXT, false}, {"location", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false},
};

static const struct list {
    const char *name;
    const struct column *columns;
    size_t count;
} lists[] = {
    {"sent", sent_columns, ARRAY_LEN(sent_columns)},
    {"received", received_columns, ARRAY_LEN(received_columns)},
    {"deleted", deleted_columns, ARRAY_LEN(deleted_columns)},
    {"access", access_columns, ARRAY_LEN(access_columns)},
};

struct recent {
    struct cli *cli;
    const struct list *list; /* NULL: the sums of today alone */
    const char *path;        /* of an export, or NULL */
    bool force;
};

static int
damaged(const struct cli *cli)
{
    return cli_fail(cli, "accountd's answer is damaged");
}

/* ---- as a table ---- */

static int
print_list(const struct recent *r, struct slice data)
{
    struct table *table = table_new(r->list->columns, r->list->count);
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    table_print(&table, r->cli->json);
    return count < 0 ? damaged(r->cli) : CLI_OK;
}

/* Below what was sent: how much of it today. */
static void
print_today(const struct object_field *fields, uint32_t count)
{
    static const char *const names[] = {"sent_local_recipients", "sent_local_bytes",
                                        "sent_remote_recipients", "sent_remote_bytes"};
    struct slice v[ARRAY_LEN(names)];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        v[i] = object_get(fields, count, names[i]);
    (void)printf("today (recipients/bytes): to local %.*s/%.*s, to remote %.*s/%.*s\n",
                 (int)v[0].len, v[0].ptr, (int)v[1].len, v[1].ptr, (int)v[2].len, v[2].ptr,
                 (int)v[3].len, v[3].ptr); /* main() tests stdout */
}

/* ---- as a file ---- */

static void
put_csv(const struct list *list, struct slice data, struct strbuf *out)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    for (size_t i = 0; i < list->count; i++)
        csv_put(out, ',', i == 0, slice_of(list->columns[i].name));
    (void)strbuf_char(out, '\n');
    while ((count = object_next(&data, fields)) > 0) {
        for (size_t i = 0; i < list->count; i++)
            csv_put(out, ',', i == 0, object_get(fields, (uint32_t)count, list->columns[i].name));
        (void)strbuf_char(out, '\n');
    }
}

static void
put_json(const struct list *list, struct slice data, struct strbuf *out)
{
    struct table *table = table_new(list->columns, list->count);
    struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&data, fields)) > 0)
        table_add(table, fields, (uint32_t)count);
    table_json(table, out);
    table_free(&table);
}

/* NAME.json is JSON, any other name a table with commas. */
static int
export_list(const struct recent *r, struct slice data)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    int rc;

    (slice_ends(slice_of(r->path), SLICE(".json")) ? put_json : put_csv)(r->list, data, &text);
    rc = text.overflow ? damaged(r->cli)
                       : new_file_write(r->cli, r->path, r->force, strbuf_slice(&text));
    strbuf_free(&text);
    return rc;
}

/* ---- the command ---- */

static int
show(const struct recent *r, struct accounts *accounts, const char *address)
{
    const struct object_field field = {SLICE("list"),
                                       slice_of(r->list == NULL ? "" : r->list->name)};
    const struct accountd_admin request = {.verb = SLICE("recent"),
                                           .kind = SLICE("user"),
                                           .name = slice_of(address),
                                           .fields = &field,
                                           .field_count = 1};
    struct object_field today[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    int count, rc = accounts_do(accounts, &request, &reply);

    if (rc != CLI_OK)
        return rc;
    count = object_next(&reply.data, today);
    if (count <= 0)
        return damaged(r->cli);
    if (r->list == NULL)
        output_show(today_columns, ARRAY_LEN(today_columns), today, (uint32_t)count, r->cli->json);
    else if (r->path != NULL)
        rc = export_list(r, reply.data);
    else
        rc = print_list(r, reply.data);
    if (rc == CLI_OK && r->list == &lists[0] && r->path == NULL && !r->cli->json)
        print_today(today, (uint32_t)count);
    return rc;
}

int
user_recent(struct cli *cli, int argc, char **argv)
{
    struct recent r = {.cli = cli};
    bool chosen[ARRAY_LEN(lists)] = {false};
    const struct cli_option options[] = {
        {"--sent", CLI_FLAG, &chosen[0]},    {"--received", CLI_FLAG, &chosen[1]},
        {"--deleted", CLI_FLAG, &chosen[2]}, {"--access", CLI_FLAG, &chosen[3]},
        {"--export", CLI_TEXT, &r.path},     {"--force", CLI_FLAG, &r.force}};
    struct accounts *accounts;
    unsigned count = 0;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (chosen[i]) {
            r.list = &lists[i];
            count++;
        }
    if (count > 1 || (count == 0 && r.path != NULL))
        return cli_usage(cli, "expected one of --sent, --received, --deleted and --access");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = show(&r, accounts, argv[0]);
    accounts_close(&accounts);
    return rc;
}
