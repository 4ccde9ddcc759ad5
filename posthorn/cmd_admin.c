/*
 * posthorn/cmd_admin.c - `admin add|del|list|passwd|set|rename|totp`: those who may administer.
 */
#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/admin_totp.h"
#include "posthorn/api_server.h"
#include "posthorn/password.h"
#include "posthorn/remote.h"

static void
print_generated(const struct cli *cli, const char *name, const char *generated)
{
    static const struct column columns[] = {{"name", COLUMN_TEXT, false},
                                            {"password", COLUMN_TEXT, false}};
    const struct object_field fields[] = {{SLICE("name"), slice_of(name)},
                                          {SLICE("password"), slice_of(generated)}};

    if (generated[0] != '\0')
        output_show(columns, ARRAY_LEN(columns), fields, (uint32_t)ARRAY_LEN(fields), cli->json);
}

/* `verb` (add or passwd) with a password. */
#define PASSWORD_TYPED_MAX 1024 /* bytes */

static int
with_password(struct cli *cli, int argc, char **argv, int words_max, bool is_add)
{
    struct password_given password = {0};
    struct password_source source = {0};
    const struct cli_option options[] = {PASSWORD_OPTIONS(source)};
    struct object_field field;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, words_max) != 0)
        return CLI_USAGE;
    rc = cli_needs_instance(cli) ? password_take(cli, &source, &password) : CLI_FAILED;
    field = password_field(&password);
    if (rc == CLI_OK && is_add)
        rc = accounts_add(cli, ACCOUNT_ADMIN, argv[0], &field, 1, argv + 1, argc - 1);
    else if (rc == CLI_OK)
        rc = accounts_passwd(cli, ACCOUNT_ADMIN, argv[0], field, false);
    if (rc == CLI_OK)
        print_generated(cli, argv[0], password_made_up(&password));
    password_given_free(&password);
    return rc;
}

static int
admin_add(struct cli *cli, int argc, char **argv)
{
    return with_password(cli, argc, argv, ACCOUNTS_FIELDS_MAX, true);
}

static int
admin_passwd(struct cli *cli, int argc, char **argv)
{
    return with_password(cli, argc, argv, 1, false);
}

/* Twice, so that a slip is seen. */
static int
type_password(struct cli *cli, struct strbuf *out)
{
    struct strbuf again = strbuf_new(out->max);
    int rc = CLI_OK, typed = api_server_type(cli, "New password: ", out);

    if (typed < 0)
        rc = cli_usage(cli, "expected --password-stdin or --password-file FILE");
    else if (typed > 0 || api_server_type(cli, "The same again: ", &again) != 0 ||
             !slice_eq(strbuf_slice(out), strbuf_slice(&again)))
        rc = cli_fail(cli, "that was not twice the same; nothing was changed");
    if (again.ptr != NULL)
        mem_wipe(again.ptr, again.cap);
    strbuf_free(&again);
    return rc;
}

/* The old one is the one that logs in (ADM-13). */
static int
admin_own(struct cli *cli, int argc, char **argv)
{
    struct strbuf password = strbuf_new(0);
    bool from_stdin = false;
    const char *file = NULL;
    const struct cli_option options[] = {{"--password-stdin", CLI_FLAG, &from_stdin},
                                         {"--password-file", CLI_TEXT, &file}};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (cli->remote == NULL)
        return cli_usage(cli, "this goes with --server or --profile; here: posthorn admin passwd");
    if (from_stdin || file != NULL) {
        rc = cli_read_secret(cli, from_stdin ? "-" : file, &password);
    } else {
        password = strbuf_new(PASSWORD_TYPED_MAX);
        (void)strbuf_room(&password, PASSWORD_TYPED_MAX); /* growing would leave copies behind */
        rc = type_password(cli, &password);
    }
    if (rc == CLI_OK)
        rc = remote_own_password(cli, strbuf_slice(&password));
    if (password.ptr != NULL)
        mem_wipe(password.ptr, password.cap);
    strbuf_free(&password);
    return rc;
}

static int
admin_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_ADMIN);
}

static int
admin_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_ADMIN, NULL);
}

static int
admin_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_ADMIN);
}

static int
admin_rename(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_rename(cli, argc, argv, ACCOUNT_ADMIN);
}

static const struct cli_verb verbs[] = {
    {"add", "NAME [PROPERTY=VALUE...] " PASSWORD_SYNOPSIS " [--json]", "makes an administrator",
     admin_add},
    {"del", "NAME", "removes one; the last super administrator stays", admin_del},
    {"list", ACCOUNTS_LIST_SYNOPSIS, "all of them, or those with a text in them", admin_list},
    {"passwd", "NAME " PASSWORD_SYNOPSIS " [--json]", "sets the password", admin_passwd},
    {"own", "[--password-stdin | --password-file FILE]",
     "changes the password of the administrator who has logged in there", admin_own},
    {"set", "NAME PROPERTY=VALUE...", "changes properties", admin_set},
    {"rename", "NAME NEW-NAME", "a new name", admin_rename},
    {"totp", ADMIN_TOTP_SYNOPSIS, "an authenticator whose codes logins need", admin_totp},
    {0},
};

const struct command command_admin = {
    .name = "admin",
    .summary = "administrators: add, del, list, passwd, set, rename, totp",
    .help =
        "Properties: type (super domain role) domains (separated by ';') rights (functions of a\n"
        "role, see accountd(8)) description mailbox (the administrator's own: its IMAP\n"
        "sessions may set quotas with SETQUOTA).\n"
        "'own' goes with --server or --profile: the old password is the one that logs in there,\n"
        "the new one is asked for twice on a terminal.\n"
        "totp makes a key for an authenticator (TOTP) and shows it once, on a terminal with a QR\n"
        "code; its first code (asked for, or --confirm CODE) makes it count. --clear: the login\n"
        "needs no code any more, for who has lost it. See the setting admin.totp.\n",
    .verbs = verbs,
    .remote = "add del list passwd own set rename",
};
