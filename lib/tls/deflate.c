/*
 * lib/tls/deflate.c - compression of a stream, both ways, by zlib.
 *
 * Input:  what the peer sends. Untrusted: it comes out in pieces as large as the caller's buffer,
 *         however far it expands.
 *
 * Memory is taken when there is something to do, and given back when the session idles. After a
 * flush the compressor can start anew in the middle of the stream, because a new one refers to
 * nothing before. The decompressor cannot: the last 32 KiB that came are kept, as far as there were
 * so many.
 */
#include "lib/tls/deflate.h"

#include <string.h>
#include <zlib.h>

#include "lib/base/mem.h"

enum {
    WINDOW_OUT = -13, /* 8 KiB of history; negative: without zlib's header (RFC 4978 section 4) */
    WINDOW_IN = -15,  /* all that a peer may use */
    MEMORY_LEVEL = 6, /* with the window 64 KiB */
    WINDOW_IN_MAX = 32768,
    AT_BLOCK_START = 128 /* z_stream.data_type: between two blocks, and between two bytes */
};

struct deflate {
    z_stream out, in;
    bool out_ready, in_ready;
    bool in_ended;  /* the peer has said that this was all */
    Bytef *history; /* of `in` while that is not ready */
    uInt history_len;
};

struct deflate *
deflate_new(void)
{
    return xcalloc(1, sizeof(struct deflate));
}

static voidpf
allocate(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    return xcalloc(items, size);
}

static void
release(voidpf opaque, voidpf address)
{
    (void)opaque;
    xfree(&address);
}

static z_stream
fresh(void)
{
    return (z_stream){.zalloc = allocate, .zfree = release};
}

/* zlib takes its input through a pointer without const, and leaves it alone. */
static void
set_buffers(z_stream *z, struct slice in, char *out, size_t cap)
{
    z->next_in = (Bytef *)(uintptr_t)in.ptr;
    z->avail_in = (uInt)(in.len < UINT32_MAX ? in.len : UINT32_MAX);
    z->next_out = (Bytef *)out;
    z->avail_out = (uInt)cap;
}

static ssize_t
encode(void *state, struct slice *in, enum stream_hold hold, char *out, size_t cap)
{
    static const int flushes[] = {
        [STREAM_MAY_HOLD] = Z_NO_FLUSH, [STREAM_FLUSH] = Z_SYNC_FLUSH, [STREAM_FINISH] = Z_FINISH};
    struct deflate *d = state;
    size_t given;
    int rc;

    if (!d->out_ready) {
        d->out = fresh();
        rc = deflateInit2(&d->out, Z_BEST_SPEED, Z_DEFLATED, WINDOW_OUT, MEMORY_LEVEL,
                          Z_DEFAULT_STRATEGY);
        assert_always(rc == Z_OK); /* the parameters are right, and memory there is */
        d->out_ready = true;
    }
    set_buffers(&d->out, *in, out, cap);
    given = d->out.avail_in;
    rc = deflate(&d->out, given == in->len ? flushes[hold] : Z_NO_FLUSH);
    *in = slice_sub(*in, given - d->out.avail_in, in->len);
    return rc == Z_OK || rc == Z_BUF_ERROR || rc == Z_STREAM_END ? (ssize_t)(cap - d->out.avail_out)
                                                                 : -1;
}

static bool
start_in(struct deflate *d)
{
    bool ok;

    d->in = fresh();
    ok = inflateInit2(&d->in, WINDOW_IN) == Z_OK;
    d->in_ready = ok;
    if (ok && d->history_len > 0)
        ok = inflateSetDictionary(&d->in, d->history, d->history_len) == Z_OK;
    xfree(&d->history);
    d->history_len = 0;
    return ok;
}

static ssize_t
decode(void *state, struct slice *in, char *out, size_t cap)
{
    struct deflate *d = state;
    size_t given;
    int rc;

    if (d->in_ended || (!d->in_ready && !start_in(d)))
        return -1;
    set_buffers(&d->in, *in, out, cap);
    given = d->in.avail_in;
    rc = inflate(&d->in, Z_SYNC_FLUSH);
    *in = slice_sub(*in, given - d->in.avail_in, in->len);
    d->in_ended = rc == Z_STREAM_END;
    return rc == Z_OK || rc == Z_BUF_ERROR || d->in_ended ? (ssize_t)(cap - d->in.avail_out) : -1;
}

static void
release_out(struct deflate *d)
{
    if (d->out_ready)
        (void)deflateEnd(&d->out); /* says that data is lost, if it is asked in the middle */
    d->out_ready = false;
}

static void
release_in(struct deflate *d)
{
    uInt len = 0;

    if (!d->in_ready || d->in_ended || d->in.data_type != AT_BLOCK_START ||
        inflateGetDictionary(&d->in, NULL, &len) != Z_OK || len > WINDOW_IN_MAX)
        return;
    d->history = len == 0 ? NULL : xmalloc(len);
    if (len > 0)
        (void)inflateGetDictionary(&d->in, d->history, &len); /* as before */
    d->history_len = len;
    (void)inflateEnd(&d->in); /* cannot fail on a good stream */
    d->in_ready = false;
}

static void
release_memory(void *state)
{
    struct deflate *d = state;

    release_out(d);
    release_in(d);
}

static void
free_state(void *state)
{
    struct deflate *d = state;

    release_out(d);
    if (d->in_ready)
        (void)inflateEnd(&d->in); /* cannot fail on a good stream */
    xfree(&d->history);
    xfree(&d);
}

const struct stream_codec deflate_codec = {encode, decode, release_memory, free_state};
