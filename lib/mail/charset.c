/*
 * lib/mail/charset.c - text of any character set as UTF-8.
 *
 * Input:  names and bytes of stored mail and of clients' commands. Untrusted. ICU sees only names
 *         made of the characters that charset names have, and is told to open no file.
 */
#include "lib/mail/charset.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/udata.h>

#include "lib/base/mem.h"
#include "lib/mail/utf8.h"

enum {
    NAME_MAX_LEN = 60, /* bytes of a name; UCNV_MAX_CONVERTER_NAME_LENGTH */
    UNITS = 1024       /* UTF-16 units converted at a time */
};

enum kind {
    COPIED,
    LATIN9,
    WINDOWS_1252,
    BY_ICU,
};

struct charset {
    enum kind kind;
    bool is_known;
    UConverter *icu;
    UChar lead; /* first half of a pair, the second has not come yet; 0: none */
};

const char *const charset_names[] = {
    "UTF-8",        "US-ASCII",   "ISO-8859-1",  "ISO-8859-2",   "ISO-8859-5",
    "ISO-8859-7",   "ISO-8859-9", "ISO-8859-15", "WINDOWS-1250", "WINDOWS-1251",
    "WINDOWS-1252", "KOI8-R",     "KOI8-U",      "SHIFT_JIS",    "ISO-2022-JP",
    "EUC-JP",       "GB18030",    "GBK",         "BIG5",         "EUC-KR",
    "TIS-620",      "UTF-16",     NULL};

/* What senders mean by a name, where that is more than its standard says: the sets' later
 * supersets, as mail programs and browsers take them (WHATWG Encoding Standard). */
static const struct {
    const char *name;
    enum kind kind;
    const char *icu; /* NULL: not ICU's */
} names[] = {
    {"", COPIED, NULL},
    {"us-ascii", COPIED, NULL},
    {"utf-8", COPIED, NULL},
    {"iso-8859-1", WINDOWS_1252, NULL}, /* its C1 controls are in practice windows-1252 */
    {"windows-1252", WINDOWS_1252, NULL},
    {"iso-8859-15", LATIN9, NULL},
    {"ascii", COPIED, NULL},
    {"utf8", COPIED, NULL},
    {"ansi_x3.4-1968", COPIED, NULL},
    {"unknown-8bit", COPIED, NULL},
    {"latin1", WINDOWS_1252, NULL},
    {"iso_8859-1", WINDOWS_1252, NULL},
    {"iso8859-1", WINDOWS_1252, NULL},
    {"cp1252", WINDOWS_1252, NULL},
    {"latin-9", LATIN9, NULL},
    {"iso_8859-15", LATIN9, NULL},
    {"iso8859-15", LATIN9, NULL},
    {"gb2312", BY_ICU, "gb18030"},
    {"gb_2312-80", BY_ICU, "gb18030"},
    {"gbk", BY_ICU, "gb18030"},
    {"x-gbk", BY_ICU, "gb18030"},
    {"cp936", BY_ICU, "gb18030"},
    {"big5", BY_ICU, "big5-hkscs"},
    {"ks_c_5601-1987", BY_ICU, "windows-949"},
    {"euc-kr", BY_ICU, "windows-949"},
    {"shift_jis", BY_ICU, "windows-31j"},
    {"shift-jis", BY_ICU, "windows-31j"},
    {"x-sjis", BY_ICU, "windows-31j"},
    {"iso-8859-9", BY_ICU, "windows-1254"},
    {"iso-8859-11", BY_ICU, "windows-874"},
    {"tis-620", BY_ICU, "windows-874"},
    {"unicode-1-1-utf-7", BY_ICU, "utf-7"},
};

/* 0x80 to 0x9f of windows-1252; 0: not assigned. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

/* ---- names ---- */

/* "," would begin an option of ICU's. */
static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':' || c == '+' || c == '(' || c == ')';
}

/* What is no character of the set. (By itself ICU writes U+001A for some.) */
static void U_CALLCONV
replace(const void *context, UConverterToUnicodeArgs *args, const char *bytes, int32_t len,
        UConverterCallbackReason reason, UErrorCode *error)
{
    static const UChar replacement = UTF8_REPLACEMENT;

    (void)context;
    (void)bytes;
    (void)len;
    if (reason > UCNV_IRREGULAR)
        return; /* it begins anew, is closed or copied */
    *error = U_ZERO_ERROR;
    ucnv_cbToUWriteUChars(args, &replacement, 1, 0, error);
}

static UConverter *
open_icu(struct slice name)
{
    char text[NAME_MAX_LEN + 1];
    UErrorCode error = U_ZERO_ERROR;
    UConverter *icu;

    if (name.len == 0 || name.len >= sizeof(text))
        return NULL;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return NULL;
        text[i] = name.ptr[i];
    }
    text[name.len] = '\0';
    udata_setFileAccess(UDATA_NO_FILES, &error); /* what it has is linked to it */
    icu = ucnv_open(text, &error);
    ucnv_setToUCallBack(icu, replace, NULL, NULL, NULL, &error); /* nothing after an error */
    if (U_SUCCESS(error))
        return icu;
    ucnv_close(icu);
    return NULL;
}

struct charset *
charset_open(struct slice name)
{
    struct charset *cs = xcalloc(1, sizeof(*cs));

    cs->kind = BY_ICU;
    for (size_t i = 0; i < ARRAY_LEN(names) && !cs->is_known; i++) {
        if (!slice_eq_nocase(name, slice_of(names[i].name)))
            continue;
        cs->kind = names[i].kind;
        cs->is_known = true;
        if (names[i].icu != NULL)
            name = slice_of(names[i].icu);
    }
    if (cs->kind != BY_ICU)
        return cs;
    cs->icu = open_icu(name);
    cs->is_known = cs->icu != NULL;
    if (!cs->is_known)
        cs->kind = COPIED;
    return cs;
}

void
charset_close(struct charset **csp)
{
    if (*csp == NULL)
        return;
    ucnv_close((*csp)->icu);
    xfree(csp);
}

bool
charset_is_known(const struct charset *cs)
{
    return cs->is_known;
}

/* ---- conversion ---- */

static uint32_t
latin9(unsigned char c)
{
    switch (c) {
    case 0xa4:
        return 0x20ac;
    case 0xa6:
        return 0x0160;
    case 0xa8:
        return 0x0161;
    case 0xb4:
        return 0x017d;
    case 0xb8:
        return 0x017e;
    case 0xbc:
        return 0x0152;
    case 0xbd:
        return 0x0153;
    case 0xbe:
        return 0x0178;
    default:
        return c;
    }
}

static uint32_t
to_code(enum kind kind, unsigned char c)
{
    if (kind == LATIN9)
        return latin9(c);
    if (c >= 0x80 && c <= 0x9f && windows_1252[c - 0x80] != 0)
        return windows_1252[c - 0x80];
    return c;
}

static bool
convert_western(enum kind kind, struct slice text, struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (!(c < 0x80 ? strbuf_char(out, (char)c) : utf8_append(out, to_code(kind, c))))
            return false;
    }
    return true;
}

/* UTF-16 to UTF-8; a pair may be cut anywhere. A half alone becomes U+FFFD. */
static bool
put_units(struct charset *cs, const UChar *units, const UChar *end, struct strbuf *out)
{
    bool fits = true;

    for (; units < end && fits; units++) {
        if (cs->lead != 0 && U16_IS_TRAIL(*units)) {
            fits = utf8_append(out, (uint32_t)U16_GET_SUPPLEMENTARY(cs->lead, *units));
            cs->lead = 0;
            continue;
        }
        if (cs->lead != 0)
            fits = utf8_append(out, UTF8_REPLACEMENT);
        cs->lead = U16_IS_LEAD(*units) ? *units : 0;
        if (cs->lead == 0)
            fits = utf8_append(out, *units) && fits; /* no scalar value: U+FFFD */
    }
    return fits;
}

static bool
convert_icu(struct charset *cs, struct slice text, bool last, struct strbuf *out)
{
    const char *from = text.ptr == NULL ? "" : text.ptr, *end = from + text.len;
    UChar units[UNITS] = {0};
    UErrorCode error;

    do {
        UChar *to = units;

        error = U_ZERO_ERROR;
        ucnv_toUnicode(cs->icu, &to, units + UNITS, &from, end, NULL, last, &error);
        if (!put_units(cs, units, to, out))
            return false;
    } while (error == U_BUFFER_OVERFLOW_ERROR);
    return !last || cs->lead == 0 || utf8_append(out, UTF8_REPLACEMENT);
}

bool
charset_convert(struct charset *cs, struct slice piece, bool last, struct strbuf *out)
{
    if (cs->kind == COPIED)
        return strbuf_append(out, piece);
    if (cs->kind == BY_ICU)
        return convert_icu(cs, piece, last, out);
    return convert_western(cs->kind, piece, out);
}

bool
charset_convert_all(struct slice name, struct slice text, struct strbuf *out)
{
    struct charset *cs = charset_open(name);
    bool fits = charset_convert(cs, text, true, out);

    charset_close(&cs);
    return fits;
}
