/*
 * lib/mail/quoted_printable.c - writes text in quoted-printable. No I/O.
 */
#include "lib/mail/quoted_printable.h"

#define LINE_CHARS 76 /* with the "=" of a soft line break (RFC 2045 section 6.7 (5)) */

static bool
is_line_end(struct slice text, size_t at)
{
    return at == text.len ||
           (text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n');
}

/* As itself: printable but "=", and white space that does not end a line. */
static bool
is_plain(struct slice text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];

    if (c == ' ' || c == '\t')
        return !is_line_end(text, at + 1);
    return c > 0x20 && c < 0x7f && c != '=';
}

bool
quoted_printable_encode(struct slice text, struct strbuf *out)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool plain = is_plain(text, i);

        if (text.ptr[i] == '\r' && is_line_end(text, i)) {
            (void)strbuf_str(out, "\r\n"); /* overflow is told at the end */
            column = 0;
            i++;
            continue;
        }
        if (column + (plain ? 1 : 3) > LINE_CHARS - 1) {
            (void)strbuf_str(out, "=\r\n");
            column = 0;
        }
        if (plain)
            (void)strbuf_char(out, text.ptr[i]);
        else
            (void)strbuf_printf(out, "=%02X", (unsigned)(unsigned char)text.ptr[i]);
        column += plain ? 1 : 3;
    }
    return !out->overflow;
}
