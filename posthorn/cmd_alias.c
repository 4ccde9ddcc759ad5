/*
 * posthorn/cmd_alias.c - `alias` and `domain-alias`: other names of mailboxes and of domains.
 */
#include "posthorn/accounts.h"

static int
add_with_target(struct cli *cli, int argc, char **argv, enum account_kind kind, const char *target)
{
    struct object_field extra;

    if (cli_options(cli, &argc, argv, NULL, 0, 2, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    extra = (struct object_field){slice_of(target), slice_of(argv[1])};
    return accounts_add(cli, kind, argv[0], &extra, 1, argv + 2, argc - 2);
}

/* ---- alias ---- */

static int
alias_add(struct cli *cli, int argc, char **argv)
{
    return add_with_target(cli, argc, argv, ACCOUNT_ALIAS, "mailbox");
}

static int
alias_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_ALIAS);
}

static int
alias_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_ALIAS, "--domain");
}

static int
alias_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_ALIAS);
}

static int
alias_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_ALIAS);
}

static int
alias_rename(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_rename(cli, argc, argv, ACCOUNT_ALIAS);
}

static const struct cli_verb alias_verbs[] = {
    {"add", "ALIAS MAILBOX [description=TEXT]", "another name of a mailbox", alias_add},
    {"del", "ALIAS", "removes it", alias_del},
    {"list", "[--domain DOMAIN] " ACCOUNTS_LIST_SYNOPSIS,
     "all of them, or those with a text in them", alias_list},
    {"show", "ALIAS [--json]", "everything about one", alias_show},
    {"set", "ALIAS [mailbox=MAILBOX] [description=TEXT]", "changes it", alias_set},
    {"rename", "ALIAS NEW-ALIAS", "a new name", alias_rename},
    {0},
};

const struct command command_alias = {
    .name = "alias",
    .summary = "other names of mailboxes: add, del, list, show, set, rename",
    .help = "An alias receives, logs in and sends as its mailbox. For several recipients, or for\n"
            "addresses outside, make a group.\n",
    .verbs = alias_verbs,
    .remote = "add del list show set rename",
};

/* ---- domain-alias ---- */

static int
domain_alias_add(struct cli *cli, int argc, char **argv)
{
    return add_with_target(cli, argc, argv, ACCOUNT_DOMAIN_ALIAS, "domain");
}

static int
domain_alias_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_DOMAIN_ALIAS);
}

static int
domain_alias_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_DOMAIN_ALIAS, NULL);
}

static const struct cli_verb domain_alias_verbs[] = {
    {"add", "NAME DOMAIN [description=TEXT]", "another name of a domain", domain_alias_add},
    {"del", "NAME", "removes it", domain_alias_del},
    {"list", ACCOUNTS_LIST_SYNOPSIS, "all of them, or those with a text in them",
     domain_alias_list},
    {0},
};

const struct command command_domain_alias = {
    .name = "domain-alias",
    .summary = "other names of domains: add, del, list",
    .help = "Every address of the domain works under the other name too.\n",
    .verbs = domain_alias_verbs,
    .remote = "add del list",
};
