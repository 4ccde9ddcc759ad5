/*
 * posthorn/password.c - a password record from what the caller gives.
 *
 * Handles secrets: every buffer that held one is wiped. Reads the named file, and the configuration
 * for the scheme.
 */
#include "posthorn/password.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/auth/password.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

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
    int rc = cli_read_secret(cli, path, &password);

    if (rc == CLI_OK)
        rc = hash(cli, strbuf_slice(&password), record);
    mem_wipe(password.ptr, password.cap);
    strbuf_free(&password);
    return rc;
}

static int
copy_record(struct cli *cli, const char *path, struct strbuf *record)
{
    struct strbuf line;
    int rc = cli_read_secret(cli, path, &line);

    if (rc == CLI_OK && !strbuf_append(record, strbuf_slice(&line)))
        rc = cli_fail(cli, "%s: the record is longer than %zu bytes", path, record->max);
    mem_wipe(line.ptr, line.cap);
    strbuf_free(&line);
    return rc;
}

int
password_record(struct cli *cli, const struct password_source *source, struct strbuf *record,
                char generated[PASSWORD_GENERATED_LEN + 1])
{
    int given =
        source->from_stdin + (source->file != NULL) + (source->record_file != NULL) + source->none;

    generated[0] = '\0';
    if (given > 1)
        return cli_usage(cli, "the password comes from one place only");
    if (source->none)
        return CLI_OK;
    if (source->record_file != NULL)
        return copy_record(cli, source->record_file, record);
    if (given == 1)
        return password_record_from(cli, source->from_stdin ? "-" : source->file, record);
    random_name(generated, PASSWORD_GENERATED_LEN);
    return hash(cli, slice_of(generated), record);
}
