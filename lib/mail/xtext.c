/*
 * lib/mail/xtext.c - xtext = *( xchar / "+" two upper-case hex digits ) (RFC 3461 section 4).
 *
 * Input: values of ENVID, ORCPT and AUTH parameters. Untrusted. No I/O.
 */
#include "lib/mail/xtext.h"

/* ASCII "!" to "~" except "+" and "=". */
static bool
is_xchar(char c)
{
    return c >= '!' && c <= '~' && c != '+' && c != '=';
}

static int
upper_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; /* lower case is not allowed */
}

/* The byte that starts at text.ptr[*i]; moves *i behind it. -1: none. */
static int
next_byte(struct slice text, size_t *i)
{
    int high, low;

    if (text.ptr[*i] != '+')
        return is_xchar(text.ptr[*i]) ? (unsigned char)text.ptr[(*i)++] : -1;
    if (text.len - *i < 3)
        return -1;
    high = upper_hex_value(text.ptr[*i + 1]);
    low = upper_hex_value(text.ptr[*i + 2]);
    *i += 3;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool
xtext_is_valid(struct slice text)
{
    for (size_t i = 0; i < text.len;)
        if (next_byte(text, &i) < 0)
            return false;
    return true;
}

bool
xtext_encode(struct slice plain, struct strbuf *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.ptr[i];

        if (is_xchar((char)c)) {
            (void)strbuf_char(out, (char)c); /* the overflow is remembered */
            continue;
        }
        (void)strbuf_char(out, '+');
        (void)strbuf_char(out, digits[c >> 4]);
        (void)strbuf_char(out, digits[c & 15]);
    }
    return !out->overflow;
}

int
xtext_decode(struct slice text, struct strbuf *out)
{
    size_t before = out->len;

    for (size_t i = 0; i < text.len;) {
        int byte = next_byte(text, &i);

        if (byte < 0 || !strbuf_char(out, (char)byte)) {
            strbuf_truncate(out, before);
            return -1;
        }
    }
    return 0;
}
