/*
 * lib/tls/stream.h - a session's byte stream: plain or TLS, buffered both ways, with deadlines.
 *
 * Bytes that arrived before a TLS handshake are thrown away by stream_start_tls (RFC 3207 section
 * 4.2; RFC 9051 section 11.1): they are counted in its result so that the session can log the
 * attempt. Output collects until stream_flush or until the reader has to wait for the peer, so that
 * replies to pipelined commands leave together.
 */
#ifndef POSTHORN_LIB_TLS_STREAM_H
#define POSTHORN_LIB_TLS_STREAM_H

#include <sys/types.h>

#include "lib/tls/tls.h"

struct stream;

enum stream_status {
    STREAM_OK,
    STREAM_EOF,      /* the peer closed */
    STREAM_TIMEOUT,  /* the deadline passed */
    STREAM_ERROR,    /* reset, TLS failure */
    STREAM_TOO_LONG, /* the line has more than max bytes; the rest is still unread */
};

/* Takes over `fd`. `read_max` is the size of the input buffer (bytes, at least a full line). */
struct stream *stream_new(int fd, size_t read_max);
void stream_free(struct stream **streamp); /* flush, TLS close_notify, close */
int stream_fd(const struct stream *s);
struct tls *stream_tls(const struct stream *s); /* NULL: plain */

/* How the one handshake to come reaches keyd (tls_use_key_channel); owned, and closed after it:
 * what idles for hours need not hold it. */
void stream_set_key_fd(struct stream *s, int fd);
/* What the server side handshake to come takes; at first TLS_SINCE_1_2. */
void stream_set_oldest_tls(struct stream *s, enum tls_oldest oldest);
/* Server side handshake. The reply that invites the client to it is written before, not flushed:
 * what arrived until it leaves is thrown away. With no output pending the handshake comes first on
 * the connection (port 995). 0, or -1. *discarded: bytes thrown away (NULL: not wanted). */
int stream_start_tls(struct stream *s, struct tls_context *ctx, int64_t deadline_mono_ms,
                     size_t *discarded);

/* One line up to and including LF, at most `max` bytes, borrowed until the next read. The caller
 * looks at the end itself: "\r\n", or a bare LF that ends nothing. Flushes output before it waits.
 * `deadline_mono_ms` holds for the whole line, not for one read. */
enum stream_status stream_read_line(struct stream *s, size_t max, int64_t deadline_mono_ms,
                                    struct slice *line);
/* 1 to `max` bytes, borrowed until the next read. */
enum stream_status stream_read_some(struct stream *s, size_t max, int64_t deadline_mono_ms,
                                    struct slice *bytes);
/* Gives back the last `count` bytes of what the last read returned: the next read starts there. */
void stream_unread(struct stream *s, size_t count);
/* True if unread input is buffered (PIPELINING: do not flush yet). */
bool stream_has_input(const struct stream *s);
/* True if a whole line of it is. */
bool stream_has_line(const struct stream *s);
/* From now on stream_wait also looks at `fd` (borrowed): it becomes readable when the session has
 * to end. */
void stream_set_end_fd(struct stream *s, int fd);
/* Waits until input, `other_fd` (-1: none) or the deadline: 1 input, 2 other_fd, 3 the session has
 * to end (input counts first), 0 deadline, -1. */
int stream_wait(struct stream *s, int other_fd, int64_t deadline_mono_ms);

/* Buffered; flushes when 16 KiB have collected. STREAM_OK or the error, which sticks. */
enum stream_status stream_write(struct stream *s, struct slice data);
__attribute__((format(printf, 2, 3))) enum stream_status stream_printf(struct stream *s,
                                                                       const char *format, ...);
enum stream_status stream_flush(struct stream *s);
void stream_set_write_timeout(struct stream *s, int64_t ms); /* for one flush; shipped 5 min */
/* Gives buffers back while the session idles. */
void stream_release_buffers(struct stream *s);
uint64_t stream_bytes_in(const struct stream *s);
uint64_t stream_bytes_out(const struct stream *s);

enum stream_hold {
    STREAM_MAY_HOLD, /* more comes */
    STREAM_FLUSH,    /* the peer has to be able to read all that was taken so far */
    STREAM_FINISH,   /* and to see that this was the end */
};

/* What may stand between the buffers and TLS: compression. */
struct stream_codec {
    /* Takes from *in and makes at most `cap` bytes of it: their number, or -1: there is no way on.
     * There is no more to come when *in is empty and the number is below `cap`. */
    ssize_t (*encode)(void *state, struct slice *in, enum stream_hold hold, char *out, size_t cap);
    /* Where the peer has ended its data *in keeps what follows; it is an error to ask for more. */
    ssize_t (*decode)(void *state, struct slice *in, char *out, size_t cap);
    void (*release)(void *state); /* memory, while the session idles */
    void (*free)(void *state);
};
/* From the next byte on everything goes through the codec, both ways; output that is buffered
 * leaves as it is. The stream owns `state` then. Input that has come already is taken for encoded.
 */
void stream_start_codec(struct stream *s, const struct stream_codec *codec, void *state);

/* Ends the codec: our side's end of data is written behind what was written, and leaves. From the
 * next byte on everything goes as it is, both ways. 0, or -1: what the peer has sent in advance
 * can't be told from encoded data, or an error stands; the connection has to end. */
int stream_end_codec(struct stream *s);
/* What was read from the peer and not used, borrowed until the next call on `s`. */
struct slice stream_unread_input(const struct stream *s);
/* Has `bytes` read first, before anything from the peer; at most read_max. */
void stream_preload(struct stream *s, struct slice bytes);

/* Client side handshake. */
int stream_start_tls_client(struct stream *s, struct tls_context *ctx,
                            const struct tls_check *check, int64_t deadline_mono_ms);

#endif
