/*
 * posthorn/cmd_public.c - `public add|del|list|show|set|grant|revoke`: public folders.
 */
#include "posthorn/accounts.h"

static int
public_add(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    return accounts_add(cli, ACCOUNT_PUBLIC, argv[0], NULL, 0, argv + 1, argc - 1);
}

static int
public_del(struct cli *cli, int argc, char **argv)
{
    struct accountd_admin request = {.verb = SLICE("del"), .kind = SLICE("public")};
    struct accountd_admin_reply reply;
    struct accounts *accounts;
    bool yes = false;
    const struct cli_option options[] = {{"--yes", CLI_FLAG, &yes}};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (!yes && !cli_confirm("This removes the public folder with all mail in it. Go on?"))
        return cli_fail(cli, "nothing was removed; --yes says that it is meant");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    request.name = slice_of(argv[0]);
    rc = accounts_do(accounts, &request, &reply);
    accounts_close(&accounts);
    return rc;
}

static int
public_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_PUBLIC, "--domain");
}

static int
public_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_PUBLIC);
}

static int
public_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_PUBLIC);
}

/* Each member by itself; an empty right takes all rights away. */
static int
change_rights(struct cli *cli, const char *folder, const char *right, char **members, int count)
{
    struct accounts *accounts = accounts_open(cli);
    int rc = CLI_OK;

    if (accounts == NULL)
        return CLI_FAILED;
    for (int i = 0; i < count && rc == CLI_OK; i++) {
        const struct object_field fields[] = {{SLICE("right"), slice_of(right)},
                                              {SLICE("member"), slice_of(members[i])}};
        const struct accountd_admin request = {.verb = SLICE("grant"),
                                               .kind = SLICE("public"),
                                               .name = slice_of(folder),
                                               .fields = fields,
                                               .field_count = ARRAY_LEN(fields)};
        struct accountd_admin_reply reply;

        rc = accounts_do(accounts, &request, &reply);
    }
    accounts_close(&accounts);
    return rc;
}

static int
public_grant(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 3, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    if (argv[1][0] == '\0')
        return cli_usage(cli, "expected a right: read, write or delete");
    return change_rights(cli, argv[0], argv[1], argv + 2, argc - 2);
}

static int
public_revoke(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 2, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    return change_rights(cli, argv[0], "", argv + 1, argc - 1);
}

static const struct cli_verb verbs[] = {
    {"add", "NAME@DOMAIN [PROPERTY=VALUE...]", "makes a public folder and its address", public_add},
    {"del", "NAME@DOMAIN --yes", "removes it with all mail in it", public_del},
    {"list", "[--domain DOMAIN] " ACCOUNTS_LIST_SYNOPSIS,
     "all of them, or those with a text in them", public_list},
    {"show", "NAME@DOMAIN [--json]", "everything about one, with its lists", public_show},
    {"set", "NAME@DOMAIN PROPERTY=VALUE...", "changes properties; the name stays", public_set},
    {"grant", "NAME@DOMAIN read|write|delete MAILBOX|@DOMAIN...", "gives a right", public_grant},
    {"revoke", "NAME@DOMAIN MAILBOX|@DOMAIN...", "takes the rights of these away", public_revoke},
    {0},
};

const struct command command_public = {
    .name = "public",
    .summary = "public folders: add, del, list, show, set, grant, revoke",
    .help = "Users with a right see the folder NAME@DOMAIN in IMAP as @NAME. Its lists hold\n"
            "mailboxes, or @DOMAIN for all mailboxes of a domain: read; write (also add messages,\n"
            "set flags, and send mail to the address); delete (also remove messages, and make\n"
            "folders in it). A mailbox is in one list; who is in none does not see the folder.\n"
            "Properties: description quota_bytes quota_messages read write delete.\n",
    .verbs = verbs,
    .remote = "add del list show set grant revoke",
};
