/*
 * posthorn/cmd_domain.c - `domain add|del|list|show|set|rename`.
 */
#include "posthorn/accounts.h"

static int
domain_add(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    return accounts_add(cli, ACCOUNT_DOMAIN, argv[0], NULL, 0, argv + 1, argc - 1);
}

static int
domain_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_DOMAIN);
}

static int
domain_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_DOMAIN, NULL);
}

static int
domain_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_DOMAIN);
}

static int
domain_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_DOMAIN);
}

static int
domain_rename(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_rename(cli, argc, argv, ACCOUNT_DOMAIN);
}

static const struct cli_verb verbs[] = {
    {"add", "DOMAIN [PROPERTY=VALUE...]", "adds a domain; the first one becomes primary",
     domain_add},
    {"del", "DOMAIN", "removes it, once it holds no mailbox, alias or group", domain_del},
    {"list", ACCOUNTS_LIST_SYNOPSIS, "all of them, or those with a text in them", domain_list},
    {"show", "DOMAIN [--json]", "everything about one", domain_show},
    {"set", "DOMAIN PROPERTY=VALUE...", "changes properties", domain_set},
    {"rename", "DOMAIN NEW-DOMAIN", "a new name; addresses and mail follow", domain_rename},
    {0},
};

const struct command command_domain = {
    .name = "domain",
    .summary = "domains: add, del, list, show, set, rename",
    .help =
        "Properties: type (primary common) description admin_address system_sender (what notices\n"
        "to its users come from; empty: the postmaster's address) unknown (bounce notify\n"
        "deliver remote) unknown_address default_quota_bytes default_quota_messages\n"
        "default_warning_limit (percent; 0: no warning) default_mailbox_path (ID of a storage\n"
        "directory) default_expires, and default_ with each limit of what a mailbox may send and\n"
        "take (default_may_send_remote, default_recipients_per_hour; posthorn user --help),\n"
        "default_smtp_access and those of pop3, imap, ldap (from where a mailbox may be used),\n"
        "default_auth (internal external), external_auth (who knows the passwords of external\n"
        "users: pam:SERVICE, ldaps://HOST/NAME, ldaps://HOST/BASE?ATTRIBUTE, imaps://HOST and\n"
        "others, see authd(8)), mail_password (no: the password works in webmail only, mail\n"
        "programs need an authorization code), oauth_issuer oauth_audience oauth_claim oauth_keys\n"
        "oauth_introspection (access tokens by which users may log in, see authd(8)), sync_from\n"
        "sync_layout sync_user_filter sync_group_filter sync_groups sync_map sync_vanished\n"
        "sync_brake sync_interval (users and groups from a directory, see syncd(8)),\n"
        "login_host login_ip (host names and addresses of this server where bare user names are\n"
        "of this domain).\n"
        "take (default_may_send_remote, default_recipients_per_hour; posthorn user --help).\n"
        "What new passwords of its users have to be like, unless a user has rules of the own:\n"
        "password_min_length password_classes (0 to 4) password_no_name password_history\n"
        "password_max_age (days; 0: never) password_change_first; password_scheme (system\n"
        "yescrypt argon2id) is their hash. See PASSWORDS in accountd(8).\n"
        "unknown says what happens to mail for a mailbox that is not there: it is refused\n"
        "(bounce), taken, bounced and told to admin_address (notify; bounces go to senders who\n"
        "may be forged, so not for mail from the whole Internet), delivered to unknown_address\n"
        "(a mailbox, or an address outside), or sent to the same address by remote delivery.\n",
    .verbs = verbs,
    .remote = "add del list show set rename",
};
