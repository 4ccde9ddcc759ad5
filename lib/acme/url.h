/*
 * lib/acme/url.h - the https URLs by which an ACME server names its resources (RFC 8555 section
 * 7.1).
 */
#ifndef POSTHORN_LIB_ACME_URL_H
#define POSTHORN_LIB_ACME_URL_H

#include <stdint.h>

#include "lib/base/slice.h"

#define ACME_URL_MAX 1024
#define ACME_HOST_MAX 253

struct acme_url {
    char host[ACME_HOST_MAX + 1];
    char authority[ACME_HOST_MAX + 8]; /* host, and the port where it is not 443 */
    char path[ACME_URL_MAX + 1];       /* from "/" on, with the query */
    uint16_t port;
};

/* Is it "https://HOST[:PORT][/PATH]" of the characters that RFC 3986 has, without user and
 * fragment? Nothing in it then needs an escape in JSON, HTTP or a log. `out` may be NULL. */
bool acme_url_parse(struct slice text, struct acme_url *out);

#endif
