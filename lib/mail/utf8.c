/*
 * lib/mail/utf8.c - code points in and out of UTF-8.
 */
#include "lib/mail/utf8.h"

#include "lib/base/parse.h"

bool
utf8_next(struct slice *text, uint32_t *code)
{
    unsigned char first;
    size_t len;

    if (text->len == 0)
        return false;
    first = (unsigned char)text->ptr[0];
    if (first < 0x80) {
        *code = first;
        *text = slice_sub(*text, 1, text->len);
        return true;
    }
    len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (text->len < len || !parse_is_utf8(slice_sub(*text, 0, len)))
        return false;
    *code = first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        *code = *code << 6 | ((unsigned char)text->ptr[i] & 0x3f);
    *text = slice_sub(*text, len, text->len);
    return true;
}

size_t
utf8_put(uint32_t code, char out[4])
{
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = UTF8_REPLACEMENT;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

bool
utf8_append(struct strbuf *out, uint32_t code)
{
    char bytes[4];

    return strbuf_append(out, slice_make(bytes, utf8_put(code, bytes)));
}
