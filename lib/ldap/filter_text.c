/*
 * lib/ldap/filter_text.c - a search filter as text (RFC 4515 section 3). No I/O.
 */
#include "lib/ldap/filter_text.h"

#include "lib/ldap/ber_put.h"

enum {
    TAG_AND = 0xa0,
    TAG_OR = 0xa1,
    TAG_NOT = 0xa2,
    TAG_EQUAL = 0xa3,
    TAG_SUBSTRINGS = 0xa4,
    TAG_GREATER = 0xa5,
    TAG_LESS = 0xa6,
    TAG_PRESENT = 0x87,
    TAG_APPROX = 0xa8,
    TAG_EXTENSIBLE = 0xa9,
    TAG_INITIAL = 0x80,
    TAG_ANY = 0x81,
    TAG_FINAL = 0x82,
    TAG_RULE = 0x81,
    TAG_TYPE = 0x82,
    TAG_VALUE = 0x83,
    TAG_OF_DN = 0x84,
    DEPTH_MAX = 32
};

struct parse {
    struct slice rest;
    struct strbuf *out;
    const char *wrong;
};

static int
fail(struct parse *p, const char *wrong)
{
    p->wrong = wrong;
    return -1;
}

static bool
next_is(const struct parse *p, char c)
{
    return p->rest.len > 0 && p->rest.ptr[0] == c;
}

static bool
take(struct parse *p, char c)
{
    if (!next_is(p, c))
        return false;
    p->rest = slice_sub(p->rest, 1, p->rest.len);
    return true;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* valueencoding of RFC 4515: "\XX" is a byte; what has a meaning in filters stands only so. */
static int
put_value(struct parse *p, unsigned tag, struct slice value)
{
    struct strbuf bytes = strbuf_new(LDAP_FILTER_TEXT_MAX);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < value.len; i++) {
        char c = value.ptr[i];

        if (c == '\\') {
            int high = i + 2 < value.len ? hex_digit(value.ptr[i + 1]) : -1,
                low = i + 2 < value.len ? hex_digit(value.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                rc = fail(p, "behind a '\\' two hexadecimal digits are expected");
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '\0' || c == '*') {
            rc = fail(p, "this byte stands in a value as \\2a or \\00");
        }
        (void)strbuf_char(&bytes, c); /* no longer than the text */
    }
    if (rc == 0)
        ber_put(p->out, tag, strbuf_slice(&bytes));
    strbuf_free(&bytes);
    return rc;
}

static bool
is_description(struct slice text)
{
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '.' || c == ';'))
            return false;
    }
    return true;
}

/* attr "=" [initial] "*" any "*" [final] */
static int
put_substrings(struct parse *p, struct slice attribute, struct slice value)
{
    size_t start = ber_begin(p->out, TAG_SUBSTRINGS), parts;
    bool first = true;
    int rc = 0;

    ber_put(p->out, BER_OCTETS, attribute);
    parts = ber_begin(p->out, BER_SEQUENCE);
    while (rc == 0) {
        size_t star = slice_index(value, '*');
        struct slice part = slice_sub(value, 0, star);
        bool last = star == value.len;

        if (part.len > 0)
            rc = put_value(p, first ? TAG_INITIAL : last ? TAG_FINAL : TAG_ANY, part);
        else if (!first && !last)
            rc = fail(p, "two '*' with nothing between");
        if (last)
            break;
        value = slice_sub(value, star + 1, value.len);
        first = false;
    }
    ber_end(p->out, parts);
    ber_end(p->out, start);
    return rc;
}

/* [attr] [":dn"] [":" rule] ":=" value */
static int
put_extensible(struct parse *p, struct slice left, struct slice value)
{
    struct slice rest = left, attribute = slice_split(&rest, ':'), rule = {NULL, 0}, word;
    bool of_dn = false;
    size_t start;
    int rc;

    while (rest.len > 0) {
        word = slice_split(&rest, ':');
        if (slice_eq_nocase(word, SLICE("dn")) && !of_dn && rule.len == 0)
            of_dn = true;
        else if (is_description(word) && rule.len == 0)
            rule = word;
        else
            return fail(p, "expected ATTRIBUTE:dn:RULE:=VALUE");
    }
    if ((attribute.len > 0 && !is_description(attribute)) || (attribute.len == 0 && rule.len == 0))
        return fail(p, "expected ATTRIBUTE:dn:RULE:=VALUE");
    start = ber_begin(p->out, TAG_EXTENSIBLE);
    if (rule.len > 0)
        ber_put(p->out, TAG_RULE, rule);
    if (attribute.len > 0)
        ber_put(p->out, TAG_TYPE, attribute);
    rc = put_value(p, TAG_VALUE, value);
    if (of_dn)
        ber_put(p->out, TAG_OF_DN, slice_make("\xff", 1));
    ber_end(p->out, start);
    return rc;
}

static int
put_simple(struct parse *p, struct slice attribute, struct slice value)
{
    static const struct {
        char sign;
        unsigned tag;
    } kinds[] = {{'~', TAG_APPROX}, {'>', TAG_GREATER}, {'<', TAG_LESS}};
    unsigned tag = TAG_EQUAL;
    size_t start;
    int rc;

    for (size_t i = 0; attribute.len > 0 && i < ARRAY_LEN(kinds); i++)
        if (attribute.ptr[attribute.len - 1] == kinds[i].sign)
            tag = kinds[i].tag;
    if (tag != TAG_EQUAL)
        attribute = slice_sub(attribute, 0, attribute.len - 1);
    if (!is_description(attribute))
        return fail(p, "expected the name of an attribute");
    if (tag == TAG_EQUAL && slice_eq(value, SLICE("*"))) {
        ber_put(p->out, TAG_PRESENT, attribute);
        return 0;
    }
    if (tag == TAG_EQUAL && slice_index(value, '*') < value.len)
        return put_substrings(p, attribute, value);
    start = ber_begin(p->out, tag);
    ber_put(p->out, BER_OCTETS, attribute);
    rc = put_value(p, BER_OCTETS, value);
    ber_end(p->out, start);
    return rc;
}

/* Up to the closing parenthesis: none stands in a value. */
static int
put_item(struct parse *p)
{
    size_t end = slice_index(p->rest, ')'), equals;
    struct slice item = slice_sub(p->rest, 0, end), value;

    equals = slice_index(item, '=');
    if (end == p->rest.len)
        return fail(p, "a ')' is missing");
    if (equals == item.len || slice_index(item, '(') < item.len)
        return fail(p, "expected ATTRIBUTE=VALUE");
    p->rest = slice_sub(p->rest, end, p->rest.len);
    value = slice_sub(item, equals + 1, item.len);
    if (equals > 0 && item.ptr[equals - 1] == ':')
        return put_extensible(p, slice_sub(item, 0, equals - 1), value);
    return put_simple(p, slice_sub(item, 0, equals), value);
}

static int
put_filter(struct parse *p, unsigned depth)
{
    unsigned tag = take(p, '&') ? TAG_AND : take(p, '|') ? TAG_OR : take(p, '!') ? TAG_NOT : 0;
    size_t start, count = 0;
    int rc = 0;

    if (depth == DEPTH_MAX)
        return fail(p, "more than 32 filters in each other");
    if (tag == 0)
        return put_item(p);
    start = ber_begin(p->out, tag);
    for (; rc == 0 && take(p, '('); count++) {
        rc = put_filter(p, depth + 1);
        if (rc == 0 && !take(p, ')'))
            rc = fail(p, "a ')' is missing");
    }
    if (rc == 0 && tag == TAG_NOT && count != 1)
        rc = fail(p, "behind a '!' one filter is expected");
    ber_end(p->out, start);
    return rc;
}

const char *
ldap_filter_text_encode(struct slice text, struct strbuf *out)
{
    struct parse p = {.rest = text, .out = out};

    if (text.len > LDAP_FILTER_TEXT_MAX)
        return "the filter is too long";
    if (!take(&p, '('))
        return "a filter begins with '('";
    if (put_filter(&p, 0) < 0)
        return p.wrong;
    if (!take(&p, ')') || p.rest.len > 0)
        return "expected one filter in parentheses";
    return out->overflow ? "the filter is too long" : NULL;
}
