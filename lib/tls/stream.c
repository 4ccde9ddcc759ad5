/*
 * lib/tls/stream.c - a session's byte stream: plain or TLS, buffered both ways, with deadlines.
 *
 * The peer is untrusted: what it sends is bounded by the input buffer, how long it takes by the
 * caller's deadline, how long it may leave our output unread by the write time-out.
 */
#include "lib/tls/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#ifdef POSTHORN_TESTHOOKS
#include "lib/sys/testhook.h"
#endif
#include "lib/tls/waiter.h"

#define OUTPUT_MAX 16384 /* also the most that one TLS record takes */
#define WRITE_TIMEOUT_MS INT64_C(300000)
#define DISCARD_MAX ((size_t)256 << 10)

struct stream {
    int fd, end_fd; /* end_fd: -1 or see stream_set_end_fd */
    int key_fd;     /* -1 or see stream_set_key_fd */
    enum tls_oldest oldest_tls;
    struct waiter waiter;
    struct tls *tls;
    char *in; /* in_cap bytes, or NULL while nothing is buffered */
    size_t in_start, in_end, in_cap;
    size_t in_used; /* highest in_end so far */
    char *out;      /* OUTPUT_MAX bytes, or NULL */
    size_t out_len;
    const struct stream_codec *codec; /* NULL: none */
    void *codec_state;
    char *raw; /* OUTPUT_MAX bytes of encoded input, or NULL while there is none */
    size_t raw_start, raw_end;
    bool more_decoded; /* the codec may have more output without more input */
    bool unflushed;    /* the codec may hold back what was written */
    int64_t write_timeout_ms;
    enum stream_status read_status, write_status; /* an error sticks */
    uint64_t bytes_in, bytes_out;
};

struct stream *
stream_new(int fd, size_t read_max)
{
    struct stream *s = xcalloc(1, sizeof(*s));

    s->fd = fd;
    s->end_fd = s->key_fd = -1;
    s->waiter = waiter_new(fd);
    s->in_cap = read_max;
    s->write_timeout_ms = WRITE_TIMEOUT_MS;
    return s;
}

/* Passwords have come this way. */
static void
free_input(struct stream *s)
{
    if (s->in != NULL)
        mem_wipe(s->in, s->in_used);
    xfree(&s->in);
    s->in_start = s->in_end = s->in_used = 0;
}

void
stream_free(struct stream **streamp)
{
    struct stream *s = *streamp;

    if (s == NULL)
        return;
    (void)stream_flush(s); /* whoever needs to know has flushed before */
    if (s->codec != NULL)
        s->codec->free(s->codec_state);
    xfree(&s->raw);
    tls_close(&s->tls);
    (void)close(s->fd);
    close_keep_errno(s->key_fd);
    free_input(s);
    free(s->out);
    xfree(streamp);
}

void
stream_set_key_fd(struct stream *s, int fd)
{
    close_keep_errno(s->key_fd);
    s->key_fd = fd;
}

void
stream_set_oldest_tls(struct stream *s, enum tls_oldest oldest)
{
    s->oldest_tls = oldest;
}

int
stream_fd(const struct stream *s)
{
    return s->fd;
}

struct tls *
stream_tls(const struct stream *s)
{
    return s->tls;
}

bool
stream_has_input(const struct stream *s)
{
    return s->in_start < s->in_end;
}

bool
stream_has_line(const struct stream *s)
{
    struct slice unread = slice_make(s->in + s->in_start, s->in_end - s->in_start);

    return slice_index(unread, '\n') < unread.len;
}

void
stream_release_buffers(struct stream *s)
{
    if (s->in_start == s->in_end)
        free_input(s);
    if (s->out_len == 0)
        xfree(&s->out);
    if (s->raw_start == s->raw_end)
        xfree(&s->raw);
    if (s->codec != NULL && !s->unflushed)
        s->codec->release(s->codec_state);
}

void
stream_set_write_timeout(struct stream *s, int64_t ms)
{
    s->write_timeout_ms = ms;
}

uint64_t
stream_bytes_in(const struct stream *s)
{
    return s->bytes_in;
}

uint64_t
stream_bytes_out(const struct stream *s)
{
    return s->bytes_out;
}

static enum stream_status
status_of_errno(void)
{
    return errno == ETIMEDOUT ? STREAM_TIMEOUT : STREAM_ERROR;
}

/* ---- output ---- */

static enum stream_status
send_all(struct stream *s, struct slice data)
{
    int64_t deadline = clock_mono_ms() + s->write_timeout_ms;

    while (data.len > 0 && s->write_status == STREAM_OK) {
        ssize_t n = s->tls != NULL ? tls_write(s->tls, data.ptr, data.len, deadline)
                                   : waiter_send(&s->waiter, data.ptr, data.len, deadline);

        if (n <= 0) {
            s->write_status = status_of_errno();
            break;
        }
        s->bytes_out += (uint64_t)n;
        data = slice_sub(data, (size_t)n, data.len);
    }
    return s->write_status;
}

static enum stream_status
send_encoded(struct stream *s, struct slice data, enum stream_hold hold)
{
    char *encoded = xmalloc(OUTPUT_MAX);
    ssize_t n;

    do {
        n = s->codec->encode(s->codec_state, &data, hold, encoded, OUTPUT_MAX);
        if (n < 0)
            s->write_status = STREAM_ERROR;
        else
            (void)send_all(s, slice_make(encoded, (size_t)n)); /* sticks in write_status */
    } while (s->write_status == STREAM_OK && (data.len > 0 || n == OUTPUT_MAX));
    xfree(&encoded);
    s->unflushed = hold == STREAM_MAY_HOLD;
    return s->write_status;
}

static enum stream_status
write_through(struct stream *s, struct slice data, enum stream_hold hold)
{
    if (s->codec == NULL)
        return send_all(s, data);
    if (data.len == 0 && hold != STREAM_FINISH && !(hold == STREAM_FLUSH && s->unflushed))
        return s->write_status;
    return send_encoded(s, data, hold);
}

static enum stream_status
empty_output(struct stream *s, enum stream_hold hold)
{
    size_t len = s->out_len;

    s->out_len = 0;
    return write_through(s, slice_make(s->out, len), hold);
}

enum stream_status
stream_flush(struct stream *s)
{
    return empty_output(s, STREAM_FLUSH);
}

enum stream_status
stream_write(struct stream *s, struct slice data)
{
    while (data.len > 0 && s->write_status == STREAM_OK) {
        size_t room = OUTPUT_MAX - s->out_len;
        size_t part = data.len < room ? data.len : room;

        if (s->out_len == 0 && data.len >= OUTPUT_MAX)
            return write_through(s, data, STREAM_MAY_HOLD);
        if (s->out == NULL)
            s->out = xmalloc(OUTPUT_MAX);
        memcpy(s->out + s->out_len, data.ptr, part);
        s->out_len += part;
        data = slice_sub(data, part, data.len);
        if (s->out_len == OUTPUT_MAX)
            (void)empty_output(s, STREAM_MAY_HOLD); /* sticks in write_status */
    }
    return s->write_status;
}

enum stream_status
stream_printf(struct stream *s, const char *format, ...)
{
    struct strbuf text = strbuf_new(OUTPUT_MAX);
    va_list args;
    bool fits;

    va_start(args, format);
    fits = strbuf_vprintf(&text, format, args);
    va_end(args);
    assert_always(fits);                        /* what a peer sent has a bound long before */
    (void)stream_write(s, strbuf_slice(&text)); /* sticks in write_status */
    strbuf_free(&text);
    return s->write_status;
}

/* ---- input ---- */

/* Moves what is unread to the front and makes room behind it. */
static void
make_room(struct stream *s)
{
    if (s->in == NULL)
        s->in = xmalloc(s->in_cap);
    if (s->in_start == s->in_end) {
        s->in_start = s->in_end = 0;
    } else if (s->in_end == s->in_cap) {
        memmove(s->in, s->in + s->in_start, s->in_end - s->in_start);
        s->in_end -= s->in_start;
        s->in_start = 0;
    }
}

/* Reads once: the number of bytes, or 0 and a status. */
static size_t
receive(struct stream *s, char *buf, size_t cap, int64_t deadline_mono_ms,
        enum stream_status *status)
{
    ssize_t n = s->tls != NULL ? tls_read(s->tls, buf, cap, deadline_mono_ms)
                               : waiter_recv(&s->waiter, buf, cap, deadline_mono_ms);

    *status = STREAM_OK;
    if (n > 0) {
        s->bytes_in += (uint64_t)n;
        return (size_t)n;
    }
    *status = STREAM_TIMEOUT;
    if (n < 0 && errno == ETIMEDOUT)
        return 0; /* the caller may go on */
    *status = s->read_status = n == 0 ? STREAM_EOF : status_of_errno();
    return 0;
}

/* Room for input is there. What the codec makes of what has come; true: something. */
static bool
decode(struct stream *s)
{
    struct slice raw = slice_make(s->raw + s->raw_start, s->raw_end - s->raw_start);
    size_t room = s->in_cap - s->in_end;
    ssize_t n;

    if (raw.len == 0 && !s->more_decoded)
        return false;
    n = s->codec->decode(s->codec_state, &raw, s->in + s->in_end, room);
    if (n < 0) {
        s->read_status = STREAM_ERROR;
        return false;
    }
    s->raw_start = s->raw_end - raw.len;
    s->more_decoded = (size_t)n == room;
    s->in_end += (size_t)n;
    return n > 0;
}

static enum stream_status
fill_decoded(struct stream *s, int64_t deadline_mono_ms)
{
    enum stream_status status = STREAM_OK;

    while (!decode(s) && s->read_status == STREAM_OK && status == STREAM_OK) {
        if (s->raw == NULL)
            s->raw = xmalloc(OUTPUT_MAX);
        s->raw_start = 0;
        s->raw_end = receive(s, s->raw, OUTPUT_MAX, deadline_mono_ms, &status);
    }
    return s->read_status != STREAM_OK ? s->read_status : status;
}

/* Reads once. Our output goes out first: the peer may be waiting for it. */
static enum stream_status
fill(struct stream *s, int64_t deadline_mono_ms)
{
    enum stream_status status;

    if (s->read_status != STREAM_OK)
        return s->read_status;
    if (stream_flush(s) != STREAM_OK)
        return s->write_status;
    make_room(s);
    if (s->codec != NULL)
        status = fill_decoded(s, deadline_mono_ms);
    else
        s->in_end +=
            receive(s, s->in + s->in_end, s->in_cap - s->in_end, deadline_mono_ms, &status);
    s->in_used = s->in_end > s->in_used ? s->in_end : s->in_used;
    return status;
}

static struct slice
take(struct stream *s, size_t len)
{
    struct slice taken = slice_make(s->in + s->in_start, len);

    s->in_start += len;
    return taken;
}

static enum stream_status
read_line(struct stream *s, size_t max, int64_t deadline_mono_ms, struct slice *line)
{
    size_t seen = 0;

    assert_always(max > 0 && max <= s->in_cap);
    for (;;) {
        struct slice unread = {NULL, 0};
        enum stream_status status;
        size_t at;

        if (s->in != NULL)
            unread = slice_make(s->in + s->in_start, s->in_end - s->in_start);
        at = slice_index(slice_sub(unread, seen, unread.len), '\n') + seen;
        if (at < unread.len && at < max) {
            *line = take(s, at + 1);
            return STREAM_OK;
        }
        if (unread.len >= max) {
            *line = take(s, max);
            return STREAM_TOO_LONG;
        }
        seen = unread.len;
        status = fill(s, deadline_mono_ms);
        if (status != STREAM_OK)
            return status;
    }
}

#ifdef POSTHORN_TESTHOOKS
/* Does what the line says if it is one for the test hook, and answers it. */
static bool
was_testhook(struct stream *s, enum stream_status status, struct slice line)
{
    struct strbuf reply = strbuf_new(256);
    bool was = status == STREAM_OK && testhook_line(line, &reply);

    if (was)
        (void)stream_write(s, strbuf_slice(&reply)); /* an error sticks */
    strbuf_free(&reply);
    return was;
}
#endif

enum stream_status
stream_read_line(struct stream *s, size_t max, int64_t deadline_mono_ms, struct slice *line)
{
    enum stream_status status = read_line(s, max, deadline_mono_ms, line);

#ifdef POSTHORN_TESTHOOKS
    while (was_testhook(s, status, *line))
        status = read_line(s, max, deadline_mono_ms, line);
#endif
    return status;
}

enum stream_status
stream_read_some(struct stream *s, size_t max, int64_t deadline_mono_ms, struct slice *bytes)
{
    size_t len = s->in_end - s->in_start;

    if (len == 0) {
        enum stream_status status = fill(s, deadline_mono_ms);

        if (status != STREAM_OK)
            return status;
        len = s->in_end - s->in_start;
    }
    *bytes = take(s, len < max ? len : max);
    return STREAM_OK;
}

void
stream_unread(struct stream *s, size_t count)
{
    assert_always(count <= s->in_start);
    s->in_start -= count;
}

void
stream_set_end_fd(struct stream *s, int fd)
{
    s->end_fd = fd;
}

int
stream_wait(struct stream *s, int other_fd, int64_t deadline_mono_ms)
{
    struct pollfd fds[3] = {{.fd = s->fd, .events = POLLIN},
                            {.fd = other_fd, .events = POLLIN},
                            {.fd = s->end_fd, .events = POLLIN}};

    if (s->codec != NULL && !stream_has_input(s)) {
        make_room(s);
        (void)decode(s); /* what there is, it may be half a command */
        s->in_used = s->in_end > s->in_used ? s->in_end : s->in_used;
    }
    if (stream_has_input(s) || (s->tls != NULL && tls_pending(s->tls)))
        return 1;
    if (stream_flush(s) != STREAM_OK)
        return -1;
    for (;;) {
        int64_t left = deadline_mono_ms - clock_mono_ms();
        int n =
            poll(fds, ARRAY_LEN(fds), left < 0 ? 0 : (int)(left > INT32_MAX ? INT32_MAX : left));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (fds[0].revents != 0)
            return 1;
        if (fds[2].revents != 0)
            return 3;
        if (fds[1].revents != 0)
            return 2;
        if (left <= 0)
            return 0;
    }
}

void
stream_start_codec(struct stream *s, const struct stream_codec *codec, void *state)
{
    size_t len = s->in_end - s->in_start;

    (void)stream_flush(s); /* an error sticks */
    assert_always(s->codec == NULL && len <= OUTPUT_MAX);
    s->codec = codec;
    s->codec_state = state;
    if (len == 0)
        return;
    s->raw = xmalloc(OUTPUT_MAX);
    memcpy(s->raw, s->in + s->in_start, len);
    s->raw_end = len;
    s->in_start = s->in_end = 0;
}

int
stream_end_codec(struct stream *s)
{
    struct slice rest;

    if (s->read_status != STREAM_OK)
        return -1;
    if (!stream_has_input(s)) {
        make_room(s);
        (void)decode(s);            /* the end may be all that is left */
        s->read_status = STREAM_OK; /* nor is it an error that there is none, or more behind it */
    }
    (void)empty_output(s, STREAM_FINISH); /* sticks in write_status */
    if (stream_has_input(s) || s->write_status != STREAM_OK)
        return -1;
    s->codec->free(s->codec_state);
    s->codec = NULL;
    s->codec_state = NULL;
    rest = slice_make(s->raw + s->raw_start, s->raw_end - s->raw_start);
    stream_preload(s, rest);
    xfree(&s->raw);
    s->raw_start = s->raw_end = 0;
    return 0;
}

struct slice
stream_unread_input(const struct stream *s)
{
    return slice_make(s->in + s->in_start, s->in_end - s->in_start);
}

void
stream_preload(struct stream *s, struct slice bytes)
{
    assert_always(!stream_has_input(s) && bytes.len <= s->in_cap);
    make_room(s);
    if (bytes.len > 0)
        memcpy(s->in, bytes.ptr, bytes.len);
    s->in_end = bytes.len;
    s->in_used = s->in_end > s->in_used ? s->in_end : s->in_used;
}

/* ---- TLS ---- */

static size_t
discard_buffered(struct stream *s)
{
    size_t discarded = s->in_end - s->in_start;

    s->in_start = s->in_end = 0;
    return discarded;
}

/* Throws away what waits in the socket. A flood is left to OpenSSL, which takes it for no TLS. */
static size_t
discard_waiting(struct stream *s)
{
    char trash[4096];
    size_t discarded = 0;
    ssize_t n;

    do {
        n = recv(s->fd, trash, sizeof(trash), MSG_DONTWAIT);
        discarded += n > 0 ? (size_t)n : 0;
    } while (n > 0 && discarded < DISCARD_MAX);
    return discarded;
}

int
stream_start_tls(struct stream *s, struct tls_context *ctx, int64_t deadline_mono_ms,
                 size_t *discarded)
{
    size_t count;

    if (s->tls != NULL)
        return -1;
    count = discard_buffered(s);
    if (s->out_len > 0) /* our go-ahead is not out yet: what came before it is no handshake */
        count += discard_waiting(s);
    if (discarded != NULL)
        *discarded = count;
    if (stream_flush(s) != STREAM_OK)
        return -1;
    tls_use_key_channel(s->key_fd);
    s->tls = tls_accept(ctx, s->fd, s->oldest_tls, deadline_mono_ms);
    tls_use_key_channel(-1);
    stream_set_key_fd(s, -1);
    return s->tls == NULL ? -1 : 0;
}

int
stream_start_tls_client(struct stream *s, struct tls_context *ctx, const struct tls_check *check,
                        int64_t deadline_mono_ms)
{
    if (s->tls != NULL || stream_flush(s) != STREAM_OK)
        return -1;
    (void)discard_buffered(s); /* what was sent before the handshake proves nothing */
    s->tls = tls_connect(ctx, s->fd, check, deadline_mono_ms);
    return s->tls == NULL ? -1 : 0;
}
