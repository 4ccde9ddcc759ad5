/*
 * lib/auth/external.c - the methods by which somebody else says whether a password is right. No
 * I/O.
 *
 * Methods come from administrators, names of users from strangers.
 */
#include "lib/auth/external.h"

#include "lib/base/parse.h"

enum { HOST_MAX = 253, SERVICE_MAX = 64 };

static const struct scheme {
    struct slice prefix;
    enum external_kind kind;
    bool tls_at_once;
    uint16_t port;
} schemes[] = {
    {{"ldap://", 7}, EXTERNAL_LDAP, false, 389}, {{"ldaps://", 8}, EXTERNAL_LDAP, true, 636},
    {{"imap://", 7}, EXTERNAL_IMAP, false, 143}, {{"imaps://", 8}, EXTERNAL_IMAP, true, 993},
    {{"pop3://", 7}, EXTERNAL_POP3, false, 110}, {{"pop3s://", 8}, EXTERNAL_POP3, true, 995},
    {{"smtp://", 7}, EXTERNAL_SMTP, false, 587}, {{"smtps://", 8}, EXTERNAL_SMTP, true, 465},
};

/* ---- parsing ---- */

static bool
is_word(struct slice text, size_t max, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return text.len > 0 && text.len <= max;
}

static const char *
parse_host(struct slice text, struct external_method *out)
{
    size_t colon = slice_rindex(text, ':');
    uint64_t port;

    if (text.len > 0 && text.ptr[0] == '[') { /* an IPv6 address */
        size_t end = slice_index(text, ']'), text_len = text.len;

        out->host = slice_sub(text, 1, end);
        text = slice_sub(text, end + 1, text.len);
        colon = slice_index(text, ':');
        if (end == text_len || !is_word(out->host, HOST_MAX, ":.") || colon > 0)
            return "an IPv6 address in [ ]";
    } else {
        out->host = slice_sub(text, 0, colon);
        if (!is_word(out->host, HOST_MAX, "-._"))
            return "a host name behind ://";
    }
    if (colon == text.len)
        return NULL;
    if (parse_u64(slice_sub(text, colon + 1, text.len), UINT16_MAX, &port) < 0 || port == 0)
        return "a port number behind the host";
    out->port = (uint16_t)port;
    return NULL;
}

static bool
percents_are_known(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '%' && (++i == name.len || strchr("und%", name.ptr[i]) == NULL))
            return false;
    return true;
}

static const char *
parse_path(struct slice path, struct external_method *out)
{
    size_t question = slice_index(path, '?');
    struct slice search = slice_sub(path, question + 1, path.len);

    out->name = path.len > 0 ? path : SLICE("%u");
    if (out->kind == EXTERNAL_LDAP && question < path.len) {
        out->base = slice_sub(path, 0, question);
        out->attribute = slice_split(&search, '=');
        out->name = search.len > 0 ? search : SLICE("%u");
        if (out->base.len == 0 || !is_word(out->attribute, SERVICE_MAX, "-.;"))
            return "BASE?ATTRIBUTE, where the entry of the user is looked for";
    } else if (out->kind == EXTERNAL_LDAP && path.len == 0) {
        return "a name to bind with behind the host, or BASE?ATTRIBUTE";
    }
    return percents_are_known(out->name) ? NULL : "%u, %n, %d or %% where there is a %";
}

const char *
external_parse(struct slice text, struct external_method *out)
{
    *out = (struct external_method){.kind = EXTERNAL_PAM};
    if (text.len > EXTERNAL_METHOD_MAX)
        return "a shorter text";
    if (slice_starts(text, SLICE("pam:"))) {
        out->host = slice_sub(text, 4, text.len);
        return is_word(out->host, SERVICE_MAX, "-_") ? NULL : "pam:SERVICE";
    }
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct slice rest = slice_sub(text, schemes[i].prefix.len, text.len), host;
        const char *expected;

        if (!slice_starts(text, schemes[i].prefix))
            continue;
        out->kind = schemes[i].kind;
        out->tls_at_once = schemes[i].tls_at_once;
        out->port = schemes[i].port;
        host = slice_split(&rest, '/');
        expected = parse_host(host, out);
        return expected != NULL ? expected : parse_path(rest, out);
    }
    return "pam:SERVICE, or ldap, ldaps, imap, imaps, pop3, pop3s, smtp or smtps and ://HOST";
}

/* ---- names ---- */

/* RFC 4514 section 2.4: every byte may stand as a backslash and two digits. */
static void
append_escaped(struct slice value, struct strbuf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if (is_word(slice_make(&value.ptr[i], 1), 1, "-._@") || c >= 0x80)
            (void)strbuf_char(out, (char)c);
        else
            (void)strbuf_printf(out, "\\%02x", c);
    }
}

int
external_name(const struct external_method *method, struct slice user, struct strbuf *out)
{
    size_t at = slice_rindex(user, '@');
    bool is_dn = method->kind == EXTERNAL_LDAP && method->attribute.len == 0 &&
                 slice_index(method->name, '=') < method->name.len;

    for (size_t i = 0; i < method->name.len; i++) {
        char c = method->name.ptr[i];
        struct slice value = user;

        c = c == '%' ? method->name.ptr[++i] : '\0';
        if (c == 'n')
            value = slice_sub(user, 0, at);
        else if (c == 'd')
            value = slice_sub(user, at + 1, user.len);
        else if (c != 'u')
            value = slice_make(&method->name.ptr[i], 1); /* itself, or the second of %% */
        if (is_dn && (c == 'u' || c == 'n' || c == 'd'))
            append_escaped(value, out);
        else
            (void)strbuf_append(out, value);
    }
    return out->overflow ? -1 : 0;
}
