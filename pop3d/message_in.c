/*
 * pop3d/message_in.c - reads a maildrop's messages in parts, the next one ahead.
 *
 * Touches the user's files through lib/store alone. Holds one buffer of at most MESSAGE_IN_PART
 * bytes, and no descriptor of what is read ahead: only a message of one part is.
 */
#include "pop3d/message_in.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

static void
make_room(struct message_in *in, uint64_t size)
{
    size_t want = size < MESSAGE_IN_PART ? (size_t)size : MESSAGE_IN_PART;

    if (in->buf_size >= want && in->buf != NULL)
        return;
    xfree(&in->buf);
    /* what comes next will often be somewhat larger */
    in->buf_size = want < MESSAGE_IN_PART / 2 ? 2 * want + 1 : MESSAGE_IN_PART;
    in->buf = xmalloc(in->buf_size);
}

static void
close_file(struct message_in *in)
{
    if (in->fd >= 0)
        close_keep_errno(in->fd);
    in->fd = -1;
}

static int
read_part(struct message_in *in)
{
    uint64_t left = in->size - in->at;
    ssize_t n = 0;

    if (left > 0) {
        n = pread(in->fd, in->buf, left < in->buf_size ? (size_t)left : in->buf_size,
                  (off_t)in->at);
        if (n == 0)
            errno = EBADMSG; /* the file is shorter than the journal says */
        if (n <= 0)
            return -1;
    }
    in->part = slice_make(in->buf, (size_t)n);
    in->at += (uint64_t)n;
    if (in->at == in->size)
        close_file(in); /* as soon as all of it is in the buffer */
    return 0;
}

int
message_in_open(struct message_in *in, struct maildrop *md, uint32_t number)
{
    if (in->number == number)
        return 0; /* read ahead */
    message_in_close(in);
    in->fd = maildrop_open_message(md, number);
    if (in->fd < 0)
        return -1;
    in->number = number;
    in->size = maildrop_size(md, number);
    in->at = 0;
    make_room(in, in->size);
    if (read_part(in) < 0) {
        message_in_close(in);
        return -1;
    }
    return 0;
}

int
message_in_next(struct message_in *in)
{
    if (in->fd >= 0)
        return read_part(in);
    in->part = slice_make(in->buf, 0);
    return 0;
}

void
message_in_close(struct message_in *in)
{
    if (in->number != 0)
        close_file(in);
    in->number = 0;
}

void
message_in_ahead(struct message_in *in, struct maildrop *md, uint32_t number)
{
    if (maildrop_size(md, number) > MESSAGE_IN_PART || message_in_open(in, md, number) < 0)
        message_in_close(in);
}

void
message_in_release(struct message_in *in)
{
    message_in_close(in);
    xfree(&in->buf);
    in->buf_size = 0;
}
