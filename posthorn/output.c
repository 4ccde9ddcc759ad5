/*
 * posthorn/output.c - objects as an aligned table or as JSON. Values may hold any bytes.
 */
#include "posthorn/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/account/listing.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define OUTPUT_MAX (512u << 20)
#define PRINTED_MAX ((size_t)4 * OBJECT_VALUE_MAX) /* every byte as \xNN */

struct table {
    const struct column *columns;
    size_t column_count;
    char **cells; /* row by row */
    size_t rows, rows_allocated;
};

/* ---- text ---- */

/* Appends `text` fit for a terminal and returns how many columns it takes (one per character). */
static size_t
append_printable(struct strbuf *out, struct slice text)
{
    size_t width = 0;

    for (size_t at = 0, len; at < text.len; at += len) {
        unsigned char c = (unsigned char)text.ptr[at];
        bool valid = (len = parse_utf8_at(text, at)) > 0;

        len += !valid;
        /* C0, DEL and C1 (U+0080..U+009F is C2 80..9F) control a terminal. */
        if (!valid || c < 0x20 || c == 0x7f ||
            (c == 0xc2 && (unsigned char)text.ptr[at + 1] < 0xa0)) {
            for (size_t i = 0; i < len; i++)
                (void)strbuf_printf(out, "\\x%02x", (unsigned)(unsigned char)text.ptr[at + i]);
            width += 4 * len;
        } else {
            (void)strbuf_append(out, slice_sub(text, at, at + len));
            width++;
        }
    }
    return width;
}

static size_t
printed_width(struct slice text)
{
    struct strbuf scratch = strbuf_new(PRINTED_MAX);
    size_t width = append_printable(&scratch, text);

    strbuf_free(&scratch);
    return width;
}

/* ---- JSON ---- */

/* RFC 8259 section 6, the part that we send: an optional minus, digits, a fraction. */
static bool
is_json_number(struct slice text)
{
    size_t at = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    struct slice whole = slice_sub(text, at, text.len);
    struct slice fraction = whole;
    uint64_t value;

    whole = slice_split(&fraction, '.');
    if (parse_u64(whole, UINT64_MAX, &value) < 0 || (whole.len > 1 && whole.ptr[0] == '0'))
        return false;
    return whole.len + at == text.len || parse_u64(fraction, UINT64_MAX, &value) == 0;
}

static void
append_json_list(struct strbuf *out, struct slice text)
{
    bool first = true;

    (void)strbuf_char(out, '[');
    while (text.len > 0) {
        struct slice word = slice_split(&text, ' ');

        if (word.len == 0)
            continue;
        (void)strbuf_str(out, first ? "" : ", ");
        json_quote(out, word);
        first = false;
    }
    (void)strbuf_char(out, ']');
}

static void
append_json_value(struct strbuf *out, enum column_type type, struct slice text)
{
    bool on;

    if (type == COLUMN_LIST)
        append_json_list(out, text);
    else if (type != COLUMN_TEXT && text.len == 0)
        (void)strbuf_str(out, "null");
    else if (type == COLUMN_NUMBER && is_json_number(text))
        (void)strbuf_append(out, text);
    else if (type == COLUMN_BOOL && parse_bool(text, &on) == 0)
        (void)strbuf_str(out, on ? "true" : "false");
    else
        json_quote(out, text);
}

/* ---- tables ---- */

struct table *
table_new(const struct column *columns, size_t count)
{
    struct table *table = xcalloc(1, sizeof(*table));

    table->columns = columns;
    table->column_count = count;
    return table;
}

void
table_add(struct table *table, const struct object_field *fields, uint32_t count)
{
    if (table->rows == table->rows_allocated) {
        table->rows_allocated = table->rows_allocated == 0 ? 64 : table->rows_allocated * 2;
        table->cells = xreallocarray(table->cells, table->rows_allocated,
                                     table->column_count * sizeof(*table->cells));
    }
    for (size_t i = 0; i < table->column_count; i++)
        table->cells[table->rows * table->column_count + i] =
            xslicedup(object_get(fields, count, table->columns[i].name));
    table->rows++;
}

size_t
table_rows(const struct table *table)
{
    return table->rows;
}

/* ---- order ---- */

struct sorted_row {
    char **cells;
    struct slice key;
};

static int
compare_text(const void *a, const void *b)
{
    return listing_compare_text(((const struct sorted_row *)a)->key,
                                ((const struct sorted_row *)b)->key);
}

static int
compare_number(const void *a, const void *b)
{
    return listing_compare_number(((const struct sorted_row *)a)->key,
                                  ((const struct sorted_row *)b)->key);
}

static void
sort_by(struct table *table, size_t column, bool descending)
{
    size_t width = table->column_count;
    struct sorted_row *rows = xcalloc(table->rows, sizeof(*rows));
    char **cells = xreallocarray(NULL, table->rows_allocated, width * sizeof(*cells));

    for (size_t i = 0; i < table->rows; i++)
        rows[i] = (struct sorted_row){table->cells + i * width,
                                      slice_of(table->cells[i * width + column])};
    qsort(rows, table->rows, sizeof(*rows),
          table->columns[column].type == COLUMN_NUMBER ? compare_number : compare_text);
    for (size_t i = 0; i < table->rows; i++)
        memcpy(cells + i * width, rows[descending ? table->rows - 1 - i : i].cells,
               width * sizeof(*cells));
    free(table->cells);
    free(rows);
    table->cells = cells;
}

int
table_sort(struct table *table, const char *column, bool descending)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, column) != 0)
            continue;
        if (table->rows > 1)
            sort_by(table, i, descending);
        return 0;
    }
    return -1;
}

void
table_cut(struct table *table, uint64_t offset, uint64_t limit)
{
    size_t from = offset < table->rows ? (size_t)offset : table->rows;
    size_t count = table->rows - from < limit ? table->rows - from : (size_t)limit;
    size_t width = table->column_count;

    for (size_t i = 0; i < table->rows * width; i++)
        if (i < from * width || i >= (from + count) * width)
            free(table->cells[i]);
    if (count > 0)
        memmove(table->cells, table->cells + from * width, count * width * sizeof(*table->cells));
    table->rows = count;
}

static struct slice
cell(const struct table *table, size_t row, size_t column)
{
    return slice_of(table->cells[row * table->column_count + column]);
}

static void
append_json_row(struct strbuf *out, const struct table *table, size_t row, const char *indent)
{
    (void)strbuf_char(out, '{');
    for (size_t i = 0; i < table->column_count; i++) {
        (void)strbuf_printf(out, "%s%s\"%s\": ", i > 0 ? (indent[0] != '\0' ? "," : ", ") : "",
                            indent, table->columns[i].name);
        append_json_value(out, table->columns[i].type, cell(table, row, i));
    }
}

static void
append_json_table(struct strbuf *out, const struct table *table)
{
    (void)strbuf_char(out, '[');
    for (size_t row = 0; row < table->rows; row++) {
        (void)strbuf_str(out, row > 0 ? ",\n  " : "\n  ");
        append_json_row(out, table, row, "");
        (void)strbuf_char(out, '}');
    }
    (void)strbuf_str(out, table->rows > 0 ? "\n]\n" : "]\n");
}

static void
append_padded(struct strbuf *out, struct slice text, size_t width, bool right)
{
    size_t pad = width - printed_width(text);

    for (size_t i = 0; right && i < pad; i++)
        (void)strbuf_char(out, ' ');
    (void)append_printable(out, text);
    for (size_t i = 0; !right && i < pad; i++)
        (void)strbuf_char(out, ' ');
}

static size_t
column_width(const struct table *table, size_t column)
{
    size_t width = printed_width(slice_of(table->columns[column].name));

    for (size_t row = 0; row < table->rows; row++) {
        size_t w = printed_width(cell(table, row, column));

        if (w > width)
            width = w;
    }
    return width;
}

static void
trim_line_end(struct strbuf *out)
{
    while (strbuf_ends_with(out, " "))
        strbuf_truncate(out, out->len - 1);
    (void)strbuf_char(out, '\n');
}

static void
append_line(struct strbuf *out, const struct table *table, const size_t *widths, size_t row,
            bool head)
{
    const char *gap = "";

    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];

        if (column->json_only)
            continue;
        (void)strbuf_str(out, gap);
        append_padded(out, head ? slice_of(column->name) : cell(table, row, i), widths[i],
                      column->type == COLUMN_NUMBER);
        gap = "  ";
    }
    trim_line_end(out);
}

static void
append_text_table(struct strbuf *out, const struct table *table)
{
    size_t *widths = xcalloc(table->column_count, sizeof(*widths));

    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = column_width(table, i);
    if (table->rows > 0)
        append_line(out, table, widths, 0, true);
    for (size_t row = 0; row < table->rows; row++)
        append_line(out, table, widths, row, false);
    free(widths);
}

static void
append_lines(struct strbuf *out, const struct table *table)
{
    size_t width = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        size_t w = printed_width(slice_of(table->columns[i].name));

        if (w > width)
            width = w;
    }
    for (size_t i = 0; i < table->column_count; i++) {
        append_padded(out, slice_of(table->columns[i].name), width + 2, false);
        (void)append_printable(out, cell(table, 0, i));
        trim_line_end(out);
    }
}

void
table_free(struct table **tablep)
{
    struct table *table = *tablep;

    for (size_t i = 0; i < table->rows * table->column_count; i++)
        free(table->cells[i]);
    free(table->cells);
    xfree(tablep);
}

static void
write_out(struct strbuf *out)
{
    (void)fwrite(strbuf_cstr(out), 1, out->len, stdout); /* main() tests stdout at the end */
    strbuf_free(out);
}

void
table_json(const struct table *table, struct strbuf *out)
{
    append_json_table(out, table);
}

void
table_print(struct table **tablep, bool json)
{
    struct strbuf out = strbuf_new(OUTPUT_MAX);

    if (json)
        append_json_table(&out, *tablep);
    else
        append_text_table(&out, *tablep);
    write_out(&out);
    table_free(tablep);
}

void
table_print_object(struct table **tablep)
{
    struct strbuf out = strbuf_new(OUTPUT_MAX);

    append_json_row(&out, *tablep, 0, "\n  ");
    (void)strbuf_str(&out, "\n}\n");
    write_out(&out);
    table_free(tablep);
}

void
output_show(const struct column *columns, size_t column_count, const struct object_field *fields,
            uint32_t count, bool json)
{
    struct strbuf out = strbuf_new(OUTPUT_MAX);
    struct table *table = table_new(columns, column_count);

    table_add(table, fields, count);
    if (json) {
        table_print_object(&table);
        return;
    }
    append_lines(&out, table);
    write_out(&out);
    table_free(&table);
}
