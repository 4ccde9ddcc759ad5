/*
 * lib/ipc/sync.c - what the command line and syncd say to each other. No I/O.
 */
#include "lib/ipc/sync.h"

int
sync_request_encode(struct strbuf *out, const struct sync_request *request)
{
    struct writer w = frame_begin(out, SYNC_RUN, 0);

    writer_bytes(&w, request->domain);
    writer_u8(&w, request->dry_run);
    writer_u8(&w, request->adopt);
    writer_u8(&w, request->force);
    return frame_end(&w);
}

int
sync_request_decode(struct slice payload, struct sync_request *request)
{
    struct reader r = reader_begin(payload);

    request->domain = reader_bytes(&r, SYNC_DOMAIN_MAX);
    request->dry_run = reader_u8(&r) != 0;
    request->adopt = reader_u8(&r) != 0;
    request->force = reader_u8(&r) != 0;
    return reader_end(&r);
}

int
sync_reply_encode(struct strbuf *out, uint32_t id, const struct sync_reply *reply)
{
    struct writer w = frame_begin(out, SYNC_DONE, id);

    writer_u8(&w, reply->result);
    writer_bytes(&w, slice_sub(reply->text, 0, SYNC_TEXT_MAX));
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
sync_reply_decode(struct slice payload, struct sync_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->text = reader_bytes(&r, SYNC_TEXT_MAX);
    reply->data = reader_bytes(&r, SYNC_REPLY_MAX);
    return reply->result > SYNC_NOTHING ? -1 : reader_end(&r);
}
