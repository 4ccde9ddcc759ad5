/*
 * lib/auth/oauth_place.c - where an issuer's keys are, or who introspects its tokens. No I/O.
 */
#include "lib/auth/oauth_place.h"

#include "lib/base/parse.h"

enum { HTTPS_PORT = 443 };

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
oauth_place_parse(struct slice text, struct oauth_place *out)
{
    struct slice rest = slice_sub(text, 8, text.len), host;
    uint64_t port = HTTPS_PORT;
    size_t end;

    *out = (struct oauth_place){.is_file = slice_starts(text, SLICE("file:"))};
    if (text.len > OAUTH_PLACE_MAX)
        return -1;
    if (out->is_file) {
        out->host = slice_sub(text, 5, text.len);
        return is_made_of(out->host, "-_") ? 0 : -1; /* no '.', no '/': a name and no path */
    }
    if (!slice_starts(text, SLICE("https://")))
        return -1;
    end = slice_index(rest, '/');
    host = slice_sub(rest, 0, end);
    out->path = slice_sub(rest, end, rest.len);
    out->host = slice_split(&host, ':');
    if (host.len > 0 && (parse_u64(host, UINT16_MAX, &port) < 0 || port == 0))
        return -1;
    out->port = (uint16_t)port;
    return is_made_of(out->host, "-._") && is_made_of(out->path, "-._~:/?@!$&'()*+,;=%") ? 0 : -1;
}
