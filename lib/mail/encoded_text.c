/*
 * lib/mail/encoded_text.c - UTF-8 text as a header field's body.
 */
#include "lib/mail/encoded_text.h"

#include "lib/base/encode.h"

enum { ENCODE_PIECE = 45 }; /* 60 letters of base64: a word has 75 bytes at most (section 2) */

/* As much of `text` as fits in one word, whole characters only. */
static struct slice
take_piece(struct slice *text)
{
    size_t len = text->len < ENCODE_PIECE ? text->len : ENCODE_PIECE;
    struct slice piece;

    while (len < text->len && len > 1 && ((unsigned char)text->ptr[len] & 0xc0) == 0x80)
        len--; /* the next byte continues a character */
    piece = slice_sub(*text, 0, len);
    *text = slice_sub(*text, len, text->len);
    return piece;
}

bool
encoded_text_write(struct slice text, struct strbuf *out)
{
    size_t plain = 0;

    while (plain < text.len && (unsigned char)text.ptr[plain] < 0x80)
        plain++;
    if (plain == text.len)
        return strbuf_append(out, text);
    for (bool first = true; text.len > 0; first = false) {
        (void)strbuf_str(out, first ? "=?utf-8?B?" : "\r\n =?utf-8?B?"); /* overflow: below */
        (void)base64_encode(take_piece(&text), out);
        (void)strbuf_str(out, "?=");
    }
    return !out->overflow;
}
