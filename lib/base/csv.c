/*
 * lib/base/csv.c - tables as text: reads and writes records of fields (RFC 4180).
 *
 * The text comes from other programs' exports: anything may be in it. No I/O.
 */
#include "lib/base/csv.h"

#define BYTE_ORDER_MARK SLICE("\xef\xbb\xbf")

struct csv
csv_new(struct slice text, char separator, char comment)
{
    size_t mark = slice_starts(text, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.len : 0;

    return (struct csv){.rest = slice_sub(text, mark, text.len),
                        .separator = separator,
                        .comment = comment,
                        .line = 1,
                        .values = strbuf_new(CSV_RECORD_MAX)};
}

void
csv_free(struct csv *csv)
{
    strbuf_free(&csv->values);
}

static char
next_char(const struct csv *csv)
{
    return csv->rest.len == 0 ? '\n' : csv->rest.ptr[0];
}

static void
skip(struct csv *csv, size_t count)
{
    csv->rest = slice_sub(csv->rest, count, csv->rest.len);
}

static void
skip_line(struct csv *csv)
{
    skip(csv, slice_index(csv->rest, '\n') + 1);
    csv->line++;
}

/* Behind the opening quote, up to behind the closing one. NULL, or what is wrong. */
static const char *
read_quoted(struct csv *csv)
{
    for (;;) {
        size_t end = slice_index(csv->rest, '"');
        struct slice part = slice_sub(csv->rest, 0, end);

        if (end == csv->rest.len)
            return "a quote is not closed";
        if (!strbuf_append(&csv->values, part))
            return "the record is too long";
        for (size_t at = slice_index(part, '\n'); at < part.len; at = slice_index(part, '\n')) {
            csv->line++;
            part = slice_sub(part, at + 1, part.len);
        }
        skip(csv, end + 1);
        if (csv->rest.len == 0 || csv->rest.ptr[0] != '"')
            return NULL;
        skip(csv, 1); /* two of them stand for one */
        if (!strbuf_char(&csv->values, '"'))
            return "the record is too long";
    }
}

/* The end of a line is LF or CRLF. */
static bool
is_at_end_of_line(const struct csv *csv)
{
    return next_char(csv) == '\n' || slice_starts(csv->rest, SLICE("\r\n")) ||
           slice_eq(csv->rest, SLICE("\r"));
}

/* NULL, or what is wrong. */
static const char *
read_field(struct csv *csv)
{
    size_t end = 0;

    if (csv->rest.len > 0 && csv->rest.ptr[0] == '"') {
        const char *reason;

        skip(csv, 1);
        reason = read_quoted(csv);
        if (reason != NULL)
            return reason;
        return next_char(csv) == csv->separator || is_at_end_of_line(csv)
                   ? NULL
                   : "text follows a closing quote";
    }
    while (end < csv->rest.len && csv->rest.ptr[end] != csv->separator &&
           csv->rest.ptr[end] != '\n')
        end++;
    if (end > 0 && csv->rest.ptr[end - 1] == '\r' &&
        (end == csv->rest.len || csv->rest.ptr[end] == '\n'))
        end--;
    if (!strbuf_append(&csv->values, slice_sub(csv->rest, 0, end)))
        return "the record is too long";
    skip(csv, end);
    return NULL;
}

static const char *
read_fields(struct csv *csv, size_t ends[CSV_FIELDS_MAX])
{
    for (;;) {
        const char *reason;

        if (csv->count == CSV_FIELDS_MAX)
            return "there are too many fields";
        reason = read_field(csv);
        if (reason != NULL)
            return reason;
        ends[csv->count++] = csv->values.len;
        if (is_at_end_of_line(csv))
            return NULL;
        skip(csv, 1);
    }
}

enum csv_status
csv_next(struct csv *csv, const char **reason)
{
    size_t ends[CSV_FIELDS_MAX], from = 0;

    while (csv->rest.len > 0 &&
           (is_at_end_of_line(csv) || (csv->comment != '\0' && next_char(csv) == csv->comment)))
        skip_line(csv);
    if (csv->rest.len == 0)
        return CSV_END;
    csv->record_line = csv->line;
    csv->count = 0;
    strbuf_clear(&csv->values);
    *reason = read_fields(csv, ends);
    if (*reason != NULL) {
        csv->values.overflow = false;
        skip_line(csv);
        return CSV_MALFORMED;
    }
    skip_line(csv);
    for (size_t i = 0; i < csv->count; i++) {
        csv->fields[i] = slice_sub(strbuf_slice(&csv->values), from, ends[i]);
        from = ends[i];
    }
    return CSV_RECORD;
}

static bool
needs_quotes(struct slice value, char separator)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == separator || value.ptr[i] == '"' || value.ptr[i] == '\n' ||
            value.ptr[i] == '\r')
            return true;
    return value.len > 0 &&
           (value.ptr[0] == '#' || value.ptr[0] == ' ' || value.ptr[value.len - 1] == ' ');
}

void
csv_put(struct strbuf *out, char separator, bool is_first, struct slice value)
{
    if (!is_first)
        (void)strbuf_char(out, separator);
    if (!needs_quotes(value, separator)) {
        (void)strbuf_append(out, value);
        return;
    }
    (void)strbuf_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"')
            (void)strbuf_char(out, '"');
        (void)strbuf_char(out, value.ptr[i]);
    }
    (void)strbuf_char(out, '"');
}
