/*
 * lib/mail/transfer.c - content transfer encodings, decoded piece by piece.
 *
 * Input:  the body of a message part. Untrusted: the sender wrote it.
 */
#include "lib/mail/transfer.h"

#include "lib/base/encode.h"
#include "lib/mail/structured.h"

enum transfer_encoding
transfer_find(struct slice value)
{
    struct slice token = structured_token(&value);

    if (token.len == 0 || slice_eq_nocase(token, SLICE("7bit")) ||
        slice_eq_nocase(token, SLICE("8bit")) || slice_eq_nocase(token, SLICE("binary")))
        return TRANSFER_IDENTITY;
    if (slice_eq_nocase(token, SLICE("quoted-printable")))
        return TRANSFER_QUOTED_PRINTABLE;
    if (slice_eq_nocase(token, SLICE("base64")))
        return TRANSFER_BASE64;
    return TRANSFER_UNKNOWN;
}

struct transfer
transfer_begin(enum transfer_encoding encoding)
{
    return (struct transfer){.encoding = encoding};
}

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool
base64_piece(struct transfer *t, struct slice in, struct strbuf *out)
{
    char *to = strbuf_room(out, in.len);
    size_t used = 0;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < in.len && !t->ended; i++) {
        int value = base64_value(in.ptr[i]);

        if (in.ptr[i] == '=')
            t->ended = true; /* nothing that follows the padding counts */
        if (value < 0)
            continue;
        t->bits = t->bits << 6 | (uint32_t)value;
        t->count += 6;
        if (t->count >= 8) {
            t->count -= 8;
            to[used++] = (char)(t->bits >> t->count & 0xff);
        }
    }
    strbuf_grew(out, used);
    return true;
}

/* Decodes "=XX" at text.ptr[i]. -1: it is none, and stays as it is. */
static int
quoted_byte(struct slice text, size_t i)
{
    int high, low;

    if (text.ptr[i] != '=' || text.len - i < 3)
        return -1;
    high = hex_value(text.ptr[i + 1]);
    low = hex_value(text.ptr[i + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Length of `part`, the beginning of a longer line, without an escape that is cut off at its end.
 */
static size_t
whole_escapes(struct slice part)
{
    for (size_t back = 1; back <= 2 && back < part.len; back++)
        if (part.ptr[part.len - back] == '=')
            return part.len - back;
    return part.len;
}

/* How the line that begins `in` ends: white space before its end is not part of the text (section
 * 6.7 (3)), and "=" there joins it with the next one. The last line needs no end. Found out once
 * for a line, so that it does not matter into what pieces a long one is cut. */
static void
begin_line(struct transfer *t, struct slice in)
{
    size_t line_end = slice_index(in, '\n'), end, text;
    bool soft;

    end = line_end;
    while (end > 0 && in.ptr[end - 1] == '\r')
        end--;
    text = end;
    while (text > 0 && (in.ptr[text - 1] == ' ' || in.ptr[text - 1] == '\t'))
        text--;
    soft = text > 0 && in.ptr[text - 1] == '=';
    t->text = text - soft;
    t->dropped = end - t->text;
    t->end = line_end + (line_end < in.len) - end;
    if (soft) {
        t->dropped += t->end;
        t->end = 0;
    }
}

static void
quoted_text(struct slice text, char *to, size_t *used)
{
    for (size_t i = 0; i < text.len; i++) {
        int byte = quoted_byte(text, i);

        to[(*used)++] = byte < 0 ? text.ptr[i] : (char)byte;
        if (byte >= 0)
            i += 2;
    }
}

/* What is left of a line, at most `piece` bytes of it. */
static bool
quoted_piece(struct transfer *t, struct slice *in, size_t piece, struct strbuf *out)
{
    char *to = strbuf_room(out, piece < in->len ? piece : in->len);
    size_t used = 0, end;
    struct slice text;

    if (to == NULL)
        return false;
    if (t->text + t->dropped + t->end == 0)
        begin_line(t, *in);
    text = slice_sub(*in, 0, t->text < piece ? t->text : piece);
    if (text.len < t->text)
        text.len = whole_escapes(text);
    quoted_text(text, to, &used);
    t->text -= text.len;
    *in = slice_sub(*in, text.len, in->len);
    if (t->text == 0) {
        *in = slice_sub(*in, t->dropped, in->len);
        t->dropped = 0;
        end = t->end < piece - text.len ? t->end : piece - text.len;
        for (size_t i = 0; i < end; i++)
            to[used++] = in->ptr[i];
        *in = slice_sub(*in, end, in->len);
        t->end -= end;
    }
    strbuf_grew(out, used);
    return true;
}

bool
transfer_next(struct transfer *t, struct slice *in, size_t piece, struct strbuf *out)
{
    struct slice part = slice_sub(*in, 0, piece);

    if (in->len == 0 || t->ended)
        return false;
    if (t->encoding == TRANSFER_QUOTED_PRINTABLE)
        return quoted_piece(t, in, piece, out);
    *in = slice_sub(*in, part.len, in->len);
    if (t->encoding == TRANSFER_BASE64)
        return base64_piece(t, part, out);
    return strbuf_append(out, part);
}
