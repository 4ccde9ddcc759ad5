/*
 * lib/ipc/authd_removed.c - a session's report of removed messages (declared in lib/ipc/authd.h).
 */
#include "lib/ipc/authd_call.h"

#include "lib/ipc/client.h"

enum { SEND_MS = 1000 };

int
authd_removed_encode(struct strbuf *out, const struct authd_removed *removed)
{
    struct writer w = frame_begin(out, AUTHD_REMOVED, 0);

    writer_bytes(&w, slice_sub(removed->folder, 0, AUTHD_REMOVED_FOLDER_MAX));
    writer_u32(&w, removed->messages);
    writer_u64(&w, removed->bytes);
    return frame_end(&w);
}

/* The folder's name may be cut in the midst of a character; what shows it makes that harmless. A
 * control character in it is no name. */
int
authd_removed_decode(struct slice payload, struct authd_removed *removed)
{
    struct reader r = reader_begin(payload);

    removed->folder = reader_bytes(&r, AUTHD_REMOVED_FOLDER_MAX);
    removed->messages = reader_u32(&r);
    removed->bytes = reader_u64(&r);
    for (size_t i = 0; i < removed->folder.len; i++)
        if ((unsigned char)removed->folder.ptr[i] < ' ' || removed->folder.ptr[i] == 0x7f)
            return -1;
    return reader_end(&r) < 0 || removed->bytes > INT64_MAX ? -1 : 0;
}

void
authd_tell_removed(struct ipc_client *auth, const struct authd_removed *removed)
{
    struct strbuf frame = strbuf_new(AUTHD_REMOVED_FOLDER_MAX + 100);

    if (auth != NULL && removed->messages > 0 && authd_removed_encode(&frame, removed) == 0)
        (void)ipc_client_send(auth, &frame, -1, SEND_MS); /* the next call shows that it is gone */
    strbuf_free(&frame);
}
