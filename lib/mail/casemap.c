/*
 * lib/mail/casemap.c - the i;unicode-casemap collation, with ICU's copy of UnicodeData.txt.
 *
 * ICU brings its tables in a library that is mapped when the program starts (as in charset.c), so
 * this works in a chroot and costs nothing until the first character beyond ASCII.
 */
#include "lib/mail/casemap.h"

#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include "lib/base/parse.h"
#include "lib/mail/utf8.h"

enum {
    PIECES_MAX = 32, /* UTF-16 units of one decomposition; the longest has 18 */
    DEPTH_MAX = 8,   /* decompositions of decompositions; Unicode has 4 */
    CACHE_SIZE = 512 /* characters: a text has few different ones */
};

#define NO_UTF8 "\xff" /* no UTF-8 begins with it */

/* Ideographs and Hangul syllables have neither case nor, in UnicodeData.txt, a decomposition. */
static bool
stays(uint32_t code)
{
    return (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3);
}

/* Title case, then the decomposition, and both again for each part of it (RFC 5051 section 2). */
static void
put_code(const UNormalizer2 *decomposer, UChar32 code, unsigned depth, struct strbuf *out)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar pieces[PIECES_MAX];
    int32_t len = -1, at = 0;

    code = u_totitle(code);
    if (decomposer != NULL && depth < DEPTH_MAX && !stays((uint32_t)code))
        len = unorm2_getRawDecomposition(decomposer, code, pieces, PIECES_MAX, &error);
    if (len < 0 || U_FAILURE(error)) {
        (void)utf8_append(out, (uint32_t)code); /* overflow shows in `out` */
        return;
    }
    while (at < len) {
        uint32_t piece = pieces[at++];

        if (piece >= 0xd800 && piece < 0xdc00 && at < len) /* the first half of a pair */
            piece = 0x10000 + ((piece - 0xd800) << 10) + (pieces[at++] - 0xdc00u);
        put_code(decomposer, (UChar32)piece, depth + 1, out);
    }
}

/* What put_code has said before. A process has one thread. */
static struct mapped {
    uint32_t code; /* 0: none */
    unsigned char len;
    char bytes[11];
} cache[CACHE_SIZE];

static void
put_character(const UNormalizer2 *decomposer, uint32_t code, struct strbuf *out)
{
    struct mapped *m = &cache[code % CACHE_SIZE];
    size_t before = out->len, len;

    if (m->code == code) {
        (void)strbuf_append(out, slice_make(m->bytes, m->len));
        return;
    }
    put_code(decomposer, (UChar32)code, 0, out);
    len = out->len - before;
    if (out->overflow || len > sizeof(m->bytes))
        return;
    m->code = code;
    m->len = (unsigned char)len;
    memcpy(m->bytes, out->ptr + before, len);
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b)) /* of a word */

static size_t
ascii_len(struct slice text)
{
    size_t len = 0;
    uint64_t word;

    for (; text.len - len >= sizeof(word); len += sizeof(word)) {
        memcpy(&word, text.ptr + len, sizeof(word));
        if ((word & EACH_BYTE(0x80)) != 0)
            break;
    }
    while (len < text.len && (unsigned char)text.ptr[len] < 0x80)
        len++;
    return len;
}

/* Of ASCII; eight bytes at a time, no sum carries into the next byte. */
static void
upper_case(const char *from, size_t len, char *to)
{
    size_t i = 0;
    uint64_t word;

    for (; len - i >= sizeof(word); i += sizeof(word)) {
        uint64_t from_a, above_z;

        memcpy(&word, from + i, sizeof(word));
        from_a = word + EACH_BYTE(0x80 - 'a');
        above_z = word + EACH_BYTE(0x80 - 'z' - 1);
        word ^= (from_a & ~above_z & EACH_BYTE(0x80)) >> 2; /* 0x20 */
        memcpy(to + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        to[i] = (char)(from[i] >= 'a' && from[i] <= 'z' ? from[i] - 32 : from[i]);
}

/* The ASCII at the beginning of *text, most of most mail; as much of it as fits. */
static void
put_ascii(struct slice *text, struct strbuf *out)
{
    size_t room = out->max - out->len, len = ascii_len(*text);
    char *to;

    out->overflow |= len > room;
    len = len < room ? len : room;
    to = strbuf_room(out, len);
    if (to != NULL)
        upper_case(text->ptr, len, to);
    strbuf_grew(out, len);
    *text = slice_sub(*text, len, text->len);
}

bool
casemap_text(struct slice text, struct strbuf *out)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *decomposer = unorm2_getNFKDInstance(&error);
    uint32_t code;

    if (U_FAILURE(error))
        decomposer = NULL;
    while (text.len > 0 && !out->overflow) {
        struct slice rest = text;

        if ((unsigned char)text.ptr[0] < 0x80) {
            put_ascii(&rest, out);
        } else if (!utf8_next(&rest, &code)) {
            (void)strbuf_char(out, text.ptr[0]); /* overflow shows in `out`, here and below */
            rest = slice_sub(text, 1, text.len);
        } else if (stays(code)) {
            (void)strbuf_append(out, slice_sub(text, 0, text.len - rest.len));
        } else {
            put_character(decomposer, code, out);
        }
        text = rest;
    }
    return !out->overflow;
}

bool
casemap_key(struct slice text, struct strbuf *out)
{
    if (parse_is_utf8(text))
        return casemap_text(text, out);
    (void)strbuf_str(out, NO_UTF8);
    return strbuf_append(out, text) && !out->overflow;
}
