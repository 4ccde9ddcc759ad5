/*
 * posthorn/password.c - the password that the caller gives, or one that is made up.
 *
 * Handles secrets: every buffer that held one is wiped. Reads the named file, and the configuration
 * for the scheme.
 */
#include "posthorn/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/auth/made_up.h"
#include "lib/auth/password.h"
#include "lib/base/mem.h"

static int
hash(struct cli *cli, struct slice password, struct strbuf *record)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = conf_load(cli->inst.conf_path, &errors);
    struct password_policy policy;
    int rc = CLI_OK;

    if (conf == NULL) {
        (void)fputs(strbuf_cstr(&errors), stderr);
        rc = cli_fail(cli, "the configuration has errors: 'posthorn config check'");
    } else {
        policy = password_policy_from(conf);
        if (password_hash(&policy, password, record) < 0)
            rc = errno == EINVAL
                     ? cli_fail(cli,
                                "the password is not usable: expected at most %d bytes "
                                "without control characters",
                                PASSWORD_MAX)
                     : cli_fail(cli, "the password could not be hashed: %s", strerror(errno));
    }
    conf_free(&conf);
    strbuf_free(&errors);
    return rc;
}

int
password_record_from(struct cli *cli, const char *path, struct strbuf *record)
{
    struct strbuf password;
    int rc;

    if (cli->remote != NULL) /* how it is hashed, that server's configuration says */
        return cli_usage(cli, "an answer is set on the server itself");
    rc = cli_read_secret(cli, path, &password);
    if (rc == CLI_OK)
        rc = hash(cli, strbuf_slice(&password), record);
    mem_wipe(password.ptr, password.cap);
    strbuf_free(&password);
    return rc;
}

/* ---- a password ---- */

int
password_take(struct cli *cli, const struct password_source *source, struct password_given *given)
{
    int sources =
        source->from_stdin + (source->file != NULL) + (source->record_file != NULL) + source->none;

    *given = (struct password_given){.secret = strbuf_new(0)};
    if (sources > 1)
        return cli_usage(cli, "the password comes from one place only");
    if (source->none)
        return CLI_OK;
    given->is_record = source->record_file != NULL;
    if (given->is_record)
        return cli_read_secret(cli, source->record_file, &given->secret);
    if (sources == 1)
        return cli_read_secret(cli, source->from_stdin ? "-" : source->file, &given->secret);
    given->secret = strbuf_new(MADE_UP_MAX);
    given->made_up = true;
    made_up_password(0, &given->secret);
    return CLI_OK;
}

void
password_given_free(struct password_given *given)
{
    if (given->secret.ptr != NULL)
        mem_wipe(given->secret.ptr, given->secret.cap);
    strbuf_free(&given->secret);
}

struct object_field
password_field(const struct password_given *given)
{
    return (struct object_field){given->is_record || given->secret.len == 0 ? SLICE("password")
                                                                            : SLICE("new_password"),
                                 strbuf_slice(&given->secret)};
}

const char *
password_made_up(const struct password_given *given)
{
    return given->made_up ? strbuf_cstr(&given->secret) : "";
}
