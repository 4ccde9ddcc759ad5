/*
 * lib/http/request.c - one HTTP/1.1 request after the other from a client's bytes.
 *
 *   head (lines up to the empty one) -> content by length, or chunks and trailer -> whole
 */
#include "lib/http/request.h"

#include <stdlib.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

enum {
    CHUNK_LINE_MAX = 256, /* size and extensions (RFC 9112 section 7.1.1) */
    CHUNK_DIGITS_MAX = 8
};

struct field {
    struct slice name, value; /* within the head */
};

enum state {
    ST_HEAD,
    ST_LENGTH,     /* `left` bytes of content */
    ST_CHUNK_SIZE, /* its line */
    ST_CHUNK_DATA, /* `left` bytes of it */
    ST_CHUNK_END,  /* CRLF behind it */
    ST_TRAILER,    /* lines up to the empty one */
    ST_WHOLE,
    ST_BAD
};

struct http_request {
    struct http_limits limits;
    enum state state;
    struct strbuf head, line, body;
    size_t trailer_bytes;
    uint64_t left;
    struct field fields[HTTP_FIELDS_MAX];
    size_t field_count;
    struct slice method, path, query;
    unsigned minor; /* HTTP/1.minor */
    bool wants_continue, had_empty_line;
    unsigned status;
    const char *error;
};

struct http_request *
http_request_new(const struct http_limits *limits)
{
    struct http_request *r = xcalloc(1, sizeof(*r));

    r->limits = *limits;
    if (r->limits.fields_max > HTTP_FIELDS_MAX)
        r->limits.fields_max = HTTP_FIELDS_MAX;
    r->head = strbuf_new(limits->head_max);
    r->line = strbuf_new(CHUNK_LINE_MAX);
    r->body = strbuf_new(limits->body_max);
    return r;
}

static void
wipe(struct strbuf *b)
{
    if (b->ptr != NULL)
        mem_wipe(b->ptr, b->cap);
    strbuf_free(b);
}

void
http_request_reset(struct http_request *r)
{
    struct http_limits limits = r->limits;
    size_t head_max = r->head.max, body_max = r->body.max;

    wipe(&r->head);
    wipe(&r->body);
    strbuf_free(&r->line);
    *r = (struct http_request){.limits = limits,
                               .head = strbuf_new(head_max),
                               .line = strbuf_new(CHUNK_LINE_MAX),
                               .body = strbuf_new(body_max)};
}

void
http_request_free(struct http_request **requestp)
{
    if (*requestp == NULL)
        return;
    wipe(&(*requestp)->head);
    wipe(&(*requestp)->body);
    strbuf_free(&(*requestp)->line);
    xfree(requestp);
}

bool
http_request_is_idle(const struct http_request *r)
{
    return r->state == ST_HEAD && r->head.len == 0;
}

static enum http_progress
fail(struct http_request *r, unsigned status, const char *error)
{
    r->state = ST_BAD;
    r->status = status;
    r->error = error;
    return HTTP_BAD;
}

/* The same for who answers 0 or -1. */
static int
refuse(struct http_request *r, unsigned status, const char *error)
{
    (void)fail(r, status, error);
    return -1;
}

/* ---- characters ---- */

/* RFC 9110 section 5.6.2 */
static bool
is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return s.len > 0;
}

static bool
is_target(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
            return false;
    return s.len > 0;
}

/* RFC 9110 section 5.5: visible characters, blanks and bytes above 0x7f. */
static bool
is_value(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static struct slice
trim_blanks(struct slice s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_sub(s, 1, s.len);
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* ---- the head ---- */

/* Takes a line off *rest, without its CRLF. False: its LF is bare. */
static bool
take_line(struct slice *rest, struct slice *line)
{
    *line = slice_cut_after(rest, '\n');
    if (!slice_ends(*line, SLICE("\r\n")))
        return false;
    line->len -= 2;
    return true;
}

/* RFC 9112 section 3: method SP request-target SP HTTP-version, nothing kind. */
static int
parse_request_line(struct http_request *r, struct slice line)
{
    struct slice target, version;

    if (line.len > r->limits.line_max)
        return refuse(r, 414, "the request line is too long");
    r->method = slice_split(&line, ' ');
    target = slice_split(&line, ' ');
    version = line;
    if (!is_token(r->method) || !is_target(target))
        return refuse(r, 400, "malformed request line");
    if (slice_eq(version, SLICE("HTTP/1.1")) || slice_eq(version, SLICE("HTTP/1.0")))
        r->minor = version.ptr[7] == '1';
    else if (slice_starts(version, SLICE("HTTP/")) && version.len == 8)
        return refuse(r, 505, "HTTP/1.1 is spoken here");
    else
        return refuse(r, 400, "malformed request line");
    if (target.ptr[0] != '/' && !slice_eq(target, SLICE("*"))) /* no proxy (3.2.2, 3.2.3) */
        return refuse(r, 400, "the target has to begin with a slash");
    r->path = slice_split(&target, '?');
    r->query = target;
    return 0;
}

/* RFC 9112 section 5.1 */
static int
parse_field(struct http_request *r, struct slice line)
{
    struct slice value = line, name = slice_split(&value, ':');

    if (r->field_count == r->limits.fields_max)
        return refuse(r, 431, "too many header fields");
    if (line.ptr[0] == ' ' || line.ptr[0] == '\t') /* section 5.2, and 2.2 */
        return refuse(r, 400, "folded header fields are not taken");
    if (name.len == line.len || !is_token(name) || !is_value(value))
        return refuse(r, 400, "malformed header field");
    r->fields[r->field_count++] = (struct field){name, trim_blanks(value)};
    return 0;
}

static size_t
count_fields(const struct http_request *r, struct slice name, struct slice *value)
{
    size_t count = 0;

    for (size_t i = 0; i < r->field_count; i++) {
        if (!slice_eq_nocase(r->fields[i].name, name))
            continue;
        *value = r->fields[i].value;
        count++;
    }
    return count;
}

/* RFC 9112 section 6.3 */
static int
find_framing(struct http_request *r)
{
    struct slice length, coding, expect;
    size_t lengths = count_fields(r, SLICE("Content-Length"), &length);
    size_t codings = count_fields(r, SLICE("Transfer-Encoding"), &coding);

    if (codings > 0 && (lengths > 0 || codings > 1 || r->minor == 0))
        return refuse(r, 400, "the length of the content is ambiguous");
    if (codings > 0 && !slice_eq_nocase(coding, SLICE("chunked")))
        return slice_ends_nocase(coding, SLICE("chunked"))
                   ? refuse(r, 501, "unknown transfer coding")
                   : refuse(r, 400, "chunked has to be the last transfer coding");
    if (lengths > 1 || (lengths == 1 && parse_u64(length, INT64_MAX, &r->left) < 0))
        return refuse(r, 400, "the length of the content is ambiguous");
    if (r->left > r->limits.body_max)
        return refuse(r, 413, "the content is too large");
    r->state = codings > 0 ? ST_CHUNK_SIZE : r->left > 0 ? ST_LENGTH : ST_WHOLE;
    r->wants_continue = r->state != ST_WHOLE && r->minor == 1 &&
                        count_fields(r, SLICE("Expect"), &expect) == 1 &&
                        slice_eq_nocase(expect, SLICE("100-continue"));
    return 0;
}

static int
parse_head(struct http_request *r)
{
    struct slice rest = strbuf_slice(&r->head), line, host;
    size_t hosts;

    if (!take_line(&rest, &line))
        return refuse(r, 400, "a line ends with CR and LF");
    if (parse_request_line(r, line) != 0)
        return -1;
    for (;;) {
        if (!take_line(&rest, &line))
            return refuse(r, 400, "a line ends with CR and LF");
        if (line.len == 0)
            break;
        if (parse_field(r, line) != 0)
            return -1;
    }
    hosts = count_fields(r, SLICE("Host"), &host);
    if (hosts > 1 || (hosts == 0 && r->minor == 1)) /* section 3.2 */
        return refuse(r, 400, "one Host is needed");
    return find_framing(r);
}

/* Its end is an empty line, be it ended rightly or not: the parser says which. */
static bool
head_is_whole(const struct strbuf *head)
{
    return strbuf_ends_with(head, "\n\r\n") || strbuf_ends_with(head, "\n\n");
}

static enum http_progress
feed_head(struct http_request *r, struct slice *input)
{
    while (input->len > 0) {
        struct slice line = slice_cut_after(input, '\n');

        if (!strbuf_append(&r->head, line))
            return slice_index(strbuf_slice(&r->head), '\n') == r->head.len
                       ? fail(r, 414, "the request line is too long")
                       : fail(r, 431, "the header is too long");
        if (!r->had_empty_line && slice_eq(strbuf_slice(&r->head), SLICE("\r\n"))) {
            r->had_empty_line = true; /* one in front is taken (section 2.2) */
            strbuf_clear(&r->head);
        }
        if (!head_is_whole(&r->head))
            continue;
        return parse_head(r) == 0 ? HTTP_MORE : HTTP_BAD;
    }
    return HTTP_MORE;
}

/* ---- the content ---- */

static void
take_content(struct http_request *r, struct slice *input, enum state then)
{
    struct slice part = slice_sub(*input, 0, r->left < input->len ? (size_t)r->left : input->len);

    (void)strbuf_append(&r->body, part); /* the sum was held against the limit before */
    *input = slice_sub(*input, part.len, input->len);
    r->left -= part.len;
    if (r->left == 0)
        r->state = then;
}

/* A line with its CRLF in r->line: HTTP_WHOLE. */
static enum http_progress
feed_line(struct http_request *r, struct slice *input)
{
    if (!strbuf_append(&r->line, slice_cut_after(input, '\n')))
        return fail(r, 400, "a line of the chunked content is too long");
    if (!strbuf_ends_with(&r->line, "\n"))
        return HTTP_MORE;
    if (!strbuf_ends_with(&r->line, "\r\n"))
        return fail(r, 400, "a line ends with CR and LF");
    strbuf_truncate(&r->line, r->line.len - 2);
    return HTTP_WHOLE;
}

/* chunk-size [ chunk-ext ]; extensions mean nothing to us (RFC 9112 section 7.1.1). */
static enum http_progress
chunk_size(struct http_request *r)
{
    struct slice extension = strbuf_slice(&r->line), digits = slice_split(&extension, ';');
    uint64_t size = 0;

    digits = trim_blanks(digits);
    if (digits.len == 0 || digits.len > CHUNK_DIGITS_MAX || !is_value(extension))
        return fail(r, 400, "malformed size of a chunk");
    for (size_t i = 0; i < digits.len; i++) {
        int value = hex_value(digits.ptr[i]);

        if (value < 0)
            return fail(r, 400, "malformed size of a chunk");
        size = size << 4 | (unsigned)value;
    }
    if (size > r->limits.body_max - r->body.len)
        return fail(r, 413, "the content is too large");
    r->left = size;
    r->state = size == 0 ? ST_TRAILER : ST_CHUNK_DATA;
    return HTTP_MORE;
}

/* Fields behind the content are read and forgotten (section 7.1.2). */
static enum http_progress
trailer_line(struct http_request *r)
{
    r->trailer_bytes += r->line.len + 2;
    if (r->trailer_bytes > r->limits.head_max)
        return fail(r, 431, "the trailer is too long");
    if (r->line.len == 0)
        r->state = ST_WHOLE;
    return HTTP_MORE;
}

static enum http_progress
feed_chunk_line(struct http_request *r, struct slice *input)
{
    enum http_progress progress = feed_line(r, input);

    if (progress != HTTP_WHOLE)
        return progress;
    if (r->state == ST_CHUNK_SIZE)
        progress = chunk_size(r);
    else if (r->state == ST_TRAILER)
        progress = trailer_line(r);
    else if (r->line.len > 0)
        progress = fail(r, 400, "a chunk is longer than it says");
    else
        r->state = ST_CHUNK_SIZE;
    if (progress != HTTP_BAD)
        progress = HTTP_MORE;
    strbuf_clear(&r->line);
    return progress;
}

enum http_progress
http_request_feed(struct http_request *r, struct slice *input)
{
    enum http_progress progress = HTTP_MORE;

    while (progress == HTTP_MORE && r->state < ST_WHOLE && input->len > 0) {
        switch (r->state) {
        case ST_HEAD:
            progress = feed_head(r, input);
            break;
        case ST_LENGTH:
            take_content(r, input, ST_WHOLE);
            break;
        case ST_CHUNK_DATA:
            take_content(r, input, ST_CHUNK_END);
            break;
        default:
            progress = feed_chunk_line(r, input);
            break;
        }
        if (progress == HTTP_MORE && r->wants_continue && input->len == 0) {
            r->wants_continue = false;
            return r->state < ST_WHOLE ? HTTP_CONTINUE : HTTP_WHOLE;
        }
    }
    if (r->state == ST_BAD)
        return HTTP_BAD;
    return r->state == ST_WHOLE ? HTTP_WHOLE : progress;
}

/* ---- what was asked ---- */

unsigned
http_request_status(const struct http_request *r)
{
    return r->status;
}

const char *
http_request_error(const struct http_request *r)
{
    return r->error;
}

struct slice
http_request_method(const struct http_request *r)
{
    return r->method;
}

struct slice
http_request_path(const struct http_request *r)
{
    return r->path;
}

struct slice
http_request_query(const struct http_request *r)
{
    return r->query;
}

struct slice
http_request_body(const struct http_request *r)
{
    return strbuf_slice(&r->body);
}

struct slice
http_request_header(const struct http_request *r, struct slice name)
{
    struct slice value = SLICE("");

    return count_fields(r, name, &value) == 1 ? value : SLICE("");
}

bool
http_request_keeps_alive(const struct http_request *r)
{
    struct slice value = SLICE("");
    size_t count = count_fields(r, SLICE("Connection"), &value);

    while (count > 0 && value.len > 0) {
        struct slice option = trim_blanks(slice_split(&value, ','));

        if (slice_eq_nocase(option, SLICE("close")))
            return false;
    }
    return r->minor == 1;
}
