/*
 * smtpd/xattr.c - parses what XCLIENT and XFORWARD say. Untrusted until the peer is known to be
 * listed, and parsed the same way then. No I/O.
 */
#include "smtpd/xattr.h"

#include <string.h>

#include "lib/base/cidr.h"
#include "lib/base/parse.h"
#include "lib/mail/xtext.h"

enum { PROTO_MAX = 64 };

static const char *const names[XATTR_COUNT] = {
    [XATTR_NAME] = "NAME",         [XATTR_ADDR] = "ADDR",         [XATTR_PORT] = "PORT",
    [XATTR_PROTO] = "PROTO",       [XATTR_HELO] = "HELO",         [XATTR_LOGIN] = "LOGIN",
    [XATTR_DESTADDR] = "DESTADDR", [XATTR_DESTPORT] = "DESTPORT", [XATTR_IDENT] = "IDENT",
    [XATTR_SOURCE] = "SOURCE"};

static bool
is_unavailable(struct slice value)
{
    return slice_eq_nocase(value, SLICE("[UNAVAILABLE]")) ||
           slice_eq_nocase(value, SLICE("[TEMPUNAVAIL]"));
}

/* "192.0.2.1" or "IPV6:2001:db8::1", in the form in which we write it. */
static int
take_address(struct slice value, char *out)
{
    bool six = slice_starts_nocase(value, SLICE("IPV6:"));
    struct slice text = slice_sub(value, six ? SLICE("IPV6:").len : 0, value.len);
    struct cidr one;

    if ((slice_index(text, ':') < text.len) != six || slice_index(text, '/') < text.len ||
        slice_ends(text, SLICE(".")) || cidr_parse(text, &one) < 0)
        return -1;
    ip_text(&one.net, out);
    return 0;
}

static int
check_port(struct slice value)
{
    uint64_t port;

    return parse_u64(value, UINT16_MAX, &port);
}

static int
check_login(struct slice value)
{
    struct address address;

    return address_parse(value, 0, &address) == ADDRESS_OK ? 0 : -1;
}

/* No white space, no control character, nothing that is special in a header field (XFORWARD_README,
 * note 1). */
static bool
is_plain(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] <= 0x20 || value.ptr[i] >= 0x7f ||
            strchr("()<>,;\"\\", value.ptr[i]) != NULL)
            return false;
    return value.len > 0;
}

static bool
is_word(struct slice value, const char *one, const char *other)
{
    return slice_eq_nocase(value, slice_of(one)) || slice_eq_nocase(value, slice_of(other));
}

/* A value that is available, into `out`. */
static int
take_value(enum xattr_name name, bool is_xclient, struct slice value, char *out)
{
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    switch (name) {
    case XATTR_ADDR:
    case XATTR_DESTADDR:
        return take_address(value, out);
    case XATTR_PORT:
    case XATTR_DESTPORT:
        return check_port(value);
    case XATTR_LOGIN:
        return check_login(value);
    case XATTR_PROTO:
        return (is_xclient ? is_word(value, "SMTP", "ESMTP") : value.len <= PROTO_MAX) ? 0 : -1;
    case XATTR_SOURCE:
        return is_word(value, "LOCAL", "REMOTE") ? 0 : -1;
    case XATTR_NAME:
    case XATTR_HELO:
    case XATTR_IDENT:
    case XATTR_COUNT:
        break;
    }
    return 0;
}

/* attribute-name "=" xtext */
static int
take_word(struct slice word, unsigned allowed, struct xattrs *attrs)
{
    bool is_xclient = allowed == XATTR_OF_XCLIENT;
    struct slice text = slice_split(&word, '=');
    struct strbuf value = strbuf_new(XATTR_VALUE_MAX);
    unsigned name = 0;
    int rc = -1;

    while (name < XATTR_COUNT && !slice_eq_nocase(text, slice_of(names[name])))
        name++;
    if (name == XATTR_COUNT || !(allowed & XATTR_BIT(name)))
        goto out;
    attrs->given |= XATTR_BIT(name);
    attrs->values[name][0] = '\0';
    if (is_unavailable(word))
        rc = 0;
    else if (xtext_decode(word, &value) == 0 && is_plain(strbuf_slice(&value)))
        rc = take_value((enum xattr_name)name, is_xclient, strbuf_slice(&value),
                        attrs->values[name]);
out:
    strbuf_free(&value);
    return rc;
}

int
xattrs_parse(struct slice args, unsigned allowed, struct xattrs *attrs, struct refusal *why)
{
    struct xattrs changed = *attrs;
    struct slice rest = args;

    *why = (struct refusal){501, "5.5.4", "syntax: attribute=value ..."};
    if (rest.len == 0)
        return -1;
    while (rest.len > 0)
        if (take_word(slice_split(&rest, ' '), allowed, &changed) < 0)
            return -1;
    *attrs = changed;
    return 0;
}

void
xattrs_list(unsigned which, struct strbuf *out)
{
    for (unsigned name = 0; name < XATTR_COUNT; name++)
        if (which & XATTR_BIT(name))
            (void)strbuf_printf(out, " %s", names[name]); /* overflow is remembered */
}
