/*
 * imapd/append_sink.c - where the bytes of a new message go.
 *
 * Input:  a message, piece by piece. Untrusted. It goes to the file as it comes, byte for byte.
 */
#include "imapd/append_sink.h"

#include <errno.h>
#include <string.h>

#include "lib/base/io.h"

struct append_sink
append_sink_begin(int fd, uint64_t max)
{
    return (struct append_sink){.fd = fd, .max = max, .in_header = true, .line_is_empty = true};
}

static void
look_at_header(struct append_sink *sink, struct slice piece)
{
    for (size_t i = 0; i < piece.len && sink->in_header; i++) {
        unsigned char c = (unsigned char)piece.ptr[i];

        sink->header_has_8bit = sink->header_has_8bit || c >= 0x80;
        if (c == '\n' && sink->line_is_empty)
            sink->in_header = false;
        sink->line_is_empty = c == '\n' || (c == '\r' && sink->line_is_empty);
    }
}

bool
append_sink_write(void *arg, struct slice piece)
{
    struct append_sink *sink = arg;

    if (piece.len == 0)
        return true;
    sink->too_big = piece.len > sink->max - sink->size;
    if (sink->too_big)
        return false;
    sink->size += piece.len;
    sink->has_nul = sink->has_nul || memchr(piece.ptr, '\0', piece.len) != NULL;
    look_at_header(sink, piece);
    if (write_all(sink->fd, piece) < 0)
        sink->error = errno;
    return sink->error == 0;
}

bool
append_sink_copy(struct append_sink *sink, struct slice text)
{
    while (text.len > 0) {
        size_t clean = slice_index(text, '\0');

        if (!append_sink_write(sink, slice_sub(text, 0, clean)) ||
            (clean < text.len && !append_sink_write(sink, SLICE("\x80"))))
            return false;
        text = slice_sub(text, clean + 1, text.len);
    }
    return true;
}
