/*
 * lib/ipc/acmed.c - codec of what is said to acmed.
 */
#include "lib/ipc/acmed.h"

int
acmed_request_encode(struct strbuf *out, const struct acmed_request *request)
{
    struct writer w = frame_begin(out, ACMED_REQUEST, 0);

    writer_bytes(&w, request->verb);
    writer_bytes(&w, request->name);
    writer_bytes(&w, request->detail);
    return frame_end(&w);
}

int
acmed_request_decode(struct slice payload, struct acmed_request *request)
{
    struct reader r = reader_begin(payload);

    request->verb = reader_bytes(&r, ACMED_NAME_MAX);
    request->name = reader_bytes(&r, ACMED_NAME_MAX);
    request->detail = reader_bytes(&r, ACMED_NAME_MAX);
    return reader_end(&r);
}

int
acmed_reply_encode(struct strbuf *out, uint32_t id, const struct acmed_reply *reply)
{
    struct writer w = frame_begin(out, ACMED_REPLY, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
acmed_reply_decode(struct slice payload, struct acmed_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, ACMED_TEXT_MAX);
    reply->data = reader_bytes(&r, ACMED_DATA_MAX);
    return reader_end(&r);
}
