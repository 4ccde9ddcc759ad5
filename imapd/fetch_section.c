/*
 * imapd/fetch_section.c - sends the text of a message or of parts of it.
 *
 * Message text goes from its mapping to the stream without a copy, with one exception: NULs, which
 * no string of IMAP may hold, become 0x80, so that the length stays right.
 */
#include "imapd/fetch_section.h"

#include <string.h>
#include <time.h>

#include "imapd/fetch_binary.h"
#include "imapd/updates.h"
#include "lib/mail/imap_string.h"

void
fetch_section_date(int64_t real_ms, struct strbuf *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(real_ms >= 0 ? real_ms / 1000 : -((999 - real_ms) / 1000));
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900) {
        seconds = 0; /* four digits are all that the grammar has */
        (void)gmtime_r(&seconds, &tm);
    }
    (void)strbuf_printf(out, "\"%02d-%.3s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday,
                        months + (size_t)tm.tm_mon * 3, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                        tm.tm_sec);
}

static void
put_label_text(const struct fetch_section *x, struct strbuf *out)
{
    static const char *const names[] = {[MIME_SECTION_BODY] = "",
                                        [MIME_SECTION_HEADER] = "HEADER",
                                        [MIME_SECTION_TEXT] = "TEXT",
                                        [MIME_SECTION_MIME] = "MIME"};

    if (x->number_count > 0 && x->section != MIME_SECTION_BODY)
        (void)strbuf_char(out, '.');
    (void)strbuf_str(out, names[x->section]);
    if (!x->has_fields)
        return;
    (void)strbuf_str(out, x->negate ? ".FIELDS.NOT (" : ".FIELDS (");
    for (size_t i = 0; i < x->field_count; i++) {
        if (i > 0)
            (void)strbuf_char(out, ' ');
        imap_astring(x->fields[i], out);
    }
    (void)strbuf_char(out, ')');
}

static void
put_label(const struct fetch_section *x, struct strbuf *out)
{
    static const char *const names[] = {[FETCH_SECTION_BODY] = "BODY[",
                                        [FETCH_SECTION_BINARY] = "BINARY[",
                                        [FETCH_SECTION_BINARY_SIZE] = "BINARY.SIZE["};

    if (x->rfc822 != NULL) {
        (void)strbuf_printf(out, "%s ", x->rfc822);
        return;
    }
    (void)strbuf_str(out, names[x->kind]);
    for (size_t i = 0; i < x->number_count; i++)
        (void)strbuf_printf(out, i == 0 ? "%u" : ".%u", x->numbers[i]);
    put_label_text(x, out);
    (void)strbuf_char(out, ']');
    if (x->partial)
        (void)strbuf_printf(out, "<%llu>", (unsigned long long)x->offset);
    (void)strbuf_char(out, ' ');
}

static void
send_text(struct session *s, struct slice text)
{
    while (text.len > 0) {
        size_t clean = slice_index(text, '\0');

        (void)stream_write(s->stream, slice_sub(text, 0, clean)); /* an error sticks */
        if (clean < text.len)
            (void)stream_write(s->stream, SLICE("\x80"));
        text = slice_sub(text, clean + 1, text.len);
    }
}

/* The whole part, or all of its header. */
static bool
find_text(struct message_data *message, const struct fetch_section *x, struct slice *text)
{
    if (x->number_count > 0)
        return mime_section_find(message_mime(message), x->numbers, x->number_count, x->section,
                                 text);
    /* without part numbers the message needs no parsing */
    if (x->section == MIME_SECTION_HEADER)
        *text = message_header(message);
    else if (x->section == MIME_SECTION_TEXT)
        *text = message_text(message);
    else
        *text = message->bytes;
    return true;
}

bool
fetch_section_text(struct message_data *message, const struct fetch_section *x,
                   struct strbuf *fields, struct slice *text)
{
    if (!find_text(message, x, text))
        return false;
    if (x->has_fields) {
        (void)mime_section_fields(slice_sub(*text, 0, mime_limits()->header), x->fields,
                                  x->field_count, x->negate,
                                  fields); /* fits: a part of the header */
        *text = strbuf_slice(fields);
    }
    if (x->partial)
        *text = slice_sub(*text, x->offset, x->offset + x->length);
    return true;
}

void
fetch_section_send(struct session *s, const struct fetch_section *x)
{
    struct strbuf fields = strbuf_new(FETCH_SECTION_FIELDS_MAX);
    struct slice text;

    put_label(x, &s->out);
    if (x->kind != FETCH_SECTION_BODY) {
        fetch_binary_send(s, x);
        return;
    }
    if (!fetch_section_text(&s->message, x, &fields, &text)) {
        (void)strbuf_str(&s->out, "NIL");
        return;
    }
    (void)strbuf_printf(&s->out, "{%zu}\r\n", text.len);
    updates_put_out(s);
    send_text(s, text);
    strbuf_free(&fields);
}
