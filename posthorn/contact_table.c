/*
 * posthorn/contact_table.c - contacts as a table of text (LDP-08).
 *
 * What is imported comes from other programs: each record is taken whole or not at all, and each
 * that is not is reported with its line. accountd checks every value.
 */
#include "posthorn/contact_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/csv.h"
#include "lib/base/io.h"

#define TEXT_MAX (256u << 20)
#define NAME_MAX_BYTES 1024
#define CODE_EXISTS 2
#define REASON_MAX 200

/* ---- columns ---- */

struct table_columns {
    struct slice names[CSV_FIELDS_MAX]; /* of properties; "-": not wanted */
    size_t count;
    size_t name_at; /* which one is the contact's name */
};

static int
check_columns(struct cli *cli, struct table_columns *columns)
{
    columns->name_at = columns->count;
    for (size_t i = 0; i < columns->count; i++) {
        const char *near = NULL;
        int id;

        if (slice_eq(columns->names[i], SLICE("-")))
            continue;
        id = account_property_find(ACCOUNT_CONTACT, columns->names[i], &near);
        if (id < 0)
            return cli_fail(cli,
                            "there is no property '%.*s'%s%s; '-' is a column that is not wanted",
                            (int)columns->names[i].len, columns->names[i].ptr,
                            near == NULL ? "" : ": did you mean ", near == NULL ? "" : near);
        if (id == CONTACT_NAME)
            columns->name_at = i;
    }
    return CLI_OK;
}

/* From --fields, separated by commas. */
static int
parse_columns(struct cli *cli, const char *text, struct table_columns *columns)
{
    struct slice rest = slice_of(text);

    *columns = (struct table_columns){0};
    while (rest.len > 0) {
        if (columns->count == CSV_FIELDS_MAX)
            return cli_fail(cli, "more than %d columns", CSV_FIELDS_MAX);
        columns->names[columns->count++] = slice_split(&rest, ',');
    }
    return check_columns(cli, columns);
}

/* ---- import ---- */

struct import {
    struct cli *cli;
    const struct contact_table *table;
    struct accounts *accounts;
    struct table_columns columns;
    struct csv csv;
    struct strbuf name;
    unsigned long long added, changed, kept, failed;
};

static void
report(struct import *im, struct slice reason)
{
    im->failed++;
    (void)fprintf(stderr, "line %llu: %.*s\n", (unsigned long long)im->csv.record_line,
                  (int)reason.len, reason.ptr);
}

/* The name with its book. */
static bool
full_name(struct import *im, struct slice given)
{
    strbuf_clear(&im->name);
    (void)strbuf_append(&im->name, given);
    if (slice_index(given, '@') == given.len && im->table->book != NULL) {
        (void)strbuf_char(&im->name, '@');
        (void)strbuf_str(&im->name, im->table->book);
    }
    return given.len > 0 && !im->name.overflow;
}

/* CLI_OK also when it was refused: that is in the report. */
static int
send_record(struct import *im, const struct object_field *fields, uint32_t count)
{
    struct accountd_admin request = {.verb = SLICE("add"),
                                     .kind = SLICE("contact"),
                                     .name = strbuf_slice(&im->name),
                                     .fields = fields,
                                     .field_count = count};
    struct accountd_admin_reply reply;
    int rc = accounts_call(im->accounts, &request, &reply);
    bool changes = false;

    if (rc == CLI_OK && reply.result == CODE_EXISTS && !im->table->keep_theirs) {
        changes = true;
        request.verb = SLICE("set");
        rc = accounts_call(im->accounts, &request, &reply);
    }
    if (rc != CLI_OK)
        return rc;
    if (reply.result == 0)
        ++*(changes ? &im->changed : &im->added);
    else if (reply.result == CODE_EXISTS && im->table->keep_theirs)
        im->kept++;
    else
        report(im, reply.text);
    return CLI_OK;
}

static int
import_record(struct import *im)
{
    struct object_field fields[CSV_FIELDS_MAX];
    char reason[REASON_MAX];
    uint32_t count = 0;

    if (im->csv.count != im->columns.count) {
        (void)snprintf(reason, sizeof(reason), "expected %zu fields, not %zu", im->columns.count,
                       im->csv.count);
        report(im, slice_of(reason));
        return CLI_OK;
    }
    if (!full_name(im, im->csv.fields[im->columns.name_at])) {
        report(im, SLICE("the name is empty or too long"));
        return CLI_OK;
    }
    for (size_t i = 0; i < im->columns.count; i++) {
        int id;
        const char *near;

        if (i == im->columns.name_at || slice_eq(im->columns.names[i], SLICE("-")))
            continue;
        id = account_property_find(ACCOUNT_CONTACT, im->columns.names[i], &near);
        if (id >= 0 && (account_properties[id].flags & PROPERTY_GIVEN) == 0)
            fields[count++] = (struct object_field){im->columns.names[i], im->csv.fields[i]};
    }
    return send_record(im, fields, count);
}

static int
take_header(struct import *im, struct strbuf *header)
{
    struct table_columns columns = {.count = im->csv.count};

    for (size_t i = 0; i < im->csv.count; i++)
        columns.names[i] = im->csv.fields[i];
    /* the record's own memory is used again for the next one */
    for (size_t i = 0; i < columns.count; i++) {
        (void)strbuf_append(header, columns.names[i]); /* both have the same limit */
        (void)strbuf_char(header, ',');
    }
    return parse_columns(im->cli, strbuf_cstr(header), &im->columns);
}

static int
import_records(struct import *im, struct strbuf *header)
{
    enum csv_status status;
    const char *reason = NULL;
    int rc = CLI_OK;

    while (rc == CLI_OK && (status = csv_next(&im->csv, &reason)) != CSV_END) {
        if (im->columns.count == 0 && status == CSV_RECORD) {
            rc = take_header(im, header);
        } else if (status == CSV_MALFORMED) {
            report(im, slice_of(reason));
            continue;
        } else {
            rc = import_record(im);
        }
        if (rc == CLI_OK && im->columns.name_at == im->columns.count)
            rc = cli_fail(im->cli, "there is no column 'name'");
    }
    return rc;
}

static int
read_text(struct cli *cli, const char *path, struct strbuf *text)
{
    const char *from = path == NULL || strcmp(path, "-") == 0 ? "/dev/stdin" : path;

    if (read_file(AT_FDCWD, from, text) == 0)
        return CLI_OK;
    return cli_fail(cli, "%s: %s", from, errno == EFBIG ? "larger than 256 MiB" : strerror(errno));
}

int
contact_import(struct cli *cli, const struct contact_table *table)
{
    struct strbuf text = strbuf_new(TEXT_MAX), header = strbuf_new(2 * CSV_RECORD_MAX);
    struct import im = {.cli = cli, .table = table, .name = strbuf_new(NAME_MAX_BYTES)};
    int rc = table->fields == NULL ? CLI_OK : parse_columns(cli, table->fields, &im.columns);

    if (rc == CLI_OK)
        rc = read_text(cli, table->path, &text);
    im.csv = csv_new(strbuf_slice(&text), table->separator, table->comment);
    if (rc == CLI_OK) {
        im.accounts = accounts_open(cli);
        rc = im.accounts == NULL ? CLI_FAILED : import_records(&im, &header);
        accounts_close(&im.accounts);
        (void)printf("%llu added, %llu changed, %llu left as they were, %llu refused\n", im.added,
                     im.changed, im.kept, im.failed);
    }
    csv_free(&im.csv);
    strbuf_free(&im.name);
    strbuf_free(&text);
    strbuf_free(&header);
    return rc == CLI_OK && im.failed > 0 ? CLI_FAILED : rc;
}

/* ---- export ---- */

struct export
{
    const struct contact_table *table;
    struct table_columns columns;
    struct strbuf text;
};

static void
all_columns(struct table_columns *columns)
{
    size_t first, total = account_properties_of(ACCOUNT_CONTACT, &first);

    *columns = (struct table_columns){0};
    for (size_t id = first; id < first + total; id++)
        columns->names[columns->count++] = slice_of(account_properties[id].name);
}

static void
export_row(void *arg, const struct object_field *fields, uint32_t count)
{
    struct export *x = arg;

    for (size_t i = 0; i < x->columns.count; i++) {
        struct slice value = SLICE("");

        for (uint32_t f = 0; f < count; f++)
            if (slice_eq(fields[f].name, x->columns.names[i]))
                value = fields[f].value;
        csv_put(&x->text, x->table->separator, i == 0, value);
    }
    (void)strbuf_char(&x->text, '\n');
}

static int
write_text(struct cli *cli, const char *path, struct slice text)
{
    if (path == NULL || strcmp(path, "-") == 0)
        return write_all(STDOUT_FILENO, text) < 0
                   ? cli_fail(cli, "standard output: %s", strerror(errno))
                   : CLI_OK;
    return replace_file(AT_FDCWD, path, text, 0600) < 0
               ? cli_fail(cli, "%s: %s", path, strerror(errno))
               : CLI_OK;
}

int
contact_export(struct cli *cli, const struct contact_table *table)
{
    struct export x = {.table = table, .text = strbuf_new(TEXT_MAX)};
    struct accounts *accounts = NULL;
    int rc = CLI_OK;

    if (table->fields == NULL)
        all_columns(&x.columns);
    else
        rc = parse_columns(cli, table->fields, &x.columns);
    if (rc == CLI_OK) {
        for (size_t i = 0; i < x.columns.count && !table->no_header; i++)
            csv_put(&x.text, table->separator, i == 0, x.columns.names[i]);
        if (!table->no_header)
            (void)strbuf_char(&x.text, '\n');
        accounts = accounts_open(cli);
        rc = accounts == NULL
                 ? CLI_FAILED
                 : accounts_list(accounts, ACCOUNT_CONTACT, table->book, export_row, &x);
    }
    if (rc == CLI_OK && x.text.overflow)
        rc = cli_fail(cli, "the contacts are larger than %u MiB as text", TEXT_MAX >> 20);
    if (rc == CLI_OK)
        rc = write_text(cli, table->path, strbuf_slice(&x.text));
    accounts_close(&accounts);
    strbuf_free(&x.text);
    return rc;
}
