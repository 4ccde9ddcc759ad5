/*
 * posthorn/user_table.c - users as a table of text, in and out, and changes of many at once.
 *
 * What is imported comes from other programs: each record is taken whole or not at all, and the
 * report says of each what became of it. accountd checks every value.
 */
#include "posthorn/user_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/csv.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/new_file.h"
#include "posthorn/user_many.h"

#define TEXT_MAX (256u << 20)
#define NAME_MAX_BYTES 1024
#define REASON_MAX 200
/* passwd(5): the name, and the gecos field's first part is the name of the person. */
#define PASSWD_FIELDS "address,-,-,-,full_name,-,-"
#define UID_AT 2

/* ---- columns ---- */

struct table_columns {
    struct slice names[CSV_FIELDS_MAX]; /* of properties; "-": not wanted */
    size_t count;
    size_t address_at; /* == count: there is none */
};

/* Besides the properties of users: a password in the clear, and a record of one. */
static const char *
special_column(struct slice name)
{
    if (slice_eq(name, SLICE("password")))
        return "new_password";
    return slice_eq(name, SLICE("password_record")) ? "password" : NULL;
}

static int
check_column(struct cli *cli, struct slice name, bool exporting)
{
    const char *near = NULL;
    int id = account_property_find(ACCOUNT_USER, name, &near);

    if (slice_eq(name, SLICE("-")) || (!exporting && special_column(name) != NULL))
        return CLI_OK;
    if (id < 0)
        return cli_fail(cli, "there is no property '%.*s'%s%s; '-' is a column that is not wanted",
                        (int)name.len, name.ptr, near == NULL ? "" : ": did you mean ",
                        near == NULL ? "" : near);
    if ((account_properties[id].flags & PROPERTY_SECRET) != 0)
        return cli_fail(cli, "'%s' is a secret: it is in no table", account_properties[id].name);
    return CLI_OK;
}

static int
check_columns(struct cli *cli, struct table_columns *columns, bool exporting)
{
    columns->address_at = columns->count;
    for (size_t i = 0; i < columns->count; i++) {
        if (check_column(cli, columns->names[i], exporting) != CLI_OK)
            return CLI_FAILED;
        if (slice_eq(columns->names[i], SLICE("address")))
            columns->address_at = i;
    }
    if (!exporting && columns->address_at == columns->count)
        return cli_fail(cli, "there is no column 'address'");
    return CLI_OK;
}

/* From --fields, or the first record's fields joined, separated by commas. */
static int
parse_columns(struct cli *cli, const char *text, bool exporting, struct table_columns *columns)
{
    struct slice rest = slice_of(text);

    *columns = (struct table_columns){0};
    while (rest.len > 0) {
        if (columns->count == CSV_FIELDS_MAX)
            return cli_fail(cli, "more than %d columns", CSV_FIELDS_MAX);
        columns->names[columns->count++] = slice_split(&rest, ',');
    }
    return check_columns(cli, columns, exporting);
}

static int
one_char(struct cli *cli, const char *option, const char *text, char *out)
{
    if (strcmp(text, "\\t") == 0)
        text = "\t";
    if (strlen(text) != 1)
        return cli_usage(cli, "%s: expected one character", option);
    *out = text[0];
    return CLI_OK;
}

/* ---- import ---- */

struct user_source {
    const char *path, *fields, *domain;
    char separator, comment;
    bool passwd;                 /* the host's file of accounts */
    uint64_t uid_min, uid_max;   /* of it */
    const struct cli_list *only; /* of these names; none: all */
};

struct import {
    struct user_many many;
    const struct user_source *source;
    struct table_columns columns;
    struct csv csv;
    struct strbuf address;
};

static bool
is_wanted(const struct user_source *source, struct slice name)
{
    for (size_t i = 0; i < source->only->count; i++)
        if (slice_eq(name, slice_of(source->only->items[i])))
            return true;
    return source->only->count == 0;
}

/* passwd(5): the third field. One that is no number is nobody's. */
static bool
has_wanted_uid(const struct import *im)
{
    uint64_t uid;

    if (!im->source->passwd)
        return true;
    return im->csv.count > UID_AT && parse_u64(im->csv.fields[UID_AT], UINT32_MAX, &uid) == 0 &&
           uid >= im->source->uid_min && uid <= im->source->uid_max;
}

/* With the default domain. */
static bool
complete_address(struct import *im, struct slice given)
{
    strbuf_clear(&im->address);
    (void)strbuf_append(&im->address, given);
    if (slice_index(given, '@') == given.len && im->source->domain != NULL) {
        (void)strbuf_char(&im->address, '@');
        (void)strbuf_str(&im->address, im->source->domain);
    }
    return given.len > 0 && !im->address.overflow;
}

static int
import_record(struct import *im)
{
    struct object_field fields[CSV_FIELDS_MAX + 1];
    const uint64_t line = im->csv.record_line;
    char reason[REASON_MAX];
    uint32_t count = 0;
    struct slice given;

    if (im->csv.count != im->columns.count) {
        (void)snprintf(reason, sizeof(reason), "expected %zu fields, not %zu", im->columns.count,
                       im->csv.count);
        user_many_refused(&im->many, line, im->csv.fields[0], slice_of(reason));
        return CLI_OK;
    }
    given = im->csv.fields[im->columns.address_at];
    if (!is_wanted(im->source, given) || !has_wanted_uid(im))
        return CLI_OK;
    if (!complete_address(im, given)) {
        user_many_refused(&im->many, line, SLICE(""), SLICE("the address is empty or too long"));
        return CLI_OK;
    }
    for (size_t i = 0; i < im->columns.count; i++) {
        const char *special = special_column(im->columns.names[i]);
        struct slice value = im->csv.fields[i];

        if (i == im->columns.address_at || slice_eq(im->columns.names[i], SLICE("-")) ||
            value.len == 0)
            continue;
        if (im->source->passwd) /* "Alice Example,Room 5,..." */
            value = slice_sub(value, 0, slice_index(value, ','));
        fields[count++] = (struct object_field){
            special != NULL ? slice_of(special) : im->columns.names[i], value};
    }
    return user_many_do(&im->many, line, strbuf_slice(&im->address), fields, count);
}

static int
take_header(struct import *im, struct strbuf *header)
{
    /* the record's own memory is used again for the next one */
    for (size_t i = 0; i < im->csv.count; i++) {
        (void)strbuf_append(header, im->csv.fields[i]); /* both have the same limit */
        (void)strbuf_char(header, ',');
    }
    return parse_columns(im->many.cli, strbuf_cstr(header), false, &im->columns);
}

static int
import_records(struct import *im, struct strbuf *header)
{
    enum csv_status status;
    const char *reason = NULL;
    int rc = CLI_OK;

    while (rc == CLI_OK && (status = csv_next(&im->csv, &reason)) != CSV_END) {
        if (status == CSV_MALFORMED)
            user_many_refused(&im->many, im->csv.record_line, SLICE(""), slice_of(reason));
        else if (im->columns.count == 0)
            rc = take_header(im, header);
        else
            rc = import_record(im);
    }
    return rc;
}

static int
import_from(struct cli *cli, const struct user_source *source, bool random, const char *fixed_file)
{
    struct strbuf text = strbuf_new(TEXT_MAX), header = strbuf_new(2 * CSV_RECORD_MAX);
    struct import im = {.source = source, .address = strbuf_new(NAME_MAX_BYTES)};
    int rc = CLI_OK, begun;

    if (source->fields != NULL)
        rc = parse_columns(cli, source->fields, false, &im.columns);
    if (rc == CLI_OK && read_file(AT_FDCWD, source->path, &text) < 0)
        rc = cli_fail(cli, "%s: %s", source->path,
                      errno == EFBIG ? "larger than 256 MiB" : strerror(errno));
    im.csv = csv_new(strbuf_slice(&text), source->separator, source->comment);
    if (rc == CLI_OK) {
        begun = user_many_begin(&im.many, cli, "add", random, fixed_file);
        rc = user_many_end(&im.many, begun == CLI_OK ? import_records(&im, &header) : begun);
    }
    csv_free(&im.csv);
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap); /* there may be passwords in it */
    strbuf_free(&text);
    strbuf_free(&header);
    strbuf_free(&im.address);
    return rc;
}

static int
parse_uids(struct slice text, struct user_source *source)
{
    struct slice to = text, from = slice_split(&to, '-');

    return parse_u64(from, UINT32_MAX, &source->uid_min) < 0 ||
                   parse_u64(to, UINT32_MAX, &source->uid_max) < 0 ||
                   source->uid_min > source->uid_max
               ? -1
               : 0;
}

int
user_import(struct cli *cli, int argc, char **argv)
{
    struct cli_list only = {.count = 0};
    struct user_source source = {.only = &only, .uid_max = UINT32_MAX};
    const char *separator = NULL, *comment = "#", *fixed_file = NULL, *uids = NULL;
    bool random = false;
    const struct cli_option options[] = {{"--domain", CLI_TEXT, &source.domain},
                                         {"--fields", CLI_TEXT, &source.fields},
                                         {"--separator", CLI_TEXT, &separator},
                                         {"--comment", CLI_TEXT, &comment},
                                         {"--passwd", CLI_FLAG, &source.passwd},
                                         {"--only", CLI_LIST, &only},
                                         {"--uids", CLI_TEXT, &uids},
                                         {"--random-password", CLI_FLAG, &random},
                                         {"--password-file", CLI_TEXT, &fixed_file}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    if (uids != NULL && (!source.passwd || parse_uids(slice_of(uids), &source) < 0))
        return cli_usage(cli, "--uids goes with --passwd: expected FROM-TO, such as 1000-59999");
    if (separator == NULL)
        separator = source.passwd ? ":" : ",";
    if (source.passwd && source.fields == NULL)
        source.fields = PASSWD_FIELDS;
    if (source.passwd && source.domain == NULL)
        return cli_usage(cli, "--passwd needs --domain: the names there have none");
    if (one_char(cli, "--separator", separator, &source.separator) != CLI_OK ||
        (comment[0] != '\0' && one_char(cli, "--comment", comment, &source.comment) != CLI_OK))
        return CLI_USAGE;
    source.path = argv[0];
    return import_from(cli, &source, random, fixed_file);
}

/* ---- export ---- */

struct export
{
    struct table_columns columns;
    char separator;
    struct strbuf text;
};

static void
export_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct export *x = arg;

    for (size_t i = 0; i < x->columns.count; i++) {
        struct slice value = SLICE("");

        for (uint32_t f = 0; f < count; f++)
            if (slice_eq(fields[f].name, x->columns.names[i]))
                value = fields[f].value;
        csv_put(&x->text, x->separator, i == 0, value);
    }
    (void)strbuf_char(&x->text, '\n'); /* overflow is tested at the end */
}

static int
export_to(struct cli *cli, struct export *x, const char *domain, const char *path, bool force)
{
    struct accounts *accounts = accounts_open(cli);
    int rc = accounts == NULL ? CLI_FAILED
                              : accounts_list(accounts, ACCOUNT_USER, domain, export_row, x);

    accounts_close(&accounts);
    if (rc == CLI_OK && x->text.overflow)
        rc = cli_fail(cli, "the users are larger than %u MiB as text", TEXT_MAX >> 20);
    if (rc == CLI_OK && path == NULL)
        (void)fwrite(strbuf_cstr(&x->text), 1, x->text.len, stdout); /* main() tests stdout */
    else if (rc == CLI_OK)
        rc = new_file_write(cli, path, force, strbuf_slice(&x->text));
    return rc;
}

int
user_export(struct cli *cli, int argc, char **argv)
{
    struct export x = {.text = strbuf_new(TEXT_MAX)};
    const char *domain = NULL, *separator = ",", *fields = "address,full_name,status,quota_bytes";
    bool force = false, no_header = false;
    const struct cli_option options[] = {{"--domain", CLI_TEXT, &domain},
                                         {"--fields", CLI_TEXT, &fields},
                                         {"--separator", CLI_TEXT, &separator},
                                         {"--no-header", CLI_FLAG, &no_header},
                                         {"--force", CLI_FLAG, &force}};
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, 1) != 0 ||
        one_char(cli, "--separator", separator, &x.separator) != CLI_OK)
        return CLI_USAGE;
    rc = parse_columns(cli, fields, true, &x.columns);
    for (size_t i = 0; i < x.columns.count && !no_header; i++)
        csv_put(&x.text, x.separator, i == 0, x.columns.names[i]);
    if (!no_header)
        (void)strbuf_char(&x.text, '\n');
    if (rc == CLI_OK)
        rc = export_to(cli, &x, domain, argc == 1 ? argv[0] : NULL, force);
    strbuf_free(&x.text);
    return rc;
}

/* ---- update ---- */

static void
add_name(void *arg, const struct object_field *fields, uint32_t count)
{
    struct strbuf *names = arg;

    (void)strbuf_append(names, object_get(fields, count, "address")); /* see TEXT_MAX */
    (void)strbuf_char(names, '\n');
}

/* The users that were chosen, each with a line end behind it. */
static int
choose(struct user_many *many, const struct cli_list *users, const char *domain, bool all,
       struct strbuf *names)
{
    for (size_t i = 0; i < users->count; i++) {
        (void)strbuf_str(names, users->items[i]);
        (void)strbuf_char(names, '\n');
    }
    return users->count == 0 && (all || domain != NULL)
               ? accounts_list(many->accounts, ACCOUNT_USER, domain, add_name, names)
               : CLI_OK;
}

static int
update_each(struct user_many *many, struct slice names, const struct object_field *given,
            uint32_t count)
{
    struct object_field fields[ACCOUNTS_FIELDS_MAX + 1];
    int rc = CLI_OK;

    while (names.len > 0 && rc == CLI_OK) {
        for (uint32_t i = 0; i < count; i++)
            fields[i] = given[i];
        rc = user_many_do(many, 0, slice_split(&names, '\n'), fields, count);
    }
    return rc;
}

int
user_update(struct cli *cli, int argc, char **argv)
{
    struct object_field fields[ACCOUNTS_FIELDS_MAX];
    struct strbuf names = strbuf_new(TEXT_MAX);
    struct cli_list users = {.count = 0};
    const char *domain = NULL, *fixed_file = NULL, *defaults = NULL;
    bool all = false, random = false;
    const struct cli_option options[] = {{"--user", CLI_LIST, &users},
                                         {"--defaults", CLI_TEXT, &defaults},
                                         {"--domain", CLI_TEXT, &domain},
                                         {"--all", CLI_FLAG, &all},
                                         {"--random-password", CLI_FLAG, &random},
                                         {"--password-file", CLI_TEXT, &fixed_file}};
    struct user_many many;
    uint32_t count = 0;
    int rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 0, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    if ((users.count > 0) + (domain != NULL) + all != 1)
        return cli_usage(cli, "expected --user ADDRESS, --domain DOMAIN or --all");
    if (defaults != NULL && (argc > 0 || random || fixed_file != NULL))
        return cli_usage(cli, "--defaults comes alone");
    if (argc == 0 && !random && fixed_file == NULL && defaults == NULL)
        return cli_usage(cli, "expected PROPERTY=VALUE, --defaults, or a password for each");
    if (defaults != NULL)
        fields[count++] = (struct object_field){SLICE("properties"), slice_of(defaults)};
    if (accounts_fields(cli, ACCOUNT_USER, argv, argc, fields, &count) != CLI_OK)
        return CLI_USAGE;
    rc = user_many_begin(&many, cli, defaults == NULL ? "set" : "defaults", random, fixed_file);
    if (rc == CLI_OK)
        rc = choose(&many, &users, domain, all, &names);
    if (rc == CLI_OK)
        rc = update_each(&many, strbuf_slice(&names), fields, count);
    rc = user_many_end(&many, rc);
    strbuf_free(&names);
    return rc;
}
