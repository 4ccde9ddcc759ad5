/*
 * lib/mail/transfer_encode.c - content transfer encodings, piece by piece.
 *
 * Input: any bytes. Overflow of `out` is remembered there, so appends are not tested one by one.
 */
#include "lib/mail/transfer_encode.h"

#include "lib/base/encode.h"

enum {
    QUOTED_LINE = 75 /* characters before the "=" of a soft break (RFC 2045 section 6.7 (5)) */
};

struct transfer_encoder
transfer_encode_begin(enum transfer_encoding encoding)
{
    return (struct transfer_encoder){.encoding = encoding};
}

/* ---- quoted-printable ---- */

static void
quote(struct transfer_encoder *e, char byte, bool literal, struct strbuf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned value = (unsigned char)byte;

    if (e->column + (literal ? 1 : 3) > QUOTED_LINE) {
        (void)strbuf_str(out, "=\r\n");
        e->column = 0;
    }
    if (e->column == 0 && byte == '-') /* "--boundary" (section 6.7, last but one note) */
        literal = false;
    if (literal) {
        (void)strbuf_char(out, byte);
        e->column++;
        return;
    }
    (void)strbuf_char(out, '=');
    (void)strbuf_char(out, digits[value >> 4]);
    (void)strbuf_char(out, digits[value & 15]);
    e->column += 3;
}

/* The white space and the CR that wait for what follows them: nothing but a line break or the end
 * makes a difference to white space (section 6.7 (3)), and a CR without LF is no line break. */
static void
quote_held(struct transfer_encoder *e, bool at_end, struct strbuf *out)
{
    for (size_t i = 0; i < e->held_len; i++)
        quote(e, e->held[i], !at_end && e->held[i] != '\r', out);
    e->held_len = 0;
}

static void
quote_line_break(struct transfer_encoder *e, struct strbuf *out)
{
    e->held_len--; /* the CR */
    quote_held(e, true, out);
    (void)strbuf_str(out, "\r\n");
    e->column = 0;
}

static void
quote_piece(struct transfer_encoder *e, struct slice in, struct strbuf *out)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        bool holds_cr = e->held_len > 0 && e->held[e->held_len - 1] == '\r';

        if (c == '\n' && holds_cr) {
            quote_line_break(e, out);
            continue;
        }
        if (holds_cr || c != '\r')
            quote_held(e, false, out);
        if (c == ' ' || c == '\t' || c == '\r')
            e->held[e->held_len++] = c; /* two at most: a space and a CR */
        else
            quote(e, c, c > 32 && c < 127 && c != '=', out);
    }
}

/* ---- base64 ---- */

static void
base64_line(struct transfer_encoder *e, struct strbuf *out)
{
    if (e->column > 0)
        (void)strbuf_str(out, "\r\n");
    (void)base64_encode(slice_make(e->held, e->held_len), out);
    e->column = 1; /* how many does not matter */
    e->held_len = 0;
}

static void
base64_piece(struct transfer_encoder *e, struct slice in, struct strbuf *out)
{
    while (in.len > 0) {
        size_t room = sizeof(e->held) - e->held_len, take = in.len < room ? in.len : room;

        memcpy(e->held + e->held_len, in.ptr, take);
        e->held_len += take;
        in = slice_sub(in, take, in.len);
        if (e->held_len == sizeof(e->held))
            base64_line(e, out);
    }
}

/* ---- both ---- */

void
transfer_encode(struct transfer_encoder *e, struct slice in, struct strbuf *out)
{
    if (e->encoding == TRANSFER_BASE64)
        base64_piece(e, in, out);
    else
        quote_piece(e, in, out);
}

void
transfer_encode_end(struct transfer_encoder *e, bool ends_line, struct strbuf *out)
{
    if (e->encoding == TRANSFER_BASE64 && e->held_len > 0)
        base64_line(e, out);
    else if (e->encoding != TRANSFER_BASE64)
        quote_held(e, true, out);
    if (ends_line && e->column > 0)
        (void)strbuf_str(out, e->encoding == TRANSFER_BASE64 ? "\r\n" : "=\r\n");
    e->column = 0;
}
