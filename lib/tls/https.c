/*
 * lib/tls/https.c - one request over TLS.
 *
 * The server is untrusted: its lines, fields, chunks and body have limits, and all of it together
 * one deadline. Touches its socket and nothing else.
 */
#include "lib/tls/https.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/parse.h"
#include "lib/tls/stream.h"

enum {
    READ_MAX = 8192,
    LINE_MAX_BYTES = 4096,
    FIELDS_MAX = 100,
    INTERIM_MAX = 10,
    CHUNKS_MAX = 4096,
    CHUNK_DIGITS_MAX = 8
};

struct response {
    struct stream *stream;
    int64_t deadline;
    bool chunked, has_length, is_text, any_type;
    uint64_t length;
    struct strbuf *body;
    const struct https_answer *answer; /* whose fields are told, or NULL */
};

/* A line without its end. */
static bool
read_line(struct response *r, struct slice *line)
{
    if (stream_read_line(r->stream, LINE_MAX_BYTES, r->deadline, line) != STREAM_OK)
        return false;
    *line = slice_trim(*line);
    return true;
}

/* ---- status and fields ---- */

/* The status' three digits. */
static const char *
read_status_line(struct response *r, struct slice *status)
{
    struct slice line, version;

    if (!read_line(r, &line))
        return "no HTTP response";
    version = slice_split(&line, ' ');
    if (!slice_starts(version, SLICE("HTTP/1.")))
        return "not HTTP/1.1";
    *status = slice_split(&line, ' ');
    return status->len == 3 ? NULL : "damaged HTTP status";
}

static const char *
skip_fields(struct response *r)
{
    for (unsigned i = 0; i < FIELDS_MAX; i++) {
        struct slice line;

        if (!read_line(r, &line))
            return "the HTTP header ends early";
        if (line.len == 0)
            return NULL;
    }
    return "too many HTTP header fields";
}

/* The answer's: interim ones may come before it (RFC 9110 section 15.2). */
static const char *
read_status(struct response *r, struct slice *status)
{
    const char *trouble = read_status_line(r, status);

    for (unsigned i = 0; trouble == NULL && status->ptr[0] == '1' && i < INTERIM_MAX; i++) {
        trouble = skip_fields(r);
        if (trouble == NULL)
            trouble = read_status_line(r, status);
    }
    return trouble;
}

static const char *
take_field(struct response *r, struct slice line)
{
    struct slice name = slice_split(&line, ':'), value = slice_trim(line);

    if (r->answer != NULL)
        r->answer->field(r->answer->arg, name, value);
    if (slice_eq_nocase(name, SLICE("Content-Type"))) {
        r->is_text = slice_eq_nocase(slice_trim(slice_split(&value, ';')), SLICE("text/plain"));
    } else if (slice_eq_nocase(name, SLICE("Transfer-Encoding"))) {
        r->chunked = slice_eq_nocase(value, SLICE("chunked"));
        if (!r->chunked)
            return "unknown transfer encoding";
    } else if (slice_eq_nocase(name, SLICE("Content-Length"))) {
        r->has_length = parse_u64(value, UINT32_MAX, &r->length) == 0;
        if (!r->has_length)
            return "damaged Content-Length";
    }
    return NULL;
}

static const char *
read_fields(struct response *r)
{
    for (unsigned i = 0; i < FIELDS_MAX; i++) {
        const char *trouble;
        struct slice line;

        if (!read_line(r, &line))
            return "the HTTP header ends early";
        if (line.len == 0)
            return r->is_text || r->any_type
                       ? NULL
                       : "the content is not text/plain"; /* RFC 8461 section 3.2 */
        trouble = take_field(r, line);
        if (trouble != NULL)
            return trouble;
    }
    return "too many HTTP header fields";
}

/* ---- the body ---- */

static const char *
read_bytes(struct response *r, uint64_t length)
{
    while (length > 0) {
        size_t most = length < READ_MAX ? (size_t)length : READ_MAX;
        struct slice bytes;

        if (stream_read_some(r->stream, most, r->deadline, &bytes) != STREAM_OK)
            return "the HTTP body ends early";
        if (!strbuf_append(r->body, bytes))
            return "the HTTP body is too long";
        length -= bytes.len;
    }
    return NULL;
}

static int
parse_chunk_size(struct slice text, uint64_t *size)
{
    *size = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_value(text.ptr[i]);

        if (digit < 0)
            return -1;
        *size = *size << 4 | (unsigned)digit;
    }
    return text.len > 0 && text.len <= CHUNK_DIGITS_MAX ? 0 : -1;
}

/* RFC 9112 section 7.1. What follows the last chunk is left unread: the connection ends here. */
static const char *
read_chunks(struct response *r)
{
    for (unsigned i = 0; i < CHUNKS_MAX; i++) {
        const char *trouble;
        struct slice line;
        uint64_t size;

        if (!read_line(r, &line) ||
            parse_chunk_size(slice_trim(slice_split(&line, ';')), &size) < 0)
            return "damaged HTTP chunk";
        if (size == 0)
            return NULL;
        trouble = read_bytes(r, size);
        if (trouble != NULL)
            return trouble;
        if (!read_line(r, &line) || line.len > 0)
            return "damaged HTTP chunk";
    }
    return "too many HTTP chunks";
}

/* A body that ends with the connection may have been cut off by anybody on the way (RFC 9112
 * section 9.8). */
static const char *
read_body(struct response *r)
{
    if (r->chunked)
        return read_chunks(r);
    return r->has_length ? read_bytes(r, r->length) : "an HTTP body without its length";
}

/* For who looks for something in it, and to whom a part is enough: what comes before the connection
 * ends, however it does, or as much as there is room for. */
static void
read_to_end(struct response *r)
{
    struct slice bytes;

    while (stream_read_some(r->stream, READ_MAX, r->deadline, &bytes) == STREAM_OK)
        if (!strbuf_append(r->body, bytes))
            return;
}

static const char *
read_part(struct response *r)
{
    const char *trouble = NULL;

    if (r->chunked || r->has_length)
        trouble = read_body(r);
    else
        read_to_end(r);
    return r->body->overflow ? NULL : trouble; /* the rest is not wanted */
}

/* ---- the requests ---- */

/* Connects TLS; an error of later writing sticks to the stream. */
static const char *
begin(struct response *r, const struct https_target *target)
{
    struct tls_check check = {.server_name = target->host};

    r->stream = stream_new(target->fd, READ_MAX);
    r->deadline = target->deadline_mono_ms;
    if (target->ctx != NULL &&
        stream_start_tls_client(r->stream, target->ctx, &check, r->deadline) < 0)
        return tls_last_error();
    return NULL;
}

static const char *
get(struct response *r, const struct https_target *target)
{
    const char *trouble;
    struct slice status;

    (void)stream_printf(r->stream,
                        "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/plain\r\n"
                        "Connection: close\r\n\r\n",
                        target->path, target->host);
    trouble = read_status(r, &status);
    if (trouble == NULL && !slice_eq(status, SLICE("200")))
        trouble = "the HTTP status is not 200";
    if (trouble == NULL)
        trouble = read_fields(r);
    return trouble == NULL ? read_body(r) : trouble;
}

const char *
https_get(const struct https_target *target, struct strbuf *body, bool *distrusted)
{
    struct response r = {.body = body};
    const char *trouble = begin(&r, target);

    if (distrusted != NULL)
        *distrusted = trouble != NULL && tls_last_distrust() != TLS_DISTRUST_NONE;
    if (trouble == NULL)
        trouble = get(&r, target);
    stream_free(&r.stream);
    return trouble;
}

const char *
https_post(const struct https_target *target, const char *type, struct slice body)
{
    struct response r = {.body = NULL};
    const char *trouble = begin(&r, target);
    struct slice status;

    if (trouble == NULL) {
        (void)stream_printf(r.stream,
                            "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n"
                            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                            target->path, target->host, type, body.len);
        (void)stream_write(r.stream, body);
        trouble = read_status(&r, &status);
        if (trouble == NULL && status.ptr[0] != '2')
            trouble = "the HTTP status is not 2xx";
    }
    stream_free(&r.stream);
    return trouble;
}

/* The head and the body of a query; `fields`: whole header fields besides. */
static void
send_query(struct response *r, const struct https_target *target, const struct https_query *query,
           const char *fields)
{
    (void)stream_printf(
        r->stream, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Posthorn\r\nAccept: %s\r\n",
        query->method, target->path, target->authority != NULL ? target->authority : target->host,
        query->accept != NULL ? query->accept : "application/json");
    if (query->authorization[0] != '\0')
        (void)stream_printf(r->stream, "Authorization: %s\r\n", query->authorization);
    if (query->type != NULL)
        (void)stream_printf(r->stream, "Content-Type: %s\r\nContent-Length: %zu\r\n", query->type,
                            query->body.len);
    (void)stream_write(r->stream, slice_of(fields));
    (void)stream_write(r->stream, SLICE("Connection: close\r\n\r\n"));
    (void)stream_write(r->stream, query->body);
}

const char *
https_ask(const struct https_target *target, const struct https_query *query, struct strbuf *body)
{
    struct response r = {.body = body, .any_type = true};
    const char *trouble = begin(&r, target);
    struct slice status;

    if (trouble == NULL) {
        send_query(&r, target, query, "");
        trouble = read_status(&r, &status);
        if (trouble == NULL && !slice_eq(status, SLICE("200")))
            trouble = "the HTTP status is not 200";
    }
    if (trouble == NULL)
        trouble = read_fields(&r);
    if (trouble == NULL)
        trouble = read_body(&r);
    stream_free(&r.stream);
    return trouble;
}

/* RFC 9112 section 6.3: what has no content whatever its fields say. */
static bool
has_body(const struct https_query *query, unsigned status)
{
    return strcmp(query->method, "HEAD") != 0 && status >= 200 && status != 204 && status != 304;
}

const char *
https_exchange(const struct https_target *target, const struct https_query *query,
               struct https_answer *answer)
{
    struct response r = {.body = answer->body, .any_type = true, .answer = answer};
    const char *trouble = begin(&r, target);
    struct slice text;
    uint64_t status = 0;

    if (trouble == NULL) {
        send_query(&r, target, query, "");
        trouble = read_status(&r, &text);
    }
    if (trouble == NULL && parse_u64(text, 999, &status) < 0)
        trouble = "damaged HTTP status";
    if (trouble == NULL)
        trouble = read_fields(&r);
    if (trouble == NULL && has_body(query, (unsigned)status))
        trouble = read_body(&r);
    answer->status = (unsigned)status;
    stream_free(&r.stream);
    return trouble;
}

const char *
https_notify(const struct https_target *target, const struct https_query *query, const char *fields,
             struct strbuf *body)
{
    struct response r = {.body = body, .any_type = true};
    const char *trouble = begin(&r, target);
    struct slice status;
    bool takes_body = false;

    if (trouble == NULL) {
        send_query(&r, target, query, fields);
        trouble = read_status(&r, &status);
        if (trouble == NULL && status.ptr[0] != '2')
            trouble = "the HTTP status is not 2xx";
        takes_body = trouble == NULL && !slice_eq(status, SLICE("204"));
    }
    if (trouble == NULL && body != NULL)
        trouble = read_fields(&r);
    if (trouble == NULL && body != NULL && takes_body)
        trouble = read_part(&r);
    stream_free(&r.stream);
    return trouble;
}
