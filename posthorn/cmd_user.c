/*
 * posthorn/cmd_user.c - `user add|del|list|show|passwd|set|rename`: mailboxes and their owners.
 */
#include <stdio.h>

#include "lib/auth/password.h"
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/password.h"
#include "posthorn/user_directory.h"
#include "posthorn/user_table.h"
#include "posthorn/user_verbs.h"

/* A password that nobody typed is shown once: it is not kept anywhere. */
static void
print_generated(const struct cli *cli, const char *address, const char *generated)
{
    static const struct column columns[] = {{"address", COLUMN_TEXT, false},
                                            {"password", COLUMN_TEXT, false}};
    const struct object_field fields[] = {{SLICE("address"), slice_of(address)},
                                          {SLICE("password"), slice_of(generated)}};

    if (generated[0] == '\0')
        return;
    output_show(columns, ARRAY_LEN(columns), fields, (uint32_t)ARRAY_LEN(fields), cli->json);
}

/* What a PROPERTY=VALUE word among these gives the property; empty: none does. */
static struct slice
given_value(int count, char **words, const char *property)
{
    for (int i = 0; i < count; i++) {
        struct slice value = slice_of(words[i]), name = slice_split(&value, '=');

        if (slice_eq(name, slice_of(property)))
            return value;
    }
    return SLICE("");
}

static int
user_add(struct cli *cli, int argc, char **argv)
{
    struct strbuf answer = strbuf_new(PASSWORD_RECORD_MAX);
    struct password_given password = {0};
    struct password_source source = {0};
    static struct cli_list groups; /* zeroed; one command a process */
    struct strbuf group_list = strbuf_new(OBJECT_VALUE_MAX);
    const char *answer_file = NULL;
    const struct cli_option options[] = {PASSWORD_OPTIONS(source),
                                         {"--group", CLI_LIST, &groups},
                                         {"--answer-file", CLI_TEXT, &answer_file}};
    struct object_field extra[3];
    uint32_t extra_count = 2;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    if (slice_eq(given_value(argc - 1, argv + 1, "auth"), SLICE("external")))
        source.none = true; /* it is kept elsewhere; with another source that is refused */
    rc = cli_needs_instance(cli) ? password_take(cli, &source, &password) : CLI_FAILED;
    if (rc == CLI_OK && answer_file != NULL)
        rc = password_record_from(cli, answer_file, &answer);
    extra[0] = password_field(&password);
    extra[1] = (struct object_field){SLICE("password_answer"), strbuf_slice(&answer)};
    for (size_t i = 0; i < groups.count; i++)
        (void)strbuf_printf(&group_list, "%s%s", i > 0 ? ";" : "", groups.items[i]);
    if (group_list.overflow)
        rc = cli_usage(cli, "these are too many groups");
    if (groups.count > 0)
        extra[extra_count++] = (struct object_field){SLICE("groups"), strbuf_slice(&group_list)};
    if (rc == CLI_OK)
        rc = accounts_add(cli, ACCOUNT_USER, argv[0], extra, extra_count, argv + 1, argc - 1);
    if (rc == CLI_OK)
        print_generated(cli, argv[0], password_made_up(&password));
    password_given_free(&password);
    strbuf_free(&answer);
    strbuf_free(&group_list);
    return rc;
}

static int
user_del(struct cli *cli, int argc, char **argv)
{
    bool yes = false;
    const struct cli_option options[] = {{"--yes", CLI_FLAG, &yes}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (!yes &&
        !cli_confirm("This removes the mailbox with all its mail, its aliases and its group "
                     "memberships. Go on?"))
        return cli_fail(cli, "nothing was removed; --yes says that it is meant");
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_USER);
}

static int
user_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_USER, "--domain");
}

static int
user_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_USER);
}

/* When it was made, visited and got its password, and what it holds now. */
static int
user_status(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {{"address", COLUMN_TEXT, false},
                                            {"full_name", COLUMN_TEXT, false},
                                            {"status", COLUMN_TEXT, false},
                                            {"expires", COLUMN_TEXT, false},
                                            {"created", COLUMN_TEXT, false},
                                            {"last_visit", COLUMN_TEXT, false},
                                            {"last_visit_service", COLUMN_TEXT, false},
                                            {"last_visit_address", COLUMN_TEXT, false},
                                            {"password_changed", COLUMN_TEXT, false},
                                            {"quota_bytes", COLUMN_NUMBER, false},
                                            {"quota_messages", COLUMN_NUMBER, false},
                                            {"used_bytes", COLUMN_NUMBER, false},
                                            {"used_messages", COLUMN_NUMBER, false}};
    struct accountd_admin request = {.verb = SLICE("status"), .kind = SLICE("user")};
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accounts *accounts;
    uint32_t count;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    request.name = slice_of(argv[0]);
    rc = accounts_object(accounts, &request, fields, &count);
    if (rc == CLI_OK)
        output_show(columns, ARRAY_LEN(columns), fields, count, cli->json);
    accounts_close(&accounts);
    return rc;
}

static int
user_passwd(struct cli *cli, int argc, char **argv)
{
    struct password_given password = {0};
    struct password_source source = {0};
    bool own = false;
    const struct cli_option options[] = {PASSWORD_OPTIONS(source), {"--own", CLI_FLAG, &own}};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (source.none)
        return cli_usage(cli, "a mailbox without login: 'posthorn user set %s status=suspended'",
                         argv[0]);
    rc = cli_needs_instance(cli) ? password_take(cli, &source, &password) : CLI_FAILED;
    if (rc == CLI_OK)
        rc = accounts_passwd(cli, ACCOUNT_USER, argv[0], password_field(&password), own);
    if (rc == CLI_OK)
        print_generated(cli, argv[0], password_made_up(&password));
    password_given_free(&password);
    return rc;
}

static int
user_set(struct cli *cli, int argc, char **argv)
{
    struct strbuf answer = strbuf_new(PASSWORD_RECORD_MAX);
    const char *answer_file = NULL;
    const struct cli_option options[] = {{"--answer-file", CLI_TEXT, &answer_file}};
    struct object_field extra;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    if (argc == 1 && answer_file == NULL)
        return cli_usage(cli, "expected PROPERTY=VALUE");
    if (answer_file != NULL)
        rc = cli_needs_instance(cli) ? password_record_from(cli, answer_file, &answer) : CLI_FAILED;
    extra = (struct object_field){SLICE("password_answer"), strbuf_slice(&answer)};
    if (rc == CLI_OK)
        rc = accounts_change(cli, "set", ACCOUNT_USER, argv[0], &extra, answer_file != NULL,
                             argv + 1, argc - 1);
    strbuf_free(&answer);
    return rc;
}

static int
user_rename(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_rename(cli, argc, argv, ACCOUNT_USER);
}

static const struct cli_verb verbs[] = {
    {"add",
     "ADDRESS [PROPERTY=VALUE...] " PASSWORD_SYNOPSIS
     " [--group GROUP]... [--answer-file FILE] [--json]",
     "makes a mailbox; without a password option one is made up and printed", user_add},
    {"del", "ADDRESS --yes", "removes it with its mail, aliases and memberships", user_del},
    {"list", "[--domain DOMAIN] " ACCOUNTS_LIST_SYNOPSIS,
     "all mailboxes, or those with a text in them", user_list},
    {"show", "ADDRESS [--json]", "everything about one", user_show},
    {"status", "ADDRESS [--json]",
     "when it was made, last visited, got its password; what it holds", user_status},
    {"recent", USER_RECENT_SYNOPSIS,
     "what it sent, received, deleted and logged in to lately, or how much today", user_recent},
    {"passwd", "ADDRESS " PASSWORD_SYNOPSIS " [--own] [--json]",
     "sets the password; --own: its user has chosen it and need not change it", user_passwd},
    {"set", "ADDRESS PROPERTY=VALUE... [--answer-file FILE]",
     "changes properties; an empty value: the default", user_set},
    {"rename", "ADDRESS NEW-ADDRESS", "a new name; aliases, groups and mail follow", user_rename},
    {"import",
     "FILE [--domain DOMAIN] [--fields LIST] [--separator C] [--comment C] [--passwd] "
     "[--uids FROM-TO] [--only NAME]... [--random-password | --password-file FILE] [--json]",
     "makes a mailbox for each line of a table; those that are there stay as they are",
     user_import},
    {"import-directory", USER_IMPORT_DIRECTORY_SYNOPSIS,
     "makes a mailbox for each user of an LDAP directory or Active Directory",
     user_import_directory},
    {"export", "[FILE] [--domain DOMAIN] [--fields LIST] [--separator C] [--no-header] [--force]",
     "writes them as a table", user_export},
    {"update",
     "--user ADDRESS... | --domain DOMAIN | --all [PROPERTY=VALUE...] [--random-password | "
     "--password-file FILE | --defaults LIST | all] [--json]",
     "changes many at once", user_update},
    {"code", USER_CODE_SYNOPSIS, "authorization codes, each for one mail program", user_code},
    {0},
};

const struct command command_user = {
    .name = "user",
    .summary = "mailboxes: add, del, list, show, passwd, set, rename, code",
    .help =
        "Properties: full_name description status (normal disabled pending suspended)\n"
        "expires (YYYY-MM-DD) quota_bytes (10M; 0: unlimited) quota_messages warning_limit\n"
        "(percent of a quota; 0: no warning) mailbox_path (ID of the storage directory that the\n"
        "mailbox is made in; see 'posthorn store dirs') forward (addresses separated by ';')\n"
        "forward_keep auto_reply auto_reply_from auto_reply_until (days) auto_reply_text (\\n for "
        "a\n"
        "new line) smtp pop3 pop3_marks_read pop3_login_delay imap web ftp remove_mail\n"
        "change_mail may_forward password_question (its answer by --answer-file)\n"
        "representatives (who may send with its address) auth (internal external: who knows the\n"
        "password; external: whom external_auth of the domain names, see authd(8)).\n"
        "Whom it may send to: may_send_domain may_send_system may_send_remote (yes no)\n"
        "send_exceptions (domains for which the opposite holds); from whom it takes mail: the\n"
        "same with receive. How much it may send (0: no limit): max_recipients\n"
        "max_message_bytes recipients_per_hour local_recipients_per_day local_bytes_per_day\n"
        "remote_recipients_per_day remote_bytes_per_day; see accountd(8).\n"
        "From where it may come: smtp_access pop3_access imap_access ldap_access: none\n"
        "(everywhere), 'allow 192.0.2.0/24;2001:db8::1' or 'deny 198.51.100.7'; see authd(8).\n"
        "What of its doings is listed: record_sent record_received record_deleted (yes no).\n"
        "What a new password has to be like (empty: as the domain says): password_min_length\n"
        "password_classes password_no_name password_history password_max_age (days)\n"
        "password_change_first; password_change_due=yes: to be changed before the next login.\n"
        "Passwords come from standard input or a file, never from the command line.\n"
        "Columns of a table: address, properties, password, password_record, '-' for one that is\n"
        "not wanted. Its first line names them unless --fields does; export writes what import\n"
        "reads, without passwords.\n"
        "An authorization code is made up, printed once, and taken in place of the password by\n"
        "mail programs. Properties: description services (smtp;imap;pop3) addresses (networks\n"
        "separated by ';') expires (YYYY-MM-DD). Revoking one ends the sessions that used it.\n"
        "With 'posthorn domain set DOMAIN mail_password=no' mail programs need one, and so for a\n"
        "user with two_step=yes.\n",
    .verbs = verbs,
    .remote = "add del list show status recent passwd set rename code",
};
