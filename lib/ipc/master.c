/*
 * lib/ipc/master.c - codec of what the command line asks master. No I/O.
 */
#include "lib/ipc/master.h"

int
master_request_encode(struct strbuf *out, const struct master_request *request)
{
    struct writer w = frame_begin(out, MASTER_REQUEST, 0);

    writer_bytes(&w, request->verb);
    writer_bytes(&w, request->name);
    return frame_end(&w);
}

int
master_request_decode(struct slice payload, struct master_request *request)
{
    struct reader r = reader_begin(payload);

    request->verb = reader_bytes(&r, MASTER_NAME_MAX);
    request->name = reader_bytes(&r, MASTER_NAME_MAX);
    return reader_end(&r);
}

int
master_reply_encode(struct strbuf *out, uint32_t id, const struct master_reply *reply)
{
    struct writer w = frame_begin(out, MASTER_REPLY, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, slice_sub(reply->text, 0, MASTER_TEXT_MAX));
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
master_reply_decode(struct slice payload, struct master_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, MASTER_TEXT_MAX);
    reply->data = reader_bytes(&r, MASTER_DATA_MAX);
    return reader_end(&r);
}
