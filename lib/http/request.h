/*
 * lib/http/request.h - one HTTP/1.1 request after the other from a client's bytes (RFC 9112).
 *
 * Fed with whatever has come; does no I/O. Untrusted input: every part has a limit, and what could
 * mean one message to us and two to somebody else (request smuggling, RFC 9112 section 11.2) is an
 * error: bare LF, folded lines, blanks before a colon, Content-Length twice or with
 * Transfer-Encoding, Transfer-Encoding in HTTP/1.0 or anything but "chunked". After an error the
 * connection has to be closed.
 */
#ifndef POSTHORN_LIB_HTTP_REQUEST_H
#define POSTHORN_LIB_HTTP_REQUEST_H

#include "lib/base/strbuf.h"

struct http_limits {
    size_t line_max;   /* bytes of the request line */
    size_t head_max;   /* bytes of request line and header fields together; also of a trailer */
    size_t fields_max; /* header fields, at most HTTP_FIELDS_MAX */
    size_t body_max;   /* bytes of the content, decoded */
};
#define HTTP_FIELDS_MAX 100

enum http_progress {
    HTTP_MORE,     /* the request is not whole yet */
    HTTP_CONTINUE, /* the client waits for "100 Continue" before it sends the content; once */
    HTTP_WHOLE,
    HTTP_BAD /* http_request_status() says with which status to answer before closing */
};

struct http_request; /* one connection's */

struct http_request *http_request_new(const struct http_limits *limits);
void http_request_free(struct http_request **requestp); /* wipes: there may be passwords in it */
/* Forgets the request that was whole and is ready for the next one. */
void http_request_reset(struct http_request *request);
/* Nothing of a next request has come yet: the client may close without harm. */
bool http_request_is_idle(const struct http_request *request);

/* Takes bytes off *input until the request is whole; bytes behind it stay. */
enum http_progress http_request_feed(struct http_request *request, struct slice *input);

/* 400, 413, 414, 431, 501 or 505, and why in words (a constant). */
unsigned http_request_status(const struct http_request *request);
const char *http_request_error(const struct http_request *request);

/* Of a whole request; borrowed until it is reset. */
struct slice http_request_method(const struct http_request *request);
struct slice http_request_path(const struct http_request *request);  /* as sent, without "?" */
struct slice http_request_query(const struct http_request *request); /* behind "?", or empty */
struct slice http_request_body(const struct http_request *request);
/* The value of a header field that is there exactly once; empty otherwise. */
struct slice http_request_header(const struct http_request *request, struct slice name);
bool http_request_keeps_alive(const struct http_request *request); /* RFC 9112 section 9.3 */

#endif
