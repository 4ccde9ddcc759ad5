/*
 * lib/http/web_url.c - where a notice is posted to. Input: a setting of the administrator's. No
 * I/O.
 */
#include "lib/http/web_url.h"

#include "lib/base/parse.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

/* Letters, digits and these. */
static bool
is_made_of(struct slice text, const char *more)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return text.len > 0;
}

int
web_url_parse(struct slice text, struct web_url *out)
{
    struct slice rest, host;
    uint64_t port;
    size_t end;

    *out = (struct web_url){.is_tls = slice_starts(text, SLICE("https://"))};
    if (text.len > WEB_URL_MAX || (!out->is_tls && !slice_starts(text, SLICE("http://"))))
        return -1;
    port = out->is_tls ? HTTPS_PORT : HTTP_PORT;
    rest = slice_sub(text, out->is_tls ? 8 : 7, text.len);
    end = slice_index(rest, '/');
    host = slice_sub(rest, 0, end);
    out->path = end < rest.len ? slice_sub(rest, end, rest.len) : SLICE("/");
    end = slice_index(host, ':');
    out->host = slice_sub(host, 0, end);
    if (end < host.len &&
        (parse_u64(slice_sub(host, end + 1, host.len), UINT16_MAX, &port) < 0 || port == 0))
        return -1;
    out->port = (uint16_t)port;
    return out->host.len <= WEB_HOST_MAX && is_made_of(out->host, "-._") &&
                   is_made_of(out->path, "-._~:/?@!$&'()*+,;=%")
               ? 0
               : -1;
}
