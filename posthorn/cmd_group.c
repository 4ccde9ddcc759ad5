/*
 * posthorn/cmd_group.c - `group add|del|list|show|member|set|rename`.
 */
#include <string.h>

#include "posthorn/accounts.h"

/* One member more or less. */
static int
change_member(struct accounts *accounts, const char *verb, const char *group, const char *member)
{
    const struct object_field field = {SLICE("member"), slice_of(member)};
    const struct accountd_admin request = {.verb = slice_of(verb),
                                           .kind = SLICE("member"),
                                           .name = slice_of(group),
                                           .fields = &field,
                                           .field_count = 1};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

static int
add_group(struct cli *cli, struct accounts *accounts, int argc, char **argv)
{
    struct object_field fields[ACCOUNTS_FIELDS_MAX];
    struct accountd_admin request = {
        .verb = SLICE("add"), .kind = SLICE("group"), .name = slice_of(argv[0]), .fields = fields};
    struct accountd_admin_reply reply;

    if (accounts_fields(cli, ACCOUNT_GROUP, argv + 1, argc - 1, fields, &request.field_count) !=
        CLI_OK)
        return CLI_USAGE;
    return accounts_do(accounts, &request, &reply);
}

/* A group whose members were not all taken does not stay. */
static void
undo_add(struct accounts *accounts, const char *name)
{
    const struct accountd_admin request = {
        .verb = SLICE("del"), .kind = SLICE("group"), .name = slice_of(name)};
    struct accountd_admin_reply reply;

    (void)accounts_call(accounts, &request, &reply); /* the first failure is the one to report */
}

static int
group_add(struct cli *cli, int argc, char **argv)
{
    static struct cli_list members; /* zeroed; one command a process */
    const struct cli_option options[] = {{"--member", CLI_LIST, &members}};
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = add_group(cli, accounts, argc, argv);
    if (rc == CLI_OK) {
        for (size_t i = 0; i < members.count && rc == CLI_OK; i++)
            rc = change_member(accounts, "add", argv[0], members.items[i]);
        if (rc != CLI_OK)
            undo_add(accounts, argv[0]);
    }
    accounts_close(&accounts);
    return rc;
}

static int
group_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_GROUP);
}

static int
group_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_GROUP, "--domain");
}

static void
add_name(void *arg, const struct object_field *fields, uint32_t count)
{
    struct strbuf *names = arg;

    if (names->len > 0)
        (void)strbuf_char(names, ' ');
    (void)strbuf_append(names, object_get(fields, count, "member"));
}

/* The group's properties, and its members as one more. */
static int
group_show(struct cli *cli, int argc, char **argv)
{
    struct accountd_admin request = {.verb = SLICE("show"), .kind = SLICE("group")};
    struct strbuf names = strbuf_new(64u << 20), data = strbuf_new(1u << 20);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    struct accounts *accounts;
    struct columns columns;
    struct slice object;
    int rc, count;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    request.name = slice_of(argv[0]);
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts, &request, &reply);
    if (rc == CLI_OK) {
        (void)strbuf_append(&data, reply.data); /* the next call takes the reply's memory */
        rc = accounts_list(accounts, ACCOUNT_MEMBER, argv[0], add_name, &names);
    }
    object = strbuf_slice(&data);
    count = rc == CLI_OK ? object_next(&object, fields) : 0;
    if (count > 0 && count < OBJECT_FIELDS_MAX) {
        accounts_columns(ACCOUNT_GROUP, &columns);
        columns.items[columns.count++] = (struct column){"members", COLUMN_LIST, false};
        fields[count++] = (struct object_field){SLICE("members"), strbuf_slice(&names)};
        output_show(columns.items, columns.count, fields, (uint32_t)count, cli->json);
    }
    accounts_close(&accounts);
    strbuf_free(&names);
    strbuf_free(&data);
    return rc;
}

static int
group_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_GROUP);
}

static int
group_rename(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_rename(cli, argc, argv, ACCOUNT_GROUP);
}

static void
add_to_table(void *arg, const struct object_field *fields, uint32_t count)
{
    table_add(arg, fields, count);
}

static int
list_members(struct cli *cli, struct accounts *accounts, const char *group)
{
    struct columns columns;
    struct table *table;
    int rc;

    accounts_columns(ACCOUNT_MEMBER, &columns);
    table = table_new(columns.items, columns.count);
    rc = accounts_list(accounts, ACCOUNT_MEMBER, group, add_to_table, table);
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    return rc;
}

/* group member add GROUP ADDRESS... | del GROUP ADDRESS... | list GROUP */
static int
group_member(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    bool is_list;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    is_list = strcmp(argv[0], "list") == 0;
    if (!is_list && strcmp(argv[0], "add") != 0 && strcmp(argv[0], "del") != 0)
        return cli_usage(cli, "unknown word '%s': expected add, del or list", argv[0]);
    if (is_list ? argc != 2 : argc < 3)
        return cli_usage(cli, is_list ? "expected one group" : "expected a group and a member");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    if (is_list)
        rc = list_members(cli, accounts, argv[1]);
    for (int i = 2; i < argc && rc == CLI_OK; i++)
        rc = change_member(accounts, argv[0], argv[1], argv[i]);
    accounts_close(&accounts);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"add", "GROUP [--member ADDRESS]... [PROPERTY=VALUE...]", "makes a group", group_add},
    {"del", "GROUP", "removes it; its members stay", group_del},
    {"list", "[--domain DOMAIN] " ACCOUNTS_LIST_SYNOPSIS,
     "all of them, or those with a text in them", group_list},
    {"show", "GROUP [--json]", "everything about one, with its members", group_show},
    {"member", "add|del GROUP ADDRESS... | list GROUP [--json]", "changes or lists its members",
     group_member},
    {"set", "GROUP PROPERTY=VALUE...", "changes properties", group_set},
    {"rename", "GROUP NEW-ADDRESS", "a new name", group_rename},
    {0},
};

const struct command command_group = {
    .name = "group",
    .summary = "groups: add, del, list, show, member, set, rename",
    .help = "Mail to a group reaches each member once. Members are mailboxes, aliases and groups\n"
            "of ours, or addresses outside; a group that would contain itself is refused.\n"
            "Properties: full_name description display_order sync_id, send (who may send to it:\n"
            "anyone members senders domain) senders (for send=senders: mailboxes, addresses\n"
            "outside, @domain) representatives (who may send with its address).\n"
            "Who sees it in the address book: shown_to_all, shown_to_listed (viewers: mailboxes,\n"
            "@domain), shown_to_members: no, group or members; managers see all; see ldapd(8).\n",
    .verbs = verbs,
    .remote = "add del list show member set rename",
};
