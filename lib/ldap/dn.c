/*
 * lib/ldap/dn.c - names of entries as text (RFC 4514 section 3). No I/O; they come from clients.
 */
#include "lib/ldap/dn.h"

#include "lib/base/parse.h"
#include "lib/ldap/fold.h"

#define BYTES_MAX ((size_t)LDAP_DN_MAX * 13) /* each part, and folded */

struct ldap_dn
ldap_dn_new(void)
{
    return (struct ldap_dn){.bytes = strbuf_new(BYTES_MAX)};
}

void
ldap_dn_free(struct ldap_dn *dn)
{
    strbuf_free(&dn->bytes);
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

/* Behind a backslash: one special character, or two hexadecimal digits. */
static int
put_escaped(struct slice *rest, struct strbuf *out)
{
    static const char special[] = "\\ \"#+,;<=>";
    int high, low;

    if (rest->len == 0)
        return -1;
    if (strchr(special, rest->ptr[0]) != NULL && rest->ptr[0] != '\0') {
        (void)strbuf_char(out, rest->ptr[0]); /* no longer than the text */
        *rest = slice_sub(*rest, 1, rest->len);
        return 0;
    }
    high = hex_digit(rest->ptr[0]);
    low = rest->len > 1 ? hex_digit(rest->ptr[1]) : -1;
    if (high < 0 || low < 0)
        return -1;
    (void)strbuf_char(out, (char)(high << 4 | low));
    *rest = slice_sub(*rest, 2, rest->len);
    return 0;
}

static struct slice
skip_spaces(struct slice text)
{
    while (text.len > 0 && text.ptr[0] == ' ')
        text = slice_sub(text, 1, text.len);
    return text;
}

/* Up to the comma that ends it; spaces around it are not part of the value unless escaped. */
static int
read_value(struct slice *rest, struct strbuf *out)
{
    size_t kept = out->len;

    *rest = skip_spaces(*rest);
    if (rest->len > 0 && (rest->ptr[0] == '#' || rest->ptr[0] == '"'))
        return -1; /* BER in hexadecimal, quotes of RFC 1779: nobody names our entries so */
    while (rest->len > 0 && rest->ptr[0] != ',' && rest->ptr[0] != ';') {
        char c = rest->ptr[0];

        if (c == '+' || c == '"' || c == '<' || c == '>' || c == '\0')
            return -1;
        *rest = slice_sub(*rest, 1, rest->len);
        if (c == '\\') {
            if (put_escaped(rest, out) < 0)
                return -1;
            kept = out->len;
        } else {
            (void)strbuf_char(out, c);
            if (c != ' ')
                kept = out->len;
        }
    }
    strbuf_truncate(out, kept);
    return 0;
}

/* A name or an OID (RFC 4512 section 1.4). */
static bool
is_type(struct slice type)
{
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];

        if (c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') &&
            (c < 'A' || c > 'Z'))
            return false;
    }
    return type.len > 0;
}

/* Where a value and its folded form are in `bytes`, until that no longer moves. */
struct place {
    size_t value, folded, end;
};

static int
read_rdn(struct ldap_dn *dn, struct slice *rest, struct place *place)
{
    size_t equals = slice_index(*rest, '=');
    struct slice type = slice_trim(slice_sub(*rest, 0, equals)), value;
    struct strbuf copy;

    if (equals == rest->len || !is_type(type))
        return -1;
    if (slice_starts_nocase(type, SLICE("oid.")))
        type = slice_sub(type, 4, type.len);
    dn->rdns[dn->count].attribute = ldap_attribute_find(type);
    *rest = slice_sub(*rest, equals + 1, rest->len);
    place->value = dn->bytes.len;
    if (read_value(rest, &dn->bytes) < 0 || dn->bytes.len == place->value)
        return -1;
    place->folded = dn->bytes.len;
    copy = strbuf_new(LDAP_DN_MAX);
    value = slice_sub(strbuf_slice(&dn->bytes), place->value, place->folded);
    if (!parse_is_utf8(value) || !strbuf_append(&copy, value) ||
        !ldap_fold(LDAP_MATCH_TEXT, false, strbuf_slice(&copy), &dn->bytes)) {
        strbuf_free(&copy);
        return -1;
    }
    strbuf_free(&copy);
    place->end = dn->bytes.len;
    dn->count++;
    return 0;
}

int
ldap_dn_parse(struct slice text, struct ldap_dn *dn)
{
    struct place places[LDAP_RDNS_MAX] = {{0}};
    struct slice rest = text;

    dn->count = 0;
    strbuf_clear(&dn->bytes);
    if (text.len > LDAP_DN_MAX)
        return -1;
    while (skip_spaces(rest).len > 0) {
        if (dn->count == LDAP_RDNS_MAX || read_rdn(dn, &rest, &places[dn->count]) < 0)
            return -1;
        if (rest.len == 0)
            break;
        rest = slice_sub(rest, 1, rest.len); /* the comma */
        if (skip_spaces(rest).len == 0)
            return -1;
    }
    for (size_t i = 0; i < dn->count; i++) {
        struct slice all = strbuf_slice(&dn->bytes);

        dn->rdns[i].value = slice_sub(all, places[i].value, places[i].folded);
        dn->rdns[i].folded = slice_sub(all, places[i].folded, places[i].end);
    }
    return 0;
}

bool
ldap_dn_is_within(const struct ldap_dn *dn, const struct ldap_dn *base, size_t *above)
{
    if (dn->count < base->count)
        return false;
    *above = dn->count - base->count;
    for (size_t i = 0; i < base->count; i++) {
        const struct ldap_rdn *a = &dn->rdns[*above + i], *b = &base->rdns[i];

        if (a->attribute < 0 || a->attribute != b->attribute || !slice_eq(a->folded, b->folded))
            return false;
    }
    return true;
}

void
ldap_dn_put_rdn(struct strbuf *out, const char *type, struct slice value)
{
    static const char special[] = "\\\"+,;<=>";

    (void)strbuf_str(out, type);
    (void)strbuf_char(out, '=');
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool edge = (c == ' ' && (i == 0 || i + 1 == value.len)) || (c == '#' && i == 0);

        if (edge || (c != '\0' && strchr(special, c) != NULL))
            (void)strbuf_char(out, '\\'); /* overflow is remembered by the buffer */
        (void)strbuf_char(out, c);
    }
}
