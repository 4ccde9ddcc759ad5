/*
 * posthorn/account_commands.c - list, show, set, add, del and rename, the same for every kind of
 * account (declared in posthorn/accounts.h). Columns and types come from lib/account/schema.
 */
#include <stdio.h>
#include <string.h>

#include "lib/account/listing.h"
#include "lib/base/parse.h"
#include "posthorn/accounts.h"
#include "posthorn/mailbox_path.h"

static enum column_type
column_type(enum property_type type)
{
    switch (type) {
    case PROPERTY_BOOL:
        return COLUMN_BOOL;
    case PROPERTY_INT:
    case PROPERTY_SIZE:
        return COLUMN_NUMBER;
    case PROPERTY_ADDRESSES:
    case PROPERTY_WORDS:
        return COLUMN_LIST;
    case PROPERTY_TEXT:
    case PROPERTY_DATE:
    case PROPERTY_TIME:
    case PROPERTY_ENUM:
    case PROPERTY_ADDRESS:
    case PROPERTY_DIRECTORY:
    case PROPERTY_ACCESS:
    case PROPERTY_METHOD:
    case PROPERTY_PLACE:
    case PROPERTY_SYNC:
    case PROPERTY_RECORD:
        break;
    }
    return COLUMN_TEXT;
}

void
accounts_columns(enum account_kind kind, struct columns *out)
{
    size_t first, total = account_properties_of(kind, &first);

    out->count = 0;
    for (size_t id = first; id < first + total; id++) {
        const struct property *p = &account_properties[id];

        if ((p->flags & PROPERTY_SECRET) == 0)
            out->items[out->count++] =
                (struct column){p->name, column_type(p->type), (p->flags & PROPERTY_WIDE) != 0};
    }
    if (kind == ACCOUNT_USER) { /* what accountd knows besides the record */
        out->items[out->count++] = (struct column){"used_bytes", COLUMN_NUMBER, false};
        out->items[out->count++] = (struct column){"used_messages", COLUMN_NUMBER, false};
    }
}

int
accounts_fields(struct cli *cli, enum account_kind kind, char **words, int word_count,
                struct object_field fields[ACCOUNTS_FIELDS_MAX], uint32_t *count)
{
    for (int i = 0; i < word_count; i++) {
        struct slice value = slice_of(words[i]), name = slice_split(&value, '=');
        const char *near = NULL;
        int id = account_property_find(kind, name, &near);

        if (name.len == strlen(words[i]))
            return cli_usage(cli, "'%s': expected PROPERTY=VALUE", words[i]);
        if (id < 0 && near != NULL)
            return cli_usage(cli, "there is no property '%.*s': did you mean '%s'?", (int)name.len,
                             name.ptr, near);
        if (id < 0)
            return cli_usage(cli, "there is no property '%.*s'", (int)name.len, name.ptr);
        if ((account_properties[id].flags & PROPERTY_SECRET) != 0)
            return cli_usage(cli, "'%s' is a secret: it is taken from standard input or a file",
                             account_properties[id].name);
        if (*count == ACCOUNTS_FIELDS_MAX)
            return cli_usage(cli, "too many properties");
        fields[(*count)++] = (struct object_field){name, value};
    }
    return CLI_OK;
}

/* One request of its own connection whose answer has no content. */
static int
run_one(struct cli *cli, const struct accountd_admin *request)
{
    struct accounts *accounts = accounts_open(cli);
    struct accountd_admin_reply reply;
    int rc;

    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts, request, &reply);
    accounts_close(&accounts);
    return rc;
}

/* What of a listing is to be shown, and in which order. */
struct choice {
    const char *within, *search, *sort, *offset, *limit;
    bool descending;
    uint64_t from, count;
    struct table *table;
};

static void
add_to_table(void *arg, const struct object_field *fields, uint32_t count)
{
    struct choice *choice = arg;

    if (listing_has(fields, count, slice_of(choice->search)))
        table_add(choice->table, fields, count);
}

static int
parse_choice(struct cli *cli, struct choice *choice)
{
    choice->count = UINT64_MAX;
    if ((choice->offset != NULL &&
         parse_u64(slice_of(choice->offset), UINT32_MAX, &choice->from) < 0) ||
        (choice->limit != NULL &&
         parse_u64(slice_of(choice->limit), UINT32_MAX, &choice->count) < 0))
        return cli_usage(cli, "--offset and --limit: expected a number");
    return CLI_OK;
}

/* In the order of names, as they come, those behind the last one that is shown are not asked for.
 */
static int
list_what_counts(struct accounts *accounts, enum account_kind kind, struct choice *choice)
{
    bool as_they_come = choice->sort == NULL && choice->search == NULL && choice->limit != NULL;
    const struct accounts_selection selection = {account_kind_name(kind), choice->within,
                                                 as_they_come ? choice->from + choice->count
                                                              : UINT64_MAX};

    return accounts_list_selected(accounts, &selection, add_to_table, choice);
}

static int
list_chosen(struct cli *cli, struct choice *choice, struct accounts *accounts,
            enum account_kind kind)
{
    struct columns columns;
    int rc;

    accounts_columns(kind, &columns);
    choice->table = table_new(columns.items, columns.count);
    if (choice->sort != NULL && table_sort(choice->table, choice->sort, false) < 0)
        rc = cli_usage(cli, "--sort: there is no property '%s'", choice->sort);
    else
        rc = list_what_counts(accounts, kind, choice);
    if (rc == CLI_OK) {
        if (choice->sort != NULL)
            (void)table_sort(choice->table, choice->sort, choice->descending); /* it is there */
        table_cut(choice->table, choice->from, choice->count);
        table_print(&choice->table, cli->json);
    } else {
        table_free(&choice->table);
    }
    return rc;
}

int
accounts_cmd_list(struct cli *cli, int argc, char **argv, enum account_kind kind,
                  const char *within_option)
{
    struct choice choice = {0};
    const struct cli_option options[] = {
        {"--search", CLI_TEXT, &choice.search},         {"--sort", CLI_TEXT, &choice.sort},
        {"--descending", CLI_FLAG, &choice.descending}, {"--offset", CLI_TEXT, &choice.offset},
        {"--limit", CLI_TEXT, &choice.limit},           {within_option, CLI_TEXT, &choice.within}};
    size_t count = ARRAY_LEN(options) - (within_option == NULL ? 1 : 0);
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, count, 0, 0) != 0 ||
        parse_choice(cli, &choice) != CLI_OK)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = list_chosen(cli, &choice, accounts, kind);
    accounts_close(&accounts);
    return rc;
}

int
accounts_cmd_show(struct cli *cli, int argc, char **argv, enum account_kind kind)
{
    struct accountd_admin request = {.verb = SLICE("show"),
                                     .kind = slice_of(account_kind_name(kind))};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accounts *accounts;
    struct columns columns;
    uint32_t count;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    request.name = slice_of(argv[0]);
    rc = accounts_object(accounts, &request, fields, &count);
    if (rc == CLI_OK) {
        accounts_columns(kind, &columns);
        output_show(columns.items, columns.count, fields, count, cli->json);
    }
    accounts_close(&accounts);
    return rc;
}

int
accounts_cmd_set(struct cli *cli, int argc, char **argv, enum account_kind kind)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 2, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    return accounts_change(cli, "set", kind, argv[0], NULL, 0, argv + 1, argc - 1);
}

int
accounts_add(struct cli *cli, enum account_kind kind, const char *name,
             const struct object_field *extra, uint32_t extra_count, char **assignments,
             int assignment_count)
{
    return accounts_change(cli, "add", kind, name, extra, extra_count, assignments,
                           assignment_count);
}

int
accounts_change(struct cli *cli, const char *verb, enum account_kind kind, const char *name,
                const struct object_field *extra, uint32_t extra_count, char **assignments,
                int assignment_count)
{
    struct object_field fields[ACCOUNTS_FIELDS_MAX];
    struct accountd_admin request = {.verb = slice_of(verb),
                                     .kind = slice_of(account_kind_name(kind)),
                                     .name = slice_of(name),
                                     .fields = fields};

    for (; request.field_count < extra_count; request.field_count++)
        fields[request.field_count] = extra[request.field_count];
    if (accounts_fields(cli, kind, assignments, assignment_count, fields, &request.field_count) !=
        CLI_OK)
        return CLI_USAGE;
    if (mailbox_path_check(cli, kind, name, fields, request.field_count) != CLI_OK)
        return CLI_FAILED;
    return run_one(cli, &request);
}

int
accounts_cmd_del(struct cli *cli, int argc, char **argv, enum account_kind kind)
{
    struct accountd_admin request = {.verb = SLICE("del"),
                                     .kind = slice_of(account_kind_name(kind))};

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    request.name = slice_of(argv[0]);
    return run_one(cli, &request);
}

int
accounts_cmd_rename(struct cli *cli, int argc, char **argv, enum account_kind kind)
{
    struct object_field field = {SLICE("new_name"), {NULL, 0}};
    struct accountd_admin request = {.verb = SLICE("rename"),
                                     .kind = slice_of(account_kind_name(kind)),
                                     .fields = &field,
                                     .field_count = 1};

    if (cli_options(cli, &argc, argv, NULL, 0, 2, 2) != 0)
        return CLI_USAGE;
    request.name = slice_of(argv[0]);
    field.value = slice_of(argv[1]);
    return run_one(cli, &request);
}

int
accounts_passwd(struct cli *cli, enum account_kind kind, const char *name,
                struct object_field password, bool own)
{
    const struct object_field fields[] = {password, {SLICE("own"), SLICE("yes")}};
    const struct accountd_admin request = {.verb = SLICE("passwd"),
                                           .kind = slice_of(account_kind_name(kind)),
                                           .name = slice_of(name),
                                           .fields = fields,
                                           .field_count = own ? 2 : 1};

    return run_one(cli, &request);
}
