/*
 * posthorn/cmd_password.c - `password dictionary add|remove|import|export|report`: the passwords
 * that nobody may set; and the table of the verbs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/accounts.h"
#include "posthorn/password_verbs.h"

#define TEXT_MAX (256u << 20) /* bytes of a file with words */
#define PART_BYTES 60000      /* a field's limit is OBJECT_VALUE_MAX */
#define KIND SLICE("weak-password")

/* ---- add and remove ---- */

static int
each_word(struct cli *cli, int argc, char **argv, struct slice verb)
{
    struct accounts *accounts;
    struct accountd_admin_reply reply;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1000) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    for (int i = 0; i < argc && accounts != NULL; i++) {
        const struct accountd_admin request = {
            .verb = verb, .kind = KIND, .name = slice_of(argv[i])};

        if (accounts_do(accounts, &request, &reply) != CLI_OK)
            rc = CLI_FAILED; /* said why; the others may be fine */
    }
    if (accounts == NULL)
        rc = CLI_FAILED;
    accounts_close(&accounts);
    return rc;
}

static int
dictionary_add(struct cli *cli, int argc, char **argv)
{
    return each_word(cli, argc, argv, SLICE("add"));
}

static int
dictionary_remove(struct cli *cli, int argc, char **argv)
{
    return each_word(cli, argc, argv, SLICE("del"));
}

/* ---- import ---- */

/* Whole lines of at most PART_BYTES off *rest; a longer line is taken as it is, to be refused. */
static struct slice
next_part(struct slice *rest, uint64_t *lines)
{
    size_t len = rest->len < PART_BYTES ? rest->len : PART_BYTES;
    struct slice part;

    if (len < rest->len) {
        size_t end = slice_rindex(slice_sub(*rest, 0, len), '\n');

        len = end < len ? end + 1 : len;
    }
    part = slice_sub(*rest, 0, len);
    *rest = slice_sub(*rest, len, rest->len);
    for (size_t i = 0; i < part.len; i++)
        *lines += part.ptr[i] == '\n';
    return part;
}

static int
send_words(struct accounts *accounts, struct slice text, uint64_t *added)
{
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint64_t line = 1, next = 1, count;
    uint32_t field_count;
    int rc = CLI_OK;

    while (text.len > 0 && rc == CLI_OK) {
        struct slice part = next_part(&text, &next);
        struct strbuf first = strbuf_new(32);

        (void)strbuf_u64(&first, line);
        rc = accounts_object(accounts,
                             &(const struct accountd_admin){
                                 .verb = SLICE("words"),
                                 .kind = KIND,
                                 .fields = (const struct object_field[]){{SLICE("text"), part},
                                                                         {SLICE("first_line"),
                                                                          strbuf_slice(&first)}},
                                 .field_count = 2},
                             fields, &field_count);
        if (rc == CLI_OK &&
            parse_u64(object_get(fields, field_count, "added"), UINT64_MAX, &count) == 0)
            *added += count;
        line = next;
        strbuf_free(&first);
    }
    return rc;
}

static int
dictionary_import(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {{"added", COLUMN_NUMBER, false}};
    struct strbuf text = strbuf_new(TEXT_MAX), number = strbuf_new(32);
    struct accounts *accounts = NULL;
    uint64_t added = 0;
    int rc = CLI_FAILED;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    if (read_file(AT_FDCWD, argv[0], &text) < 0)
        (void)cli_fail(cli, "%s: %s", argv[0], strerror(errno));
    else if ((accounts = accounts_open(cli)) != NULL)
        rc = send_words(accounts, strbuf_slice(&text), &added);
    if (accounts != NULL) { /* also how far it came before a line was refused */
        (void)strbuf_u64(&number, added);
        output_show(columns, ARRAY_LEN(columns),
                    &(const struct object_field){SLICE("added"), strbuf_slice(&number)}, 1,
                    cli->json);
    }
    accounts_close(&accounts);
    strbuf_free(&text);
    strbuf_free(&number);
    return rc;
}

/* ---- export ---- */

static void
print_word(void *arg, const struct object_field *fields, uint32_t count)
{
    struct slice word = object_get(fields, count, "word");

    (void)fwrite(word.ptr, 1, word.len, arg); /* the stream is tested at the end */
    (void)fputc('\n', arg);
}

static int
write_words(struct cli *cli, struct accounts *accounts, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    int rc;

    if (file == NULL)
        return cli_fail(cli, "%s: %s%s", path, strerror(errno),
                        errno == EEXIST ? "; it is not overwritten" : "");
    rc = accounts_list(accounts, ACCOUNT_WORD, NULL, print_word, file);
    if (ferror(file) != 0 || fclose(file) != 0)
        rc = cli_fail(cli, "%s: %s", path, strerror(errno));
    if (rc != CLI_OK)
        unlink_keep_errno(AT_FDCWD, path);
    return rc;
}

static int
dictionary_export(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 1) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    if (argc == 1)
        rc = write_words(cli, accounts, argv[0]);
    else
        rc = accounts_list(accounts, ACCOUNT_WORD, NULL, print_word, stdout);
    accounts_close(&accounts);
    return rc;
}

/* ---- report ---- */

struct names {
    struct strbuf text; /* each with a line end behind it */
};

static void
add_name(void *arg, const struct object_field *fields, uint32_t count)
{
    struct names *names = arg;

    (void)strbuf_append(&names->text, object_get(fields, count, "address")); /* see TEXT_MAX */
    (void)strbuf_char(&names->text, '\n');
}

/* One user, over all the words that there are to try. */
static int
try_user(struct accounts *accounts, struct slice address, bool *weak)
{
    struct strbuf cursor = strbuf_new(4096);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct accountd_admin_reply reply;
    uint32_t count;
    int rc;

    do {
        rc = accounts_do(accounts,
                         &(const struct accountd_admin){.verb = SLICE("weak"),
                                                        .kind = SLICE("user"),
                                                        .name = address,
                                                        .cursor = strbuf_slice(&cursor)},
                         &reply);
        if (rc == CLI_OK)
            rc = accounts_reply_object(accounts, &reply, fields, &count);
        if (rc != CLI_OK)
            break;
        *weak = slice_eq(object_get(fields, count, "weak"), SLICE("yes"));
        strbuf_clear(&cursor);
        (void)strbuf_append(&cursor, reply.cursor); /* the decoder's limit is the buffer's */
    } while (cursor.len > 0);
    strbuf_free(&cursor);
    return rc;
}

static int
dictionary_report(struct cli *cli, int argc, char **argv)
{
    static const struct column columns[] = {{"address", COLUMN_TEXT, false}};
    const char *domain = NULL;
    const struct cli_option options[] = {{"--domain", CLI_TEXT, &domain}};
    struct names names = {.text = strbuf_new(TEXT_MAX)};
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    struct accounts *accounts;
    struct slice rest;
    bool weak = false;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    rc = accounts == NULL ? CLI_FAILED
                          : accounts_list(accounts, ACCOUNT_USER, domain, add_name, &names);
    rest = strbuf_slice(&names.text);
    while (rc == CLI_OK && rest.len > 0) {
        struct slice address = slice_split(&rest, '\n');
        const struct object_field field = {SLICE("address"), address};

        rc = try_user(accounts, address, &weak);
        if (rc == CLI_OK && weak)
            table_add(table, &field, 1);
    }
    if (rc == CLI_OK)
        table_print(&table, cli->json);
    else
        table_free(&table);
    accounts_close(&accounts);
    strbuf_free(&names.text);
    return rc;
}

/* ---- the verb `dictionary` ---- */

static const struct {
    const char *name;
    int (*run)(struct cli *cli, int argc, char **argv);
} actions[] = {
    {"add", dictionary_add},       {"remove", dictionary_remove}, {"import", dictionary_import},
    {"export", dictionary_export}, {"report", dictionary_report},
};

static int
run_dictionary(struct cli *cli, int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < ARRAY_LEN(actions); i++)
        if (strcmp(argv[0], actions[i].name) == 0)
            return actions[i].run(cli, argc - 1, argv + 1);
    return cli_usage(cli, "expected add, remove, import, export or report");
}

static const struct cli_verb verbs[] = {
    {"dictionary",
     "add WORD... | remove WORD... | import FILE | export [FILE] | report [--domain DOMAIN] "
     "[--json]",
     "the passwords that nobody may set", run_dictionary},
    {"seal", "SETTING [HOST NAME] | SETTING --in-place",
     "encrypts what is logged in with elsewhere: one password, or a file's", password_seal},
    {"rotate", "OWNER", "another key for what is sealed", password_rotate},
    {0},
};

const struct command command_password = {
    .name = "password",
    .summary = "the dictionary of weak passwords; passwords of the configuration, encrypted",
    .help =
        "A password that is in the dictionary is refused whenever one is set; the case of\n"
        "letters does not count. import takes a word from each line (those that are there\n"
        "already stay), export writes them so and overwrites no file.\n"
        "report finds mailboxes that have a listed password all the same: it was set before\n"
        "the word was listed, or came as a record. That takes a hash (some 20 ms) for each\n"
        "mailbox and each word that its password was not held against yet.\n"
        "seal encrypts the passwords that the server itself logs in with, for the one service\n"
        "that needs them, with a key that only that service can read (etc/keys/OWNER.key, made\n"
        "where it is missing). SETTING is remote.relay_passwords, proxy.password_file,\n"
        "auth.outside_accounts, ldap.write_password_file, alert.webhook_secret or\n"
        "acme.binding_key. It reads a password from the terminal or standard input and prints\n"
        "the text to put in its place; HOST and NAME are those of its line, and elsewhere the\n"
        "text does not open. With --in-place all plain passwords of the setting's file are\n"
        "sealed where they stand. rotate makes another key for an owner (out, auth, ldap, alert\n"
        "or acme), seals everything anew and drops the old one.\n"
        "A backup without etc/keys cannot open what is sealed, and one with it can: keep them\n"
        "apart.\n",
    .verbs = verbs,
};
