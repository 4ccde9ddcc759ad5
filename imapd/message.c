/*
 * imapd/message.c - the bytes of one message and what the MIME parser makes of them.
 *
 * Input:  message files of this user's store, whose content never changes (architecture, idea 4),
 *         so a mapping stays valid. Their text is untrusted; only lib/mail looks at it.
 */
#include "imapd/message.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"

static void
forget(struct message_data *data)
{
    if (data->parsed)
        mime_free(&data->mime);
    if (data->map != NULL)
        (void)munmap(data->map, data->bytes.len); /* cannot fail: it is what mmap gave */
    data->map = NULL;
    data->parsed = false;
    data->header_len = 0;
    data->uid = 0;
    data->bytes = (struct slice){NULL, 0};
}

static int
read_bytes(struct message_data *data, int fd, size_t size)
{
    if (data->buffer_size < size) {
        data->buffer = xrealloc(data->buffer, size);
        data->buffer_size = size;
    }
    data->bytes = slice_make(data->buffer, size);
    return size == 0 ? 0 : pread_exact(fd, data->buffer, size, 0);
}

static int
map_bytes(struct message_data *data, int fd, size_t size)
{
    void *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (map == MAP_FAILED)
        return -1;
    data->map = map;
    data->bytes = slice_make(map, size);
    return 0;
}

int
message_load(struct message_data *data, struct mailbox *mb, uint32_t seq)
{
    const struct message *m = mailbox_message(mb, seq);
    uint32_t uid = m->uid;
    size_t size = (size_t)m->size;
    int fd, rc;

    if (data->uid == uid)
        return 0;
    forget(data);
    fd = mailbox_open_message(mb, seq);
    if (fd < 0)
        return -1;
    rc = size <= MESSAGE_READ_MAX ? read_bytes(data, fd, size) : map_bytes(data, fd, size);
    close_keep_errno(fd);
    if (rc < 0) {
        if (errno == EPIPE) /* shorter than its record says */
            errno = EBADMSG;
        forget(data);
        return -1;
    }
    data->uid = uid;
    return 0;
}

const struct mime *
message_mime(struct message_data *data)
{
    if (!data->parsed)
        mime_parse(data->bytes, &data->mime);
    data->parsed = true;
    return &data->mime;
}

struct slice
message_header(struct message_data *data)
{
    if (data->header_len == 0)
        data->header_len = mime_header_len(data->bytes);
    return slice_sub(data->bytes, 0, data->header_len);
}

struct slice
message_text(struct message_data *data)
{
    return slice_sub(data->bytes, message_header(data).len, data->bytes.len);
}

void
message_release(struct message_data *data)
{
    forget(data);
    xfree(&data->buffer);
    data->buffer_size = 0;
}
