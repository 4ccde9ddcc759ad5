/*
 * lib/mail/utf8.c - code points in and out of UTF-8, and folding of case for search.
 *
 * Folding is simple case folding (Unicode's CaseFolding.txt, status C) for the alphabets that have
 * case and are in daily use; it never changes the number of code points.
 */
#include "lib/mail/utf8.h"

#include <string.h>

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

/* Ranges where lower case is a fixed distance away, and ranges where cases alternate. */
static const struct fold_range {
    uint32_t first, last;
    int32_t distance; /* 0: pairs, the even (or, with `odd`, the odd) code point is upper case */
    bool odd;
} fold_ranges[] = {
    {0xc0, 0xd6, 32, false},     {0xd8, 0xde, 32, false},     {0x100, 0x12f, 0, false},
    {0x132, 0x137, 0, false},    {0x139, 0x148, 0, true},     {0x14a, 0x177, 0, false},
    {0x178, 0x178, -121, false}, {0x179, 0x17e, 0, true},     {0x1cd, 0x1dc, 0, true},
    {0x1de, 0x1ef, 0, false},    {0x1f8, 0x21f, 0, false},    {0x222, 0x233, 0, false},
    {0x386, 0x386, 38, false},   {0x388, 0x38a, 37, false},   {0x38c, 0x38c, 64, false},
    {0x38e, 0x38f, 63, false},   {0x391, 0x3a1, 32, false},   {0x3a3, 0x3ab, 32, false},
    {0x3c2, 0x3c2, 1, false},    {0x400, 0x40f, 80, false},   {0x410, 0x42f, 32, false},
    {0x460, 0x481, 0, false},    {0x48a, 0x4bf, 0, false},    {0x4c1, 0x4ce, 0, true},
    {0x4d0, 0x52f, 0, false},    {0x531, 0x556, 48, false},   {0x1e00, 0x1e95, 0, false},
    {0x1ea0, 0x1eff, 0, false},  {0xff21, 0xff3a, 32, false},
};

uint32_t
utf8_fold_code(uint32_t code)
{
    if (code < 0x80)
        return code >= 'A' && code <= 'Z' ? code + 32 : code;
    for (size_t i = 0; i < ARRAY_LEN(fold_ranges); i++) {
        const struct fold_range *r = &fold_ranges[i];

        if (code < r->first)
            break;
        if (code > r->last)
            continue;
        if (r->distance != 0)
            return (uint32_t)((int32_t)code + r->distance);
        return (code & 1) == (r->odd ? 1u : 0u) ? code + 1 : code;
    }
    return code;
}

/* Copies what is ASCII at the beginning of `text`, in lower case; returns its length. */
static size_t
fold_ascii(struct slice text, char *to)
{
    size_t i = 0;

    for (; text.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
        uint64_t word, from_a, above_z;

        memcpy(&word, text.ptr + i, sizeof(word));
        if ((word & high) != 0)
            break;
        /* no byte carries into the next: all are below 0x80 */
        from_a = word + ones * (0x80 - 'A');
        above_z = word + ones * (0x80 - 'Z' - 1);
        word |= (from_a & ~above_z & high) >> 2; /* 0x20 */
        memcpy(to + i, &word, sizeof(word));
    }
    for (; i < text.len && (unsigned char)text.ptr[i] < 0x80; i++)
        to[i] = (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
    return i;
}

bool
utf8_fold(struct slice text, struct strbuf *out)
{
    char *to = strbuf_room(out, text.len); /* no fold above changes the length in UTF-8 */
    size_t used = 0;
    uint32_t code;

    if (to == NULL)
        return false;
    while (text.len > 0) {
        size_t plain = fold_ascii(text, to + used);

        used += plain;
        text = slice_sub(text, plain, text.len);
        if (text.len == 0)
            break;
        if (utf8_next(&text, &code)) {
            used += utf8_put(utf8_fold_code(code), to + used);
        } else { /* no UTF-8: stays what it is */
            to[used++] = text.ptr[0];
            text = slice_sub(text, 1, text.len);
        }
    }
    strbuf_grew(out, used);
    return true;
}
