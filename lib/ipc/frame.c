/*
 * lib/ipc/frame.c - the codec of everything that our programs say to each other. No I/O.
 */
#include "lib/ipc/frame.h"

#include <string.h>

static void
put_be(struct strbuf *out, uint64_t value, size_t width)
{
    char bytes[8];

    for (size_t i = 0; i < width; i++)
        bytes[i] = (char)(value >> (8 * (width - 1 - i)));
    (void)strbuf_append(out, slice_make(bytes, width)); /* overflow is remembered by the buffer */
}

static uint64_t
get_be(const char *bytes, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value = value << 8 | (unsigned char)bytes[i];
    return value;
}

int
frame_header_decode(const char *bytes, uint32_t payload_max, struct frame_header *out)
{
    struct frame_header h = {
        .length = (uint32_t)get_be(bytes, 4),
        .type = (uint16_t)get_be(bytes + 6, 2),
        .request_id = (uint32_t)get_be(bytes + 8, 4),
    };

    if (bytes[4] != FRAME_VERSION || bytes[5] != 0 || h.length > payload_max ||
        h.length > FRAME_PAYLOAD_MAX)
        return -1;
    *out = h;
    return 0;
}

struct writer
frame_begin(struct strbuf *out, uint16_t type, uint32_t request_id)
{
    struct writer w = {.out = out, .start = out->len};

    put_be(out, 0, 4);
    put_be(out, FRAME_VERSION, 1);
    put_be(out, 0, 1);
    put_be(out, type, 2);
    put_be(out, request_id, 4);
    return w;
}

int
frame_end(struct writer *w)
{
    size_t length;

    if (w->out->overflow) {
        strbuf_truncate(w->out, w->start);
        return -1;
    }
    length = w->out->len - w->start - FRAME_HEADER;
    if (length > FRAME_PAYLOAD_MAX) {
        strbuf_truncate(w->out, w->start);
        return -1;
    }
    for (size_t i = 0; i < 4; i++)
        w->out->ptr[w->start + i] = (char)(length >> (8 * (3 - i)));
    return 0;
}

void
writer_u8(struct writer *w, uint8_t value)
{
    put_be(w->out, 'B', 1);
    put_be(w->out, value, 1);
}

void
writer_u16(struct writer *w, uint16_t value)
{
    put_be(w->out, 'H', 1);
    put_be(w->out, value, 2);
}

void
writer_u32(struct writer *w, uint32_t value)
{
    put_be(w->out, 'W', 1);
    put_be(w->out, value, 4);
}

void
writer_u64(struct writer *w, uint64_t value)
{
    put_be(w->out, 'Q', 1);
    put_be(w->out, value, 8);
}

void
writer_bytes(struct writer *w, struct slice value)
{
    if (value.len > FRAME_PAYLOAD_MAX) {
        w->out->overflow = true;
        return;
    }
    put_be(w->out, 'S', 1);
    put_be(w->out, value.len, 4);
    (void)strbuf_append(w->out, value); /* overflow is remembered by the buffer */
}

void
writer_str(struct writer *w, const char *value)
{
    writer_bytes(w, slice_of(value));
}

struct reader
reader_begin(struct slice payload)
{
    return (struct reader){.rest = payload, .failed = false};
}

/* The value of the next field if it has this tag and `width` bytes are there, else 0 and failed. */
static uint64_t
get_field(struct reader *r, char tag, size_t width)
{
    uint64_t value;

    if (r->failed || r->rest.len < 1 + width || r->rest.ptr[0] != tag) {
        r->failed = true;
        return 0;
    }
    value = get_be(r->rest.ptr + 1, width);
    r->rest = slice_sub(r->rest, 1 + width, r->rest.len);
    return value;
}

uint8_t
reader_u8(struct reader *r)
{
    return (uint8_t)get_field(r, 'B', 1);
}

uint16_t
reader_u16(struct reader *r)
{
    return (uint16_t)get_field(r, 'H', 2);
}

uint32_t
reader_u32(struct reader *r)
{
    return (uint32_t)get_field(r, 'W', 4);
}

uint64_t
reader_u64(struct reader *r)
{
    return get_field(r, 'Q', 8);
}

struct slice
reader_bytes(struct reader *r, size_t max)
{
    size_t len = (size_t)get_field(r, 'S', 4);
    struct slice value;

    if (r->failed || len > max || len > r->rest.len) {
        r->failed = true;
        return slice_make("", 0);
    }
    value = slice_sub(r->rest, 0, len);
    r->rest = slice_sub(r->rest, len, r->rest.len);
    return value;
}

uint32_t
reader_count(struct reader *r, uint32_t max)
{
    uint32_t count = reader_u32(r);

    if (count > max)
        r->failed = true;
    return r->failed ? 0 : count;
}

int
reader_end(const struct reader *r)
{
    return r->failed || r->rest.len > 0 ? -1 : 0;
}
