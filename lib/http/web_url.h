/*
 * lib/http/web_url.h - where a notice is posted to: http://HOST[:PORT]/PATH or the same with https.
 */
#ifndef POSTHORN_LIB_HTTP_WEB_URL_H
#define POSTHORN_LIB_HTTP_WEB_URL_H

#include <stdint.h>

#include "lib/base/slice.h"

#define WEB_URL_MAX 1000
#define WEB_HOST_MAX 253

struct web_url {
    bool is_tls;
    struct slice host; /* a name or an IPv4 address; borrowed from the text, like the path */
    uint16_t port;
    struct slice path; /* with its slash and query; "/" where the text has none */
};
/* 0, or -1: it is none (RFC 3986: no user, no fragment). */
int web_url_parse(struct slice text, struct web_url *out);

#endif
