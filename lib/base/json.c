/*
 * lib/base/json.c - strings of JSON. Text may hold any bytes.
 */
#include "lib/base/json.h"

#include "lib/base/parse.h"

/* Of a character of at most three bytes (RFC 3629 section 3). */
static unsigned
code_of(struct slice rune)
{
    unsigned code = (unsigned char)rune.ptr[0] & (rune.len == 1   ? 0x7fu
                                                  : rune.len == 2 ? 31u
                                                                  : 15u);

    for (size_t i = 1; i < rune.len; i++)
        code = code << 6 | ((unsigned char)rune.ptr[i] & 63u);
    return code;
}

void
json_quote(struct strbuf *out, struct slice text)
{
    (void)strbuf_char(out, '"'); /* overflow is remembered */
    for (size_t at = 0, len; at < text.len; at += len) {
        unsigned char c = (unsigned char)text.ptr[at];

        len = parse_utf8_at(text, at);
        if (len == 0) {
            (void)strbuf_str(out, "\\ufffd");
            len = 1;
        } else if (c == '"' || c == '\\') {
            (void)strbuf_printf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f || parse_is_deceptive(slice_sub(text, at, at + len))) {
            (void)strbuf_printf(out, "\\u%04x", code_of(slice_sub(text, at, at + len)));
        } else {
            (void)strbuf_append(out, slice_sub(text, at, at + len));
        }
    }
    (void)strbuf_char(out, '"');
}
