/*
 * lib/mail/charset.c - the character sets that we convert to UTF-8 without a library.
 */
#include "lib/mail/charset.h"

#include "lib/mail/utf8.h"

const char *const charset_names[] = {"UTF-8",       "US-ASCII",     "ISO-8859-1",
                                     "ISO-8859-15", "WINDOWS-1252", NULL};

static const struct {
    const char *name;
    enum charset charset;
} names[] = {
    {"", CHARSET_UTF8},
    {"us-ascii", CHARSET_UTF8},
    {"utf-8", CHARSET_UTF8},
    {"iso-8859-1", CHARSET_WINDOWS_1252}, /* its C1 controls are in practice windows-1252 */
    {"windows-1252", CHARSET_WINDOWS_1252},
    {"iso-8859-15", CHARSET_LATIN9},
    {"ascii", CHARSET_UTF8},
    {"utf8", CHARSET_UTF8},
    {"ansi_x3.4-1968", CHARSET_UTF8},
    {"unknown-8bit", CHARSET_UTF8},
    {"latin1", CHARSET_WINDOWS_1252},
    {"iso_8859-1", CHARSET_WINDOWS_1252},
    {"iso8859-1", CHARSET_WINDOWS_1252},
    {"cp1252", CHARSET_WINDOWS_1252},
    {"latin-9", CHARSET_LATIN9},
    {"iso_8859-15", CHARSET_LATIN9},
    {"iso8859-15", CHARSET_LATIN9},
};

/* 0x80 to 0x9f of windows-1252; 0: not assigned. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

enum charset
charset_find(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq_nocase(name, slice_of(names[i].name)))
            return names[i].charset;
    return CHARSET_UNKNOWN;
}

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
to_code(enum charset charset, unsigned char c)
{
    if (charset == CHARSET_LATIN9)
        return latin9(c);
    if (charset == CHARSET_WINDOWS_1252 && c >= 0x80 && c <= 0x9f && windows_1252[c - 0x80] != 0)
        return windows_1252[c - 0x80];
    return c;
}

bool
charset_to_utf8(enum charset charset, struct slice text, struct strbuf *out)
{
    size_t start = out->len;

    if (charset == CHARSET_UTF8 || charset == CHARSET_UNKNOWN)
        return strbuf_append(out, text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x80 ? strbuf_char(out, (char)c) : utf8_append(out, to_code(charset, c)))
            continue;
        strbuf_truncate(out, start);
        return false;
    }
    return true;
}
