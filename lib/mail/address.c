/*
 * lib/mail/address.c - the address grammar of SMTP (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
 *
 * Input: the arguments of MAIL and RCPT and whatever else claims to be an address. Untrusted.
 * No I/O, no allocation but what a strbuf does.
 */
#include "lib/mail/address.h"

#include <string.h>

#include "lib/base/parse.h"

enum { SOURCE_ROUTE_MAX = 1024 }; /* bytes of "@a,@b:" that we read before we refuse the path */

static bool
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_high(char c)
{
    return ((unsigned char)c & 0x80) != 0;
}

/* atext of RFC 5322 section 3.2.3. With UTF-8 every byte above 0x7f belongs to a UTF8-non-ascii
 * (RFC 6531 section 3.3); that the sequences are valid is tested once for the whole text. */
static bool
is_atext(char c)
{
    return is_alnum(c) || is_high(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
has_high(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (is_high(text.ptr[i]))
            return true;
    return false;
}

/* Dot-string = Atom *("." Atom): the number of bytes, 0 if there is none at the start. */
static size_t
dot_string_len(struct slice text)
{
    size_t i = 0;

    for (;;) {
        size_t start = i;

        while (i < text.len && is_atext(text.ptr[i]))
            i++;
        if (i == start)
            return 0;
        if (i == text.len || text.ptr[i] != '.')
            return i;
        i++;
    }
}

/* Length of one QcontentSMTP at the start of `text`: qtextSMTP is %d32-33 / %d35-91 / %d93-126 or
 * UTF-8, quoted-pairSMTP a backslash and %d32-126. 0: none. */
static size_t
qcontent_len(struct slice text)
{
    size_t len = text.len > 1 && text.ptr[0] == '\\' ? 2 : 1;
    char c = len <= text.len ? text.ptr[len - 1] : '\0';

    if (is_high(c))
        return len == 1 ? 1 : 0;
    if (c < 0x20 || c > 0x7e || (len == 1 && (c == '"' || c == '\\')))
        return 0;
    return len;
}

/* Length of the Quoted-string at the start of `text`, quotes included. 0: none. */
static size_t
quoted_string_len(struct slice text)
{
    size_t at = 1, len;

    while ((len = qcontent_len(slice_sub(text, at, text.len))) > 0)
        at += len;
    return at < text.len && text.ptr[at] == '"' ? at + 1 : 0;
}

/* One label: Let-dig [Ldh-str], or a U-label. IDNA's own rules are checked where the name is
 * turned into A-labels; here only the shape. */
static bool
is_label(struct slice label)
{
    if (label.len == 0 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-' && !is_high(label.ptr[i]))
            return false;
    return true;
}

static enum address_status
check_domain(struct slice domain)
{
    enum address_status status = ADDRESS_OK;
    struct slice rest = domain;

    if (domain.len == 0 || domain.ptr[domain.len - 1] == '.')
        return ADDRESS_SYNTAX;
    while (rest.len > 0) {
        struct slice label = slice_split(&rest, '.');

        if (!is_label(label))
            return ADDRESS_SYNTAX;
        /* A U-label has up to 252 octets in UTF-8 (RFC 5890 section 4.2) */
        if (label.len > ADDRESS_LABEL_MAX && !has_high(label))
            status = ADDRESS_TOO_LONG;
    }
    return domain.len > ADDRESS_DOMAIN_MAX ? ADDRESS_TOO_LONG : status;
}

bool
address_is_domain(struct slice text, bool utf8)
{
    if (check_domain(text) != ADDRESS_OK)
        return false;
    return !has_high(text) || (utf8 && parse_is_utf8(text));
}

/* IPv4-address-literal = Snum 3("." Snum); Snum has one to three digits, 0 to 255. */
static int
parse_ipv4(struct slice text, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        size_t end = i < 3 ? slice_index(text, '.') : text.len;
        uint64_t value;

        if (end > 3 || parse_u64(slice_sub(text, 0, end), 255, &value) < 0)
            return -1;
        if (i < 3 && end == text.len)
            return -1;
        out[i] = (uint8_t)value;
        text = slice_sub(text, i < 3 ? end + 1 : end, text.len);
    }
    return 0;
}

/* IPv6-hex = 1*4HEXDIG */
static int
parse_ipv6_hex(struct slice text, uint8_t out[2])
{
    unsigned value = 0;

    if (text.len == 0 || text.len > 4)
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        static const char digits[] = "0123456789abcdef";
        char c = text.ptr[i] >= 'A' && text.ptr[i] <= 'F' ? (char)(text.ptr[i] + 32) : text.ptr[i];
        const char *at = c == '\0' ? NULL : strchr(digits, c);

        if (at == NULL)
            return -1;
        value = value << 4 | (unsigned)(at - digits);
    }
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return 0;
}

/* Groups separated by ":", the last of which may be an IPv4 address (`v4_ok`). Returns the number
 * of bytes (0 for an empty text), or -1. */
static int
parse_ipv6_groups(struct slice text, bool v4_ok, uint8_t out[16])
{
    size_t used = 0;

    while (text.len > 0) {
        size_t end = slice_index(text, ':');
        struct slice group = slice_sub(text, 0, end);

        if (end == text.len && v4_ok && slice_index(group, '.') < group.len) {
            if (used > 12 || parse_ipv4(group, out + used) < 0)
                return -1;
            return (int)used + 4;
        }
        if (used > 14 || parse_ipv6_hex(group, out + used) < 0)
            return -1;
        used += 2;
        if (end + 1 == text.len)
            return -1; /* ends with a lone ":" */
        text = slice_sub(text, end + 1, text.len);
    }
    return (int)used;
}

/* IPv6-full, IPv6-comp, IPv6v4-full or IPv6v4-comp (RFC 5321 section 4.1.3): "::" stands for two
 * groups or more. */
static int
parse_ipv6(struct slice text, uint8_t out[16])
{
    uint8_t head[16], tail[16];
    size_t gap = slice_find(text, SLICE("::"));
    int head_len, tail_len;

    if (gap == text.len)
        return parse_ipv6_groups(text, true, out) == 16 ? 0 : -1;
    head_len = parse_ipv6_groups(slice_sub(text, 0, gap), false, head);
    tail_len = parse_ipv6_groups(slice_sub(text, gap + 2, text.len), true, tail);
    if (head_len < 0 || tail_len < 0 || head_len + tail_len > 12)
        return -1;
    memset(out, 0, 16);
    memcpy(out, head, (size_t)head_len);
    memcpy(out + 16 - tail_len, tail, (size_t)tail_len);
    return 0;
}

int
address_ip_parse(struct slice text, struct address_ip *ip)
{
    struct address_ip got = {.len = 4};

    if (parse_ipv4(text, got.bytes) < 0) {
        got.len = 16;
        if (parse_ipv6(text, got.bytes) < 0)
            return -1;
    }
    *ip = got;
    return 0;
}

static bool
in_brackets(struct slice text)
{
    return text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';
}

int
address_literal_ip(struct slice literal, struct address_ip *ip)
{
    static const struct slice tag = {"IPv6:", 5};
    struct address_ip got = {.len = 4};
    struct slice inner;

    if (!in_brackets(literal))
        return -1;
    inner = slice_sub(literal, 1, literal.len - 1);
    if (slice_starts_nocase(inner, tag)) {
        got.len = 16;
        if (parse_ipv6(slice_sub(inner, tag.len, inner.len), got.bytes) < 0)
            return -1;
    } else if (parse_ipv4(inner, got.bytes) < 0) {
        return -1;
    }
    *ip = got;
    return 0;
}

/* General-address-literal = Standardized-tag ":" 1*dcontent; the tag is an Ldh-str. */
static bool
is_general_literal(struct slice inner)
{
    size_t colon = slice_index(inner, ':');

    if (colon == 0 || colon + 1 >= inner.len || inner.ptr[colon - 1] == '-')
        return false;
    for (size_t i = 0; i < colon; i++)
        if (!is_alnum(inner.ptr[i]) && inner.ptr[i] != '-')
            return false;
    for (size_t i = colon + 1; i < inner.len; i++) {
        char c = inner.ptr[i];

        if (c < 33 || c > 126 || c == '[' || c == '\\' || c == ']')
            return false;
    }
    return true;
}

bool
address_is_literal(struct slice text)
{
    struct address_ip ip;
    struct slice inner;

    if (!in_brackets(text) || text.len > ADDRESS_DOMAIN_MAX)
        return false;
    if (address_literal_ip(text, &ip) == 0)
        return true;
    inner = slice_sub(text, 1, text.len - 1);
    return !slice_starts_nocase(inner, SLICE("IPv6:")) && is_general_literal(inner);
}

/* The part behind the "@". */
static enum address_status
parse_domain(struct slice domain, struct address *out)
{
    out->domain = domain;
    if (domain.len > 0 && domain.ptr[0] == '[') {
        out->is_literal = true;
        return address_is_literal(domain) ? ADDRESS_OK : ADDRESS_SYNTAX;
    }
    return check_domain(domain);
}

bool
address_is_rewritten(struct slice local)
{
    return local.len > 5 && slice_starts_nocase(local, SLICE("SRS")) &&
           (local.ptr[3] == '0' || local.ptr[3] == '1') &&
           (local.ptr[4] == '=' || local.ptr[4] == '+' || local.ptr[4] == '-');
}

enum address_status
address_parse(struct slice text, unsigned flags, struct address *out)
{
    struct address got = {.text = text, .is_utf8 = has_high(text)};
    enum address_status status;
    size_t local_len;

    got.is_quoted = text.len > 0 && text.ptr[0] == '"';
    local_len = got.is_quoted ? quoted_string_len(text) : dot_string_len(text);
    got.local = slice_sub(text, 0, local_len);
    if (local_len == 0 || (got.is_utf8 && !parse_is_utf8(text)))
        return ADDRESS_SYNTAX;
    if (local_len == text.len) {
        if (!(flags & ADDRESS_POSTMASTER) || !slice_eq_nocase(text, SLICE("postmaster")))
            return ADDRESS_SYNTAX;
        *out = got;
        return ADDRESS_OK;
    }
    if (text.ptr[local_len] != '@')
        return ADDRESS_SYNTAX;
    status = parse_domain(slice_sub(text, local_len + 1, text.len), &got);
    if (status == ADDRESS_SYNTAX)
        return status;
    if (got.is_utf8 && !(flags & ADDRESS_UTF8))
        return ADDRESS_NON_ASCII;
    if (text.len > ADDRESS_MAX || status != ADDRESS_OK ||
        (got.local.len > ADDRESS_LOCAL_MAX && !address_is_rewritten(got.local)))
        return ADDRESS_TOO_LONG;
    *out = got;
    return ADDRESS_OK;
}

/* A-d-l ":" at the start of a path: "@" Domain *("," "@" Domain) ":". Its length, 0 for none,
 * or -1 for a route that is none. */
static int
source_route_len(struct slice text)
{
    size_t end;
    struct slice route;

    if (text.len == 0 || text.ptr[0] != '@')
        return 0;
    end = slice_index(text, ':');
    if (end == text.len || end > SOURCE_ROUTE_MAX)
        return -1;
    route = slice_sub(text, 0, end);
    if (route.ptr[route.len - 1] == ',')
        return -1;
    while (route.len > 0) {
        struct slice part = slice_split(&route, ',');

        if (part.len < 2 || part.ptr[0] != '@' ||
            !address_is_domain(slice_sub(part, 1, part.len), true))
            return -1;
    }
    return (int)end + 1;
}

/* Position of the ">" that ends the path: not one inside a quoted local part. text.len: none. */
static size_t
path_end(struct slice text)
{
    bool quoted = false;

    for (size_t i = 1; i < text.len; i++) {
        if (quoted && text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            quoted = !quoted;
        else if (!quoted && text.ptr[i] == '>')
            return i;
    }
    return text.len;
}

enum address_status
address_parse_path(struct slice *input, unsigned flags, struct address *out)
{
    enum address_status status = ADDRESS_SYNTAX;
    struct slice inner;
    size_t end;
    int route;

    if (input->len < 2 || input->ptr[0] != '<')
        return ADDRESS_SYNTAX;
    end = path_end(*input);
    if (end == input->len)
        return ADDRESS_SYNTAX;
    inner = slice_sub(*input, 1, end);
    if (inner.len == 0 && (flags & ADDRESS_NULL)) {
        *out = (struct address){.text = SLICE("")};
        status = ADDRESS_OK;
    } else if ((route = source_route_len(inner)) >= 0) {
        if (route > 0)
            flags &= ~(unsigned)ADDRESS_POSTMASTER;
        status = address_parse(slice_sub(inner, (size_t)route, inner.len), flags, out);
    }
    if (status == ADDRESS_OK)
        *input = slice_sub(*input, end + 1, input->len);
    return status;
}

bool
address_local_plain(const struct address *address, struct strbuf *out)
{
    struct slice local = address->local;

    if (!address->is_quoted)
        return strbuf_append(out, local);
    for (size_t i = 1; i + 1 < local.len; i++) {
        if (local.ptr[i] == '\\')
            i++;
        (void)strbuf_char(out, local.ptr[i]); /* the overflow is remembered */
    }
    return !out->overflow;
}

static void
append_quoted(struct slice plain, struct strbuf *out)
{
    (void)strbuf_char(out, '"'); /* here and below the overflow is remembered */
    for (size_t i = 0; i < plain.len; i++) {
        if (plain.ptr[i] == '"' || plain.ptr[i] == '\\')
            (void)strbuf_char(out, '\\');
        (void)strbuf_char(out, plain.ptr[i]);
    }
    (void)strbuf_char(out, '"');
}

bool
address_normalize(const struct address *address, struct strbuf *out)
{
    struct strbuf plain = strbuf_new(address->local.len);
    struct slice local;

    (void)address_local_plain(address, &plain); /* never longer than what it was made from */
    local = strbuf_slice(&plain);
    if (local.len > 0 && dot_string_len(local) == local.len)
        (void)strbuf_append(out, local); /* overflow is remembered */
    else if (address->is_quoted)
        append_quoted(local, out);
    strbuf_free(&plain);
    if (address->domain.len > 0)
        (void)strbuf_char(out, '@');
    for (size_t i = 0; i < address->domain.len; i++) {
        char c = address->domain.ptr[i];

        (void)strbuf_char(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    return !out->overflow;
}
