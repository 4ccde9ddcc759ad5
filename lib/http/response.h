/*
 * lib/http/response.h - an HTTP/1.1 response with its content (RFC 9112 section 4).
 */
#ifndef POSTHORN_LIB_HTTP_RESPONSE_H
#define POSTHORN_LIB_HTTP_RESPONSE_H

#include "lib/base/strbuf.h"

struct http_response {
    unsigned status;
    const char *type;  /* media type of the content */
    const char *extra; /* further header fields, each with its CRLF, or NULL; a constant */
    struct slice content;
    bool keeps_alive;
    bool head_only; /* to HEAD: without the content, its length is told */
};

/* Appends it all; nobody may store it. Overflow is remembered by `out`. `now_s`: since 1970. */
void http_response_write(struct strbuf *out, const struct http_response *response, int64_t now_s);
/* Asks the client for the content that it holds back. */
#define HTTP_RESPONSE_CONTINUE SLICE("HTTP/1.1 100 Continue\r\n\r\n")

#endif
