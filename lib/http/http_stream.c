/*
 * lib/http/http_stream.c - reads requests off a stream and writes responses to it.
 *
 * The client is untrusted from its first byte: the request's limits are lib/http/request.h's, the
 * deadlines the caller's.
 */
#include "lib/http/http_stream.h"

#include "lib/base/clock.h"
#include "lib/log/log.h"

#define READ_MAX 16384
#define HEAD_ROOM 1024 /* bytes of a response's head */

static void
tell_end(enum stream_status status, bool is_idle, struct http_trouble *trouble)
{
    if (status != STREAM_TIMEOUT)
        *trouble =
            (struct http_trouble){0, status == STREAM_EOF ? "closed by client" : "connection lost"};
    else if (is_idle)
        *trouble = (struct http_trouble){0, "timeout"};
    else
        *trouble = (struct http_trouble){408, "the request took too long"};
}

bool
http_stream_read(struct stream *stream, struct http_request *request,
                 const struct http_times *times, struct http_trouble *trouble)
{
    int64_t deadline = clock_mono_ms() + times->idle_ms;
    enum http_progress progress = HTTP_MORE;

    while (progress == HTTP_MORE || progress == HTTP_CONTINUE) {
        enum stream_status status;
        struct slice bytes;
        size_t given;

        if (progress == HTTP_CONTINUE) {
            (void)stream_write(stream, HTTP_RESPONSE_CONTINUE); /* an error sticks */
            (void)stream_flush(stream);
        }
        log_flush();
        status = stream_read_some(stream, READ_MAX, deadline, &bytes);
        if (status != STREAM_OK) {
            tell_end(status, http_request_is_idle(request), trouble);
            return false;
        }
        if (http_request_is_idle(request))
            deadline = clock_mono_ms() + times->request_ms;
        given = bytes.len;
        progress = http_request_feed(request, &bytes);
        if (bytes.len > 0 && bytes.len < given)
            stream_unread(stream, bytes.len); /* of the next request */
    }
    if (progress == HTTP_BAD)
        *trouble = (struct http_trouble){http_request_status(request), http_request_error(request)};
    return progress == HTTP_WHOLE;
}

bool
http_stream_answer(struct stream *stream, const struct http_response *response, size_t max)
{
    struct strbuf out = strbuf_new(max + HEAD_ROOM);

    http_response_write(&out, response, clock_real_ms() / 1000);
    (void)stream_write(stream, strbuf_slice(&out)); /* an error sticks: */
    strbuf_free(&out);
    return stream_flush(stream) == STREAM_OK && response->keeps_alive;
}
