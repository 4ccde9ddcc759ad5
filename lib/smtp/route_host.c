/*
 * lib/smtp/route_host.c - takes the word for a next hop apart. Written by the administrator; no
 * I/O.
 */
#include "lib/smtp/route_host.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"

enum { SMTPS_PORT = 465 }; /* RFC 8314 section 3.3 */

static bool
take_prefix(struct slice *text, struct slice prefix)
{
    if (!slice_starts_nocase(*text, prefix))
        return false;
    *text = slice_sub(*text, prefix.len, text->len);
    return true;
}

/* ---- host and port ---- */

/* "[2001:db8::1]:26", "192.0.2.1:26", "host:26", each with or without the port. 0, or -1. */
static int
split_port(struct slice text, struct slice *name, struct slice *port)
{
    struct address_ip ip;

    *name = text;
    *port = SLICE("");
    if (text.len > 0 && text.ptr[0] == '[') { /* an IPv6 address has colons of its own */
        size_t end = slice_index(text, ']');

        *name = slice_sub(text, 1, end);
        *port = slice_sub(text, end + 1, text.len);
        if (end == text.len || (port->len > 0 && port->ptr[0] != ':') || port->len == 1)
            return -1;
        *port = slice_sub(*port, 1, port->len);
    } else if (address_ip_parse(text, &ip) < 0) {
        *name = slice_sub(text, 0, slice_index(text, ':'));
        *port = slice_sub(text, name->len + 1, text.len);
        if (name->len + 1 == text.len)
            return -1;
    }
    return 0;
}

/* `default_port` 0: there is none. */
static const char *
parse_host(struct slice text, uint16_t default_port, struct route_host *out)
{
    struct address_ip ip;
    struct slice name, port;
    uint64_t number = default_port;

    if (split_port(text, &name, &port) < 0 || name.len > ROUTE_NAME_MAX ||
        (address_ip_parse(name, &ip) < 0 && !address_is_domain(name, false)))
        return "a host name or an IP address, with :PORT or without";
    if (port.len > 0 && (parse_u64(port, UINT16_MAX, &number) < 0 || number == 0))
        return "a port from 1 to 65535";
    if (number == 0)
        return "a port: LMTP has none of its own"; /* and never 25: RFC 2033 section 5 */
    if (out->is_lmtp && number == 25)
        return "another port than 25 for LMTP (RFC 2033 section 5)";
    out->name = xslicedup(name);
    out->port = (uint16_t)number;
    return NULL;
}

/* A socket of the directory that the delivery processes have for their root. */
static const char *
parse_socket(struct slice name, struct route_host *out)
{
    out->is_unix = true;
    if (name.len == 0 || name.len > ROUTE_SOCKET_MAX || slice_index(name, '/') < name.len ||
        name.ptr[0] == '.' || !parse_is_ascii_print(name))
        return "the name of a socket in the suite's run directory, without '/'";
    out->name = xslicedup(name);
    return NULL;
}

/* ---- options ---- */

static const char *
parse_option(struct slice text, struct route_host *out)
{
    struct address address;
    uint64_t number;

    if (take_prefix(&text, SLICE("attempts="))) {
        if (parse_u64(text, ROUTE_ATTEMPTS_MAX, &number) < 0)
            return "attempts= with a number from 0 to 10";
        out->attempts = (unsigned)number;
        return NULL;
    }
    if (take_prefix(&text, SLICE("sender="))) {
        if (out->sender != NULL || address_parse(text, ADDRESS_UTF8, &address) != ADDRESS_OK)
            return "sender= with a mail address, once";
        out->sender = xslicedup(text);
        return NULL;
    }
    return "attempts= or sender= behind the ';'";
}

static const char *
parse_options(struct slice text, struct route_host *out)
{
    const char *expected = NULL;

    while (text.len > 0 && expected == NULL)
        expected = parse_option(slice_split(&text, ';'), out);
    return expected;
}

/* ---- the word ---- */

static const char *
parse_user(struct slice *text, struct route_host *out)
{
    size_t at = slice_rindex(*text, '@');

    if (at == text->len)
        return NULL;
    if (at == 0 || at > ROUTE_NAME_MAX || slice_index(*text, '\0') < at)
        return "a user name of 1 to 255 bytes before the last @";
    out->user = xslicedup(slice_sub(*text, 0, at));
    *text = slice_sub(*text, at + 1, text->len);
    return NULL;
}

static const char *
parse_server(struct slice text, uint16_t default_port, struct route_host *out)
{
    const char *expected;

    if (take_prefix(&text, SLICE("lmtp:unix:"))) {
        out->is_lmtp = true;
        return parse_socket(text, out);
    }
    out->tls_at_once = take_prefix(&text, SLICE("smtps://"));
    out->is_lmtp = !out->tls_at_once && take_prefix(&text, SLICE("lmtp://"));
    if (!out->tls_at_once && !out->is_lmtp)
        (void)take_prefix(&text, SLICE("smtp://")); /* with or without: the same */
    expected = parse_user(&text, out);
    if (expected != NULL)
        return expected;
    return parse_host(text, out->tls_at_once ? SMTPS_PORT : out->is_lmtp ? 0 : default_port, out);
}

const char *
route_host_parse(struct slice text, uint16_t default_port, struct route_host *out)
{
    const char *expected;

    *out = (struct route_host){.name = NULL};
    expected = parse_server(slice_split(&text, ';'), default_port, out);
    if (expected == NULL)
        expected = parse_options(text, out);
    if (expected != NULL)
        route_host_clear(out);
    return expected;
}

void
route_host_clear(struct route_host *host)
{
    xfree(&host->name);
    xfree(&host->user);
    xfree(&host->sender);
}

/* ---- lines of words ---- */

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice
route_word(struct slice *line)
{
    struct slice word = *line;
    size_t next;

    word.len = 0;
    while (word.len < line->len && !is_blank(line->ptr[word.len]))
        word.len++;
    next = word.len;
    while (next < line->len && is_blank(line->ptr[next]))
        next++;
    *line = slice_sub(*line, next, line->len);
    return word;
}

const char *
route_line_expected(struct slice line)
{
    const char *expected = NULL;
    unsigned hosts = 0;

    if (!address_is_domain(route_word(&line), true))
        return "a domain and behind it its servers";
    while (line.len > 0 && expected == NULL) {
        struct route_host host;

        expected = ++hosts > ROUTE_DOMAIN_HOSTS_MAX
                       ? "at most 16 servers of one domain"
                       : route_host_parse(route_word(&line), 25, &host);
        if (expected == NULL)
            route_host_clear(&host);
    }
    return hosts == 0 ? "servers behind the domain" : expected;
}
