/*
 * lib/acme/url.c - takes an https URL apart. The text is a server's.
 */
#include "lib/acme/url.h"

#include <stdio.h>

#include "lib/base/parse.h"

enum { HTTPS = 443 };

/* RFC 3986 section 2, without "#", and without the quotes and brackets that are in no path. */
static bool
is_path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~%!$&()*+,;=:@/?", c) != NULL);
}

static bool
is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

static bool
all(struct slice text, bool (*good)(char c))
{
    for (size_t i = 0; i < text.len; i++)
        if (!good(text.ptr[i]))
            return false;
    return true;
}

bool
acme_url_parse(struct slice text, struct acme_url *out)
{
    static const char scheme[] = "https://";
    struct slice rest = slice_sub(text, sizeof(scheme) - 1, text.len), place, host;
    uint64_t port = HTTPS;

    if (text.len > ACME_URL_MAX || !slice_starts_nocase(text, SLICE("https://")))
        return false;
    place = slice_sub(rest, 0, slice_index(rest, '/'));
    rest = slice_sub(rest, place.len, rest.len);
    host = slice_sub(place, 0, slice_index(place, ':'));
    if (host.len == 0 || host.len > ACME_HOST_MAX || !all(host, is_host_char) ||
        !all(rest, is_path_char))
        return false;
    if (host.len < place.len &&
        (parse_u64(slice_sub(place, host.len + 1, place.len), 65535, &port) < 0 || port == 0))
        return false;
    if (out == NULL)
        return true;
    out->port = (uint16_t)port;
    (void)snprintf(out->host, sizeof(out->host), "%.*s", (int)host.len, host.ptr); /* they fit */
    (void)snprintf(out->path, sizeof(out->path), "%s%.*s", rest.len == 0 ? "/" : "", (int)rest.len,
                   rest.ptr);
    if (port == HTTPS)
        (void)snprintf(out->authority, sizeof(out->authority), "%s", out->host);
    else
        (void)snprintf(out->authority, sizeof(out->authority), "%s:%u", out->host, out->port);
    return true;
}
