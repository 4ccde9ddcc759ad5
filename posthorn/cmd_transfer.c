/*
 * posthorn/cmd_transfer.c - `export` and `import`: the whole account base as text.
 *
 * The text holds password records: a file that is written here is for its owner alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/account/transfer.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/accounts.h"

#define EXPORT_TRIES 5
#define CHUNK_BYTES 60000 /* a field's limit is OBJECT_VALUE_MAX */
#define CODE_CHANGED 3    /* the base changed between two parts */

/* ---- export ---- */

/* All parts into `text`. CODE_CHANGED in *result asks for another try. */
static int
export_once(struct accounts *accounts, struct strbuf *text, uint32_t *result)
{
    struct strbuf cursor = strbuf_new(4096);
    struct accountd_admin_reply reply;
    int rc;

    strbuf_clear(text);
    do {
        const struct accountd_admin request = {.verb = SLICE("export"),
                                               .cursor = strbuf_slice(&cursor)};

        rc = accounts_call(accounts, &request, &reply);
        *result = rc == CLI_OK ? reply.result : 0;
        if (rc != CLI_OK || reply.result != 0)
            break;
        (void)strbuf_append(text, reply.data); /* overflow is tested by the caller */
        strbuf_clear(&cursor);
        (void)strbuf_append(&cursor, reply.cursor); /* the decoder's limit is the buffer's */
    } while (cursor.len > 0);
    strbuf_free(&cursor);
    return rc;
}

static int
export_all(struct cli *cli, struct strbuf *text)
{
    struct accounts *accounts = accounts_open(cli);
    uint32_t result = CODE_CHANGED;
    int rc = accounts == NULL ? CLI_FAILED : CLI_OK;

    for (int i = 0; i < EXPORT_TRIES && rc == CLI_OK && result == CODE_CHANGED; i++)
        rc = export_once(accounts, text, &result);
    if (rc == CLI_OK && result != 0)
        rc = cli_fail(cli, result == CODE_CHANGED
                               ? "the account base keeps changing: try again later"
                               : "accountd could not read the account base: see its log");
    if (rc == CLI_OK && text->overflow)
        rc = cli_fail(cli, "the account base is larger than %u MiB as text",
                      TRANSFER_TEXT_MAX >> 20);
    accounts_close(&accounts);
    return rc;
}

static int
write_export(struct cli *cli, const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc;

    if (fd < 0)
        return cli_fail(cli, "%s: %s%s", path, strerror(errno),
                        errno == EEXIST ? "; it is not overwritten" : "");
    rc = write_all(fd, text) < 0 || fsync(fd) < 0 ? -1 : 0;
    close_keep_errno(fd);
    if (rc == 0)
        return CLI_OK;
    unlink_keep_errno(AT_FDCWD, path);
    return cli_fail(cli, "%s: %s", path, strerror(errno));
}

static int
export_run(struct cli *cli, int argc, char **argv)
{
    struct strbuf text = strbuf_new(TRANSFER_TEXT_MAX);
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 1) != 0)
        return CLI_USAGE;
    rc = export_all(cli, &text);
    if (rc == CLI_OK && argc == 1)
        rc = write_export(cli, argv[0], strbuf_slice(&text));
    else if (rc == CLI_OK)
        (void)fwrite(strbuf_cstr(&text), 1, text.len, stdout); /* main() tests stdout at the end */
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    return rc;
}

/* ---- import ---- */

static int
call(struct accounts *accounts, const char *verb, const char *name, struct slice value)
{
    const struct object_field field = {slice_of(name), value};
    const struct accountd_admin request = {
        .verb = slice_of(verb), .fields = &field, .field_count = 1};
    struct accountd_admin_reply reply;

    return accounts_do(accounts, &request, &reply);
}

static int
import_text(struct accounts *accounts, struct slice text, bool replace)
{
    int rc = call(accounts, "import-begin", "replace", slice_of(replace ? "yes" : "no"));

    while (rc == CLI_OK && text.len > 0) {
        rc = call(accounts, "import-data", "text", slice_sub(text, 0, CHUNK_BYTES));
        text = slice_sub(text, CHUNK_BYTES, text.len);
    }
    return rc == CLI_OK ? call(accounts, "import-commit", "end", SLICE("")) : rc;
}

/* Not by /dev/stdin: that opens no socket, which the input may be. */
static int
read_stdin(struct strbuf *text)
{
    for (;;) {
        char *room = strbuf_room(text, CHUNK_BYTES);
        ssize_t n = room == NULL ? -1 : read(STDIN_FILENO, room, CHUNK_BYTES);

        if (room == NULL)
            errno = EFBIG;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return (int)n;
        strbuf_grew(text, (size_t)n);
    }
}

static int
read_text(struct cli *cli, const char *path, struct strbuf *text)
{
    bool from_stdin = path == NULL || strcmp(path, "-") == 0;

    if (path == NULL && isatty(STDIN_FILENO))
        return cli_usage(cli, "expected a file, or the text on standard input");
    if ((from_stdin ? read_stdin(text) : read_file(AT_FDCWD, path, text)) == 0)
        return CLI_OK;
    return cli_fail(cli, "%s: %s", from_stdin ? "standard input" : path, strerror(errno));
}

static int
import_run(struct cli *cli, int argc, char **argv)
{
    struct strbuf text = strbuf_new(TRANSFER_TEXT_MAX);
    bool replace = false;
    const struct cli_option options[] = {{"--replace", CLI_FLAG, &replace}};
    struct accounts *accounts = NULL;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0)
        return CLI_USAGE;
    rc = read_text(cli, argc == 1 ? argv[0] : NULL, &text);
    if (rc == CLI_OK) {
        accounts = accounts_open(cli);
        rc = accounts == NULL ? CLI_FAILED : import_text(accounts, strbuf_slice(&text), replace);
    }
    accounts_close(&accounts);
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    strbuf_free(&text);
    return rc;
}

const struct command command_export = {
    .name = "export",
    .summary = "the whole account base as text",
    .synopsis = "[FILE]",
    .help = "Writes domains, mailboxes, aliases, groups and administrators with their password\n"
            "records to FILE (made for its owner alone, never overwritten) or standard output.\n"
            "The same base always gives the same bytes. Mail is not in it.\n\n"
            "    user alice@d.test                 kind and name\n"
            "        full_name Alice Example       a property: four spaces, name, value\n"
            "    member team@d.test alice@d.test   group and member\n",
    .run = export_run,
};

const struct command command_import = {
    .name = "import",
    .summary = "takes an exported account base in",
    .synopsis = "[FILE] [--replace]",
    .help = "Takes all of FILE (or standard input) or nothing. An account base that is as\n"
            "'setup' left it gives way; any other one only with --replace. Mail on disk is left\n"
            "alone: it belongs to whoever has the mailbox's name afterwards.\n",
    .run = import_run,
};
