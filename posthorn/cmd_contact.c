/*
 * posthorn/cmd_contact.c - `contact ...`: public contacts of domains, and of people outside.
 */
#include <stdio.h>
#include <string.h>

#include "lib/mail/casemap.h"
#include "posthorn/contact_table.h"

#define FIND_MAX 1024
#define FOLDED_MAX 65536

static int
contact_add(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 2, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    return accounts_add(cli, ACCOUNT_CONTACT, argv[0], NULL, 0, argv + 1, argc - 1);
}

static int
contact_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_CONTACT);
}

static int
contact_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_CONTACT);
}

/* One that fails does not keep the others. */
static int
contact_remove(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, CLI_LIST_MAX) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    for (int i = 0; i < argc; i++) {
        const struct accountd_admin request = {
            .verb = SLICE("del"), .kind = SLICE("contact"), .name = slice_of(argv[i])};
        struct accountd_admin_reply reply;

        if (accounts_do(accounts, &request, &reply) != CLI_OK)
            rc = CLI_FAILED;
    }
    accounts_close(&accounts);
    return rc;
}

/* ---- list ---- */

struct listing {
    struct table *table;
    struct strbuf wanted, folded; /* in the form in which texts are compared */
};

static void
list_one(void *arg, const struct object_field *fields, uint32_t count)
{
    struct listing *listing = arg;
    bool found = listing->wanted.len == 0;

    for (uint32_t i = 0; i < count && !found; i++) {
        strbuf_clear(&listing->folded);
        found = casemap_key(fields[i].value, &listing->folded) &&
                slice_find(strbuf_slice(&listing->folded), strbuf_slice(&listing->wanted)) <
                    listing->folded.len;
    }
    if (found)
        table_add(listing->table, fields, count);
}

static int
contact_list(struct cli *cli, int argc, char **argv)
{
    struct listing listing = {.wanted = strbuf_new(FIND_MAX), .folded = strbuf_new(FOLDED_MAX)};
    const char *book = NULL, *find = "";
    const struct cli_option options[] = {{"--book", CLI_TEXT, &book}, {"--find", CLI_TEXT, &find}};
    struct accounts *accounts = NULL;
    struct columns columns;
    int rc = CLI_OK;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (!casemap_key(slice_of(find), &listing.wanted))
        rc = cli_usage(cli, "--find: expected UTF-8 text of at most %d bytes", FIND_MAX);
    if (rc == CLI_OK) {
        accounts = accounts_open(cli);
        rc = accounts == NULL ? CLI_FAILED : CLI_OK;
    }
    if (rc == CLI_OK) {
        accounts_columns(ACCOUNT_CONTACT, &columns);
        listing.table = table_new(columns.items, columns.count);
        rc = accounts_list(accounts, ACCOUNT_CONTACT, book, list_one, &listing);
        if (rc == CLI_OK)
            table_print(&listing.table, cli->json);
        else
            table_free(&listing.table);
    }
    accounts_close(&accounts);
    strbuf_free(&listing.wanted);
    strbuf_free(&listing.folded);
    return rc;
}

/* ---- repair and clear ---- */

static int
whole_book(struct cli *cli, const char *verb, const char *book)
{
    const struct object_field field = {SLICE("book"), slice_of(book)};
    const struct accountd_admin request = {
        .verb = slice_of(verb), .kind = SLICE("contact"), .fields = &field, .field_count = 1};
    struct accounts *accounts = accounts_open(cli);
    struct accountd_admin_reply reply;
    int rc;

    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_do(accounts, &request, &reply);
    if (rc == CLI_OK && reply.text.len > 0)
        (void)printf("%.*s\n", (int)reply.text.len, reply.text.ptr);
    accounts_close(&accounts);
    return rc;
}

static int
contact_repair_run(struct cli *cli, int argc, char **argv)
{
    const char *book = "";
    const struct cli_option options[] = {{"--book", CLI_TEXT, &book}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    return whole_book(cli, "repair", book);
}

static int
contact_clear_run(struct cli *cli, int argc, char **argv)
{
    const char *book = "";
    bool yes = false;
    const struct cli_option options[] = {{"--book", CLI_TEXT, &book}, {"--yes", CLI_FLAG, &yes}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 0) != 0)
        return CLI_USAGE;
    if (!yes && !cli_confirm("This removes public contacts for good. Go on?"))
        return cli_fail(cli, "nothing was removed; --yes says that it is meant");
    return whole_book(cli, "clear", book);
}

/* ---- import and export ---- */

/* One character; "\t" and "tab" are a tabulator. */
static int
one_char(struct cli *cli, const char *option, const char *text, char *out)
{
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) {
        *out = '\t';
        return CLI_OK;
    }
    if (strlen(text) != 1 || text[0] == '"' || text[0] == '\n' || text[0] == '\r')
        return cli_usage(cli, "%s: expected one character, or tab", option);
    *out = text[0];
    return CLI_OK;
}

static int
contact_import_run(struct cli *cli, int argc, char **argv)
{
    struct contact_table table = {0};
    const char *separator = ",", *comment = "#";
    const struct cli_option options[] = {{"--book", CLI_TEXT, &table.book},
                                         {"--fields", CLI_TEXT, &table.fields},
                                         {"--separator", CLI_TEXT, &separator},
                                         {"--comment", CLI_TEXT, &comment},
                                         {"--no-overwrite", CLI_FLAG, &table.keep_theirs}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0 ||
        one_char(cli, "--separator", separator, &table.separator) != CLI_OK ||
        (comment[0] != '\0' && one_char(cli, "--comment", comment, &table.comment) != CLI_OK))
        return CLI_USAGE;
    table.path = argc > 0 ? argv[0] : NULL;
    return contact_import(cli, &table);
}

static int
contact_export_run(struct cli *cli, int argc, char **argv)
{
    struct contact_table table = {0};
    const char *separator = ",";
    const struct cli_option options[] = {{"--book", CLI_TEXT, &table.book},
                                         {"--fields", CLI_TEXT, &table.fields},
                                         {"--separator", CLI_TEXT, &separator},
                                         {"--no-header", CLI_FLAG, &table.no_header}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0 ||
        one_char(cli, "--separator", separator, &table.separator) != CLI_OK)
        return CLI_USAGE;
    table.path = argc > 0 ? argv[0] : NULL;
    return contact_export(cli, &table);
}

static const struct cli_verb verbs[] = {
    {"add", "NAME@BOOK PROPERTY=VALUE...", "adds a contact", contact_add},
    {"set", "NAME@BOOK PROPERTY=VALUE...", "changes one; the name stays", contact_set},
    {"remove", "NAME@BOOK...", "removes contacts; mailboxes stay", contact_remove},
    {"show", "NAME@BOOK [--json]", "everything about one", contact_show},
    {"list", "[--book BOOK] [--find TEXT] [--json]", "all, or those in which a text is",
     contact_list},
    {"import",
     "[FILE] [--fields A,B...] [--book BOOK] [--separator C] [--comment C] "
     "[--no-overwrite]",
     "takes a table in", contact_import_run},
    {"export", "[FILE] [--fields A,B...] [--book BOOK] [--separator C] [--no-header]",
     "writes a table", contact_export_run},
    {"repair", "[--book BOOK]", "makes published profiles what they have to be",
     contact_repair_run},
    {"clear", "[--book BOOK] --yes", "removes all", contact_clear_run},
    {0},
};

const struct command command_contact = {
    .name = "contact",
    .summary = "public contacts: add, set, remove, show, list, import, export, repair, clear",
    .help =
        "BOOK is a domain, or 'outside': the book of people elsewhere. The domain's property\n"
        "publish_users puts the profiles of its mailboxes there (no, all, or choice: those with\n"
        "publish=yes); contacts_own_users_only says who reads its book by LDAP. Such a contact\n"
        "follows the mailbox and goes with it. Removed by hand it stays away until 'repair', or\n"
        "until the mailbox begins to be published again.\n\n"
        "'import' reads a table: a record a line, fields between commas (or --separator), quotes\n"
        "where needed. The first record names the columns, unless --fields does ('-' for one\n"
        "that is not wanted); 'name' has to be among them, and gets @BOOK if it has no @. Lines\n"
        "that begin with '#' (or --comment) are skipped. Each record is taken whole or not at\n"
        "all; those that are not are reported with their line.\n"
        "Properties: full_name addresses company department title office phone_office fax pager\n"
        "ip_phone street city state post_code country mobile phone_home fax_home address_home\n"
        "description.\n",
    .verbs = verbs,
    .remote = "add set remove show list",
};
