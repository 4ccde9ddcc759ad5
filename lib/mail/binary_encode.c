/*
 * lib/mail/binary_encode.c - makes a message with binary parts into one that any client can read.
 *
 * Input:  a message that a client appends. Untrusted.
 */
#include "lib/mail/binary_encode.h"

#include "lib/base/encode.h"
#include "lib/mail/mime.h"

enum { LINE_BYTES = 57 /* 76 characters of base64 (RFC 2045 section 6.8) */ };

static bool
has_nul(struct slice text)
{
    return slice_index(text, '\0') < text.len;
}

/* The header with another encoding in it, and its empty line. */
static void
put_header(struct slice header, struct strbuf *out)
{
    struct slice left = header, text;
    struct header_field field;
    size_t done = 0;

    while (mime_field_next(&left, &field)) {
        size_t at = (size_t)(field.raw.ptr - header.ptr);

        if (!slice_eq_nocase(field.name, SLICE("Content-Transfer-Encoding")))
            continue;
        (void)strbuf_append(out, slice_sub(header, done, at)); /* overflow is remembered */
        done = at + field.raw.len;
    }
    text = slice_sub(header, done, header.len);
    text.len -= slice_ends(text, SLICE("\r\n")) ? 2 : text.len > 0 ? 1 : 0;
    (void)strbuf_append(out, text);
    (void)strbuf_str(out, "Content-Transfer-Encoding: base64\r\n\r\n");
}

static void
put_base64(struct slice body, struct strbuf *out)
{
    for (size_t at = 0; at < body.len; at += LINE_BYTES) {
        if (at > 0)
            (void)strbuf_str(out, "\r\n");
        (void)base64_encode(slice_sub(body, at, at + LINE_BYTES), out);
    }
}

bool
binary_encode(struct slice message, struct strbuf *out)
{
    size_t start = out->len, done = 0;
    struct mime m;

    mime_parse(message, &m);
    for (uint32_t i = 0; i < m.count; i++) {
        const struct mime_part *part = &m.parts[i];

        if (part->kind != MIME_LEAF || part->encoding != TRANSFER_IDENTITY ||
            !has_nul(mime_body(&m, part)))
            continue;
        (void)strbuf_append(out, slice_sub(message, done, part->header));
        put_header(slice_sub(message, part->header, part->body), out);
        put_base64(mime_body(&m, part), out);
        done = part->end;
        if (part->end == message.len)
            (void)strbuf_str(out, "\r\n");
    }
    mime_free(&m);
    (void)strbuf_append(out, slice_sub(message, done, message.len));
    return !out->overflow && !has_nul(slice_sub(strbuf_slice(out), start, out->len));
}
