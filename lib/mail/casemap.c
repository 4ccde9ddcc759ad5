/*
 * lib/mail/casemap.c - the i;unicode-casemap collation, with ICU's copy of UnicodeData.txt.
 *
 * ICU brings its tables in a library that is mapped when the program starts (as in charset.c), so
 * this works in a chroot and costs nothing until the first character beyond ASCII.
 */
#include "lib/mail/casemap.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include "lib/base/parse.h"
#include "lib/mail/utf8.h"

enum {
    PIECES_MAX = 32, /* UTF-16 units of one decomposition; the longest has 18 */
    DEPTH_MAX = 8,   /* decompositions of decompositions; Unicode has 4 */
    HANGUL_FIRST = 0xac00,
    HANGUL_LAST = 0xd7a3,
};

#define NO_UTF8 "\xff" /* no UTF-8 begins with it */

/* Title case, then the decomposition, and both again for each part of it (RFC 5051 section 2). */
static void
put_code(const UNormalizer2 *decomposer, UChar32 code, unsigned depth, struct strbuf *out)
{
    UErrorCode error = U_ZERO_ERROR;
    UChar pieces[PIECES_MAX];
    int32_t len = -1, at = 0;

    code = u_totitle(code);
    /* Hangul syllables have no decomposition in UnicodeData.txt */
    if (decomposer != NULL && depth < DEPTH_MAX && (code < HANGUL_FIRST || code > HANGUL_LAST))
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

bool
casemap_key(struct slice text, struct strbuf *out)
{
    const UNormalizer2 *decomposer = NULL;
    UErrorCode error = U_ZERO_ERROR;
    uint32_t code;

    if (!parse_is_utf8(text)) {
        (void)strbuf_str(out, NO_UTF8);
        return strbuf_append(out, text) && !out->overflow;
    }
    while (!out->overflow && utf8_next(&text, &code)) {
        if (code < 0x80) {
            (void)strbuf_char(out, (char)(code >= 'a' && code <= 'z' ? code - 32 : code));
            continue;
        }
        if (decomposer == NULL)
            decomposer = unorm2_getNFKDInstance(&error);
        put_code(U_SUCCESS(error) ? decomposer : NULL, (UChar32)code, 0, out);
    }
    return !out->overflow;
}
