/*
 * lib/account/precis.c - user names by PRECIS. Input is any bytes, from the network too.
 */
#include "lib/account/precis.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define VIRAMA 9 /* canonical combining class */

/* ---- mapping (RFC 8265 section 3.3.1) ---- */

/* Rule 1: fullwidth and halfwidth characters to what they are a form of. */
static bool
append_width_mapped(struct slice text, struct strbuf *out)
{
    const uint8_t *at = (const uint8_t *)text.ptr, *end = at + text.len;

    while (at < end) {
        ucs4_t c, form[UC_DECOMPOSITION_MAX_LENGTH];
        uint8_t bytes[4];
        int tag = -1, len = u8_mbtoucr(&c, at, (size_t)(end - at));

        if (len <= 0)
            return false;
        at += len;
        if (uc_decomposition(c, &tag, form) == 1 &&
            (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
            c = form[0];
        len = u8_uctomb(bytes, c, sizeof(bytes));
        if (len <= 0 || !strbuf_append(out, slice_make(bytes, (size_t)len)))
            return false;
    }
    return true;
}

int
precis_map(struct slice text, struct strbuf *out)
{
    struct strbuf wide = strbuf_new(text.len * 2 + 16); /* half widths may grow by a byte */
    uint8_t *lower = NULL;
    size_t len = 0;
    bool fits = false;

    if (parse_is_utf8(text) && append_width_mapped(text, &wide)) /* rules 3 and 4 */
        lower = u8_tolower((const uint8_t *)wide.ptr, wide.len, NULL, UNINORM_NFC, NULL, &len);
    if (lower != NULL)
        fits = strbuf_append(out, slice_make(lower, len));
    free(lower);
    strbuf_free(&wide);
    return fits ? 0 : -1;
}

/* ---- the class (RFC 8264 section 8, RFC 5892 section 2.6) ---- */

enum verdict { ALLOWED, REFUSED, IN_CONTEXT };

static enum verdict
exception(ucs4_t c, bool *is_one)
{
    static const struct {
        ucs4_t first, last;
        enum verdict verdict;
    } table[] = {
        {0x00b7, 0x00b7, IN_CONTEXT}, {0x00df, 0x00df, ALLOWED},    {0x0375, 0x0375, IN_CONTEXT},
        {0x03c2, 0x03c2, ALLOWED},    {0x05f3, 0x05f4, IN_CONTEXT}, {0x0640, 0x0640, REFUSED},
        {0x0660, 0x0669, IN_CONTEXT}, {0x06f0, 0x06f9, IN_CONTEXT}, {0x06fd, 0x06fe, ALLOWED},
        {0x07fa, 0x07fa, REFUSED},    {0x0f0b, 0x0f0b, ALLOWED},    {0x200c, 0x200d, IN_CONTEXT},
        {0x3007, 0x3007, ALLOWED},    {0x302e, 0x302f, REFUSED},    {0x3031, 0x3035, REFUSED},
        {0x303b, 0x303b, REFUSED},    {0x30fb, 0x30fb, IN_CONTEXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (c >= table[i].first && c <= table[i].last) {
            *is_one = true;
            return table[i].verdict;
        }
    *is_one = false;
    return REFUSED;
}

static bool
has_compat(ucs4_t c)
{
    uint32_t out[UC_DECOMPOSITION_MAX_LENGTH * 4];
    size_t len = ARRAY_LEN(out);
    uint32_t *form = u32_normalize(UNINORM_NFKC, &c, 1, out, &len);
    bool same = form != NULL && len == 1 && form[0] == c;

    if (form != out)
        free(form);
    return !same;
}

static enum verdict
class_of(ucs4_t c)
{
    bool is_exception;
    enum verdict verdict = exception(c, &is_exception);

    if (is_exception)
        return verdict;
    if (c >= 0x21 && c <= 0x7e)
        return ALLOWED;
    if ((c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97c) ||
        (c >= 0xd7b0 && c <= 0xd7fb) || /* old Hangul Jamo */
        uc_is_property_default_ignorable_code_point(c) || uc_is_property_not_a_character(c) ||
        has_compat(c))
        return REFUSED;
    return uc_is_general_category(c, UC_CATEGORY_L) || uc_is_general_category(c, UC_CATEGORY_Mn) ||
                   uc_is_general_category(c, UC_CATEGORY_Mc) ||
                   uc_is_general_category(c, UC_CATEGORY_Nd)
               ? ALLOWED
               : REFUSED;
}

/* ---- contexts (RFC 5892 appendix A) ---- */

static bool
is_script(ucs4_t c, const char *name)
{
    return uc_is_script(c, uc_script_byname(name));
}

/* A.1: the joining types around a zero width non-joiner. */
static bool
breaks_a_joint(const uint32_t *s, size_t len, size_t i)
{
    size_t before = i, after = i + 1;
    int left, right;

    while (before > 0 && uc_joining_type(s[before - 1]) == UC_JOINING_TYPE_T)
        before--;
    while (after < len && uc_joining_type(s[after]) == UC_JOINING_TYPE_T)
        after++;
    if (before == 0 || after == len)
        return false;
    left = uc_joining_type(s[before - 1]);
    right = uc_joining_type(s[after]);
    return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
           (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

static bool
has_digit_between(const uint32_t *s, size_t len, ucs4_t first, ucs4_t last)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] >= first && s[i] <= last)
            return true;
    return false;
}

/* A.7: beside Hiragana, Katakana or Han somewhere in the name. */
static bool
is_japanese(const uint32_t *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] != 0x30fb &&
            (is_script(s[i], "Hiragana") || is_script(s[i], "Katakana") || is_script(s[i], "Han")))
            return true;
    return false;
}

static bool
context_fits(const uint32_t *s, size_t len, size_t i)
{
    switch (s[i]) {
    case 0x200c:
        return (i > 0 && uc_combining_class(s[i - 1]) == VIRAMA) || breaks_a_joint(s, len, i);
    case 0x200d:
        return i > 0 && uc_combining_class(s[i - 1]) == VIRAMA;
    case 0x00b7: /* A.3: between two l, in Catalan */
        return i > 0 && i + 1 < len && s[i - 1] == 'l' && s[i + 1] == 'l';
    case 0x0375:
        return i + 1 < len && is_script(s[i + 1], "Greek");
    case 0x05f3:
    case 0x05f4:
        return i > 0 && is_script(s[i - 1], "Hebrew");
    case 0x30fb:
        return is_japanese(s, len);
    default: /* A.8 and A.9: the two kinds of Arabic digits do not mix */
        return s[i] < 0x06f0 ? !has_digit_between(s, len, 0x06f0, 0x06f9)
                             : !has_digit_between(s, len, 0x0660, 0x0669);
    }
}

/* ---- the Bidi Rule (RFC 5893 section 2) ---- */

static bool
is_right_to_left(const uint32_t *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int bidi = uc_bidi_category(s[i]);

        if (bidi == UC_BIDI_R || bidi == UC_BIDI_AL || bidi == UC_BIDI_AN)
            return true;
    }
    return false;
}

/* Conditions 2, 4 and 5. */
static bool
may_stand(int bidi, bool rtl)
{
    switch (bidi) {
    case UC_BIDI_EN:
    case UC_BIDI_ES:
    case UC_BIDI_CS:
    case UC_BIDI_ET:
    case UC_BIDI_ON:
    case UC_BIDI_BN:
    case UC_BIDI_NSM:
        return true;
    case UC_BIDI_R:
    case UC_BIDI_AL:
    case UC_BIDI_AN:
        return rtl;
    default:
        return bidi == UC_BIDI_L && !rtl;
    }
}

static bool
may_end(int bidi, bool rtl)
{
    if (bidi == UC_BIDI_EN)
        return true;
    return rtl ? bidi == UC_BIDI_R || bidi == UC_BIDI_AL || bidi == UC_BIDI_AN : bidi == UC_BIDI_L;
}

static bool
bidi_fits(const uint32_t *s, size_t len)
{
    int first = uc_bidi_category(s[0]);
    bool rtl = first == UC_BIDI_R || first == UC_BIDI_AL, european = false, arabic = false;
    size_t end = len;

    if (!rtl && first != UC_BIDI_L)
        return false;
    for (size_t i = 0; i < len; i++) {
        int bidi = uc_bidi_category(s[i]);

        if (!may_stand(bidi, rtl))
            return false;
        european |= bidi == UC_BIDI_EN;
        arabic |= bidi == UC_BIDI_AN;
    }
    while (end > 0 && uc_bidi_category(s[end - 1]) == UC_BIDI_NSM)
        end--;
    return end > 0 && may_end(uc_bidi_category(s[end - 1]), rtl) && !(rtl && european && arabic);
}

bool
precis_is_username(struct slice mapped)
{
    size_t len = 0;
    uint32_t *s = u8_to_u32((const uint8_t *)mapped.ptr, mapped.len, NULL, &len);
    bool good = s != NULL && len > 0;

    for (size_t i = 0; i < len && good; i++) {
        enum verdict verdict = class_of(s[i]);

        good = verdict == ALLOWED || (verdict == IN_CONTEXT && context_fits(s, len, i));
    }
    if (good && is_right_to_left(s, len))
        good = bidi_fits(s, len);
    free(s);
    return good;
}
