/*
 * posthorn/admin_totp.c - `admin totp NAME`: a new authenticator, as text and as a QR code, and the
 * first code that makes it count.
 *
 * accountd makes and keeps the key; this shows it once.
 */
#include "posthorn/admin_totp.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "posthorn/accounts.h"
#include "posthorn/ask_secret.h"
#include "posthorn/qr_code.h"

static int
confirm(struct accounts *accounts, const char *name, struct slice code)
{
    const struct object_field field = {SLICE("code"), code};
    struct accountd_admin_reply reply;

    return accounts_do(accounts,
                       &(const struct accountd_admin){.verb = SLICE("totp-confirm"),
                                                      .kind = SLICE("admin"),
                                                      .name = slice_of(name),
                                                      .fields = &field,
                                                      .field_count = 1},
                       &reply);
}

static int
clear(struct accounts *accounts, const char *name)
{
    struct accountd_admin_reply reply;

    return accounts_do(accounts,
                       &(const struct accountd_admin){.verb = SLICE("totp-clear"),
                                                      .kind = SLICE("admin"),
                                                      .name = slice_of(name)},
                       &reply);
}

/* On a terminal: the QR code, and the first code at once. */
static int
confirm_here(struct cli *cli, struct accounts *accounts, const char *name,
             const struct object_field *fields, uint32_t count)
{
    char *uri = xslicedup(object_get(fields, count, "uri"));
    struct strbuf code = strbuf_new(0);
    int rc;

    qr_code_print(uri);
    (void)fflush(stdout);
    rc = ask_secret(cli, "Its first code: ", &code);
    if (rc == CLI_OK)
        rc = confirm(accounts, name, strbuf_slice(&code));
    if (rc == CLI_OK)
        (void)printf("From now on a login of %s needs a code.\n", name);
    strbuf_free(&code);
    mem_wipe(uri, strlen(uri));
    free(uri);
    return rc;
}

static int
enroll(struct cli *cli, struct accounts *accounts, const char *name)
{
    static const struct column columns[] = {
        {"name", COLUMN_TEXT, false}, {"secret", COLUMN_TEXT, false}, {"uri", COLUMN_TEXT, false}};
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint32_t count = 0;
    int rc = accounts_object(accounts,
                             &(const struct accountd_admin){.verb = SLICE("totp-new"),
                                                            .kind = SLICE("admin"),
                                                            .name = slice_of(name)},
                             fields, &count);

    if (rc != CLI_OK)
        return rc;
    output_show(columns, ARRAY_LEN(columns), fields, count, cli->json);
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !cli->json)
        return confirm_here(cli, accounts, name, fields, count);
    return CLI_OK;
}

int
admin_totp(struct cli *cli, int argc, char **argv)
{
    const char *code = NULL;
    bool clears = false;
    const struct cli_option options[] = {{"--confirm", CLI_TEXT, &code},
                                         {"--clear", CLI_FLAG, &clears}};
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (code != NULL && clears)
        return cli_usage(cli, "--confirm or --clear");
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    if (clears)
        rc = clear(accounts, argv[0]);
    else if (code != NULL)
        rc = confirm(accounts, argv[0], slice_of(code));
    else
        rc = enroll(cli, accounts, argv[0]);
    accounts_close(&accounts);
    return rc;
}
