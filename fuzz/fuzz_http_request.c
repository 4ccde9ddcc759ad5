/*
 * fuzz/fuzz_http_request.c - lib/http/request: a request is the same one in whatever pieces it
 * comes.
 */
#include <stdlib.h>

#include "lib/http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {
    .line_max = 256, .head_max = 2048, .fields_max = 20, .body_max = 1024};

/* Until the request is whole or bad; *taken: bytes of it. */
static enum http_progress
feed(struct http_request *r, struct slice all, size_t step, size_t *taken)
{
    enum http_progress progress = HTTP_MORE;

    *taken = 0;
    while (*taken < all.len && (progress == HTTP_MORE || progress == HTTP_CONTINUE)) {
        struct slice part = slice_sub(all, *taken, *taken + step);
        size_t given = part.len;

        progress = http_request_feed(r, &part);
        *taken += given - part.len;
        if (part.len > 0 && progress == HTTP_MORE)
            abort(); /* it takes what it wants, or says that it is done */
    }
    return progress == HTTP_CONTINUE ? HTTP_MORE : progress;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all;
    size_t step, taken[2];
    struct http_request *r[2];
    enum http_progress progress[2];

    if (size < 1)
        return 0;
    step = data[0] % 32 + 1;
    all = slice_make(data + 1, size - 1);
    for (int i = 0; i < 2; i++) {
        r[i] = http_request_new(&limits);
        progress[i] = feed(r[i], all, i == 0 ? SIZE_MAX / 2 : step, &taken[i]);
    }
    if (progress[0] != progress[1])
        abort();
    if (progress[0] == HTTP_WHOLE &&
        (taken[0] != taken[1] || !slice_eq(http_request_body(r[0]), http_request_body(r[1])) ||
         !slice_eq(http_request_path(r[0]), http_request_path(r[1])) ||
         http_request_body(r[0]).len > limits.body_max))
        abort();
    if (progress[0] == HTTP_BAD && http_request_status(r[0]) != http_request_status(r[1]))
        abort();
    http_request_free(&r[0]);
    http_request_free(&r[1]);
    return 0;
}
