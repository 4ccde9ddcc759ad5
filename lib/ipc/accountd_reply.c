/*
 * lib/ipc/accountd_reply.c - encoders and decoders of what accountd is asked about automatic
 * replies. Decoders trust nothing. No I/O.
 */
#include "lib/ipc/accountd.h"

#define NAME_MAX_BYTES 1024
#define TEXT_MAX_BYTES 8192
#define DATE_MAX_BYTES 64

int
accountd_auto_reply_encode(struct strbuf *out, const struct accountd_auto_reply *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_AUTO_REPLY, 0);

    writer_bytes(&w, req->user);
    writer_bytes(&w, req->named);
    return frame_end(&w);
}

int
accountd_auto_reply_decode(struct slice payload, struct accountd_auto_reply *req)
{
    struct reader r = reader_begin(payload);

    req->user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->named = reader_bytes(&r, ACCOUNTD_NAMED_MAX);
    return reader_end(&r);
}

int
accountd_auto_reply_reply_encode(struct strbuf *out, uint32_t id,
                                 const struct accountd_auto_reply_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_AUTO_REPLY_REPLY, id);

    writer_u8(&w, reply->wanted);
    writer_bytes(&w, reply->full_name);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->until);
    return frame_end(&w);
}

int
accountd_auto_reply_reply_decode(struct slice payload, struct accountd_auto_reply_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->wanted = reader_u8(&r) != 0;
    reply->full_name = reader_bytes(&r, NAME_MAX_BYTES);
    reply->text = reader_bytes(&r, TEXT_MAX_BYTES);
    reply->until = reader_bytes(&r, DATE_MAX_BYTES);
    return reader_end(&r);
}
