/*
 * lib/http/http_stream.h - a server's requests and responses over a stream (lib/tls/stream.h).
 */
#ifndef POSTHORN_LIB_HTTP_HTTP_STREAM_H
#define POSTHORN_LIB_HTTP_HTTP_STREAM_H

#include "lib/http/request.h"
#include "lib/http/response.h"
#include "lib/tls/stream.h"

struct http_times {
    int64_t idle_ms;    /* until the first byte of a request */
    int64_t request_ms; /* from there to its last */
};

/* Why there is no request. */
struct http_trouble {
    unsigned status;  /* to answer with before closing; 0: there is nobody to answer */
    const char *text; /* a constant, for the log and the answer */
};

/* Waits for one whole request and takes it off the stream. False with *trouble: the connection is
 * over. */
bool http_stream_read(struct stream *stream, struct http_request *request,
                      const struct http_times *times, struct http_trouble *trouble);
/* Sends a response of at most `max` bytes with its head. True: the connection goes on. */
bool http_stream_answer(struct stream *stream, const struct http_response *response, size_t max);

#endif
