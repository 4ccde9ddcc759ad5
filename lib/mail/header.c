/*
 * lib/mail/header.c - takes a header section apart into fields (RFC 5322 section 2.2).
 *
 * Input: message content as it came from the network. Untrusted. Opens nothing; copies nothing but
 * into the caller's strbuf.
 */
#include "lib/mail/header.h"

#include <string.h>

#include "lib/base/parse.h"

static bool
is_wsp(char c)
{
    return c == ' ' || c == '\t';
}

/* The first line of `text` without its CRLF or LF; *with_end is its full length. */
static struct slice
first_line(struct slice text, size_t *with_end)
{
    size_t lf = slice_index(text, '\n');
    size_t len = lf;

    *with_end = lf == text.len ? lf : lf + 1;
    if (lf < text.len && len > 0 && text.ptr[len - 1] == '\r')
        len--;
    return slice_sub(text, 0, len);
}

/* Length of the field that starts `text`: its first line and the continuation lines behind it. */
static size_t
field_len(struct slice text)
{
    size_t end = 0;

    do {
        size_t lf = slice_index(slice_sub(text, end, text.len), '\n');

        end += lf;
        if (end == text.len)
            return end;
        end++;
    } while (end < text.len && is_wsp(text.ptr[end]));
    return end;
}

/* field name: printable US-ASCII except colon (RFC 5322 section 2.2); white space before the colon
 * is the obsolete form (section 4.5). */
static bool
split_name(struct slice line, struct slice *name, size_t *colon)
{
    size_t end = 0;

    while (end < line.len && line.ptr[end] > 32 && line.ptr[end] < 127 && line.ptr[end] != ':')
        end++;
    *name = slice_sub(line, 0, end);
    *colon = end;
    while (*colon < line.len && is_wsp(line.ptr[*colon]))
        (*colon)++;
    return end > 0 && *colon < line.len && line.ptr[*colon] == ':';
}

enum header_status
header_next(struct slice *rest, struct header_field *field)
{
    size_t with_end, colon, body_len;
    struct slice line, name;

    if (rest->len == 0)
        return HEADER_EMPTY;
    line = first_line(*rest, &with_end);
    if (line.len == 0) {
        *rest = slice_sub(*rest, with_end, rest->len);
        return HEADER_END;
    }
    if (!split_name(line, &name, &colon))
        return HEADER_BODY;
    field->name = name;
    field->raw = slice_sub(*rest, 0, field_len(*rest));
    body_len = field->raw.len;
    if (body_len > 0 && field->raw.ptr[body_len - 1] == '\n')
        body_len--;
    if (body_len > colon + 1 && field->raw.ptr[body_len - 1] == '\r')
        body_len--;
    field->body = slice_sub(field->raw, colon + 1, body_len);
    *rest = slice_sub(*rest, field->raw.len, rest->len);
    return HEADER_FIELD;
}

bool
header_find(struct slice message, const char *name, struct header_field *field)
{
    struct slice wanted = slice_of(name);
    struct header_field found;

    while (header_next(&message, &found) == HEADER_FIELD) {
        if (!slice_eq_nocase(found.name, wanted))
            continue;
        *field = found;
        return true;
    }
    return false;
}

size_t
header_section_len(struct slice message, size_t from)
{
    /* an empty line's LF follows another LF, with or without a CR between */
    size_t at = from < 2 ? 0 : from - 2;

    if (slice_starts(message, SLICE("\r\n")))
        return 2;
    if (slice_starts(message, SLICE("\n")))
        return 1;
    while (at < message.len) {
        size_t lf = at + slice_index(slice_sub(message, at, message.len), '\n');
        struct slice next = slice_sub(message, lf + 1, message.len);

        if (slice_starts(next, SLICE("\n")))
            return lf + 2;
        if (slice_starts(next, SLICE("\r\n")))
            return lf + 3;
        at = lf + 1;
    }
    return 0;
}

bool
header_unfold(struct slice body, struct strbuf *out)
{
    body = slice_trim(body);
    while (body.len > 0) {
        size_t lf = slice_index(body, '\n');
        size_t len = lf;

        if (lf < body.len && len > 0 && body.ptr[len - 1] == '\r')
            len--;
        (void)strbuf_append(out, slice_sub(body, 0, len)); /* the overflow is remembered */
        body = slice_sub(body, lf + 1, body.len);
    }
    return !out->overflow;
}

static void
note_field(const struct header_field *field, struct header_summary *summary)
{
    struct slice name = field->name;

    summary->fields++;
    if (slice_eq_nocase(name, SLICE("Received")))
        summary->received++;
    else if (slice_eq_nocase(name, SLICE("Date")))
        summary->has_date = true;
    else if (slice_eq_nocase(name, SLICE("Message-ID")))
        summary->has_message_id = true;
    else if (slice_eq_nocase(name, SLICE("From")))
        summary->has_from = true;
    else if (slice_eq_nocase(name, SLICE("Sender")))
        summary->has_sender = true;
    else if (slice_eq_nocase(name, SLICE("TLS-Required")))
        summary->tls_optional = summary->tls_required_fields++ == 0 &&
                                slice_eq_nocase(slice_trim(field->body), SLICE("No"));
}

void
header_summarize(struct slice section, unsigned fields_max, struct header_summary *summary)
{
    struct slice rest = section;
    struct header_field field;
    enum header_status status = HEADER_FIELD;

    memset(summary, 0, sizeof(*summary));
    while (summary->fields < fields_max && status == HEADER_FIELD) {
        status = header_next(&rest, &field);
        if (status == HEADER_FIELD)
            note_field(&field, summary);
    }
    summary->is_malformed = status == HEADER_BODY;
    summary->has_8bit = !parse_is_ascii(section);
}
