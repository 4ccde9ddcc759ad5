/*
 * lib/ipc/accountd_addressees.c - encoders and decoders of who gets a message to everybody. As
 * lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd_addressees.h"

int
accountd_addressees_encode(struct strbuf *out, const struct accountd_addressees *query)
{
    struct writer w = frame_begin(out, ACCOUNTD_ADDRESSEES, 0);

    writer_bytes(&w, query->domain);
    writer_bytes(&w, query->cursor);
    return frame_end(&w);
}

int
accountd_addressees_decode(struct slice payload, struct accountd_addressees *query)
{
    struct reader r = reader_begin(payload);

    query->domain = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    query->cursor = reader_bytes(&r, ACCOUNT_KEY_MAX);
    return reader_end(&r);
}

int
accountd_addressees_reply_encode(struct strbuf *out, uint32_t id,
                                 const struct accountd_addressees_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_ADDRESSEES_REPLY, id);

    writer_u8(&w, reply->result);
    writer_bytes(&w, reply->cursor);
    writer_u32(&w, reply->count);
    for (uint32_t i = 0; i < reply->count; i++)
        writer_bytes(&w, reply->items[i]);
    return frame_end(&w);
}

int
accountd_addressees_reply_decode(struct slice payload, struct accountd_addressees_reply *reply,
                                 struct slice items[ACCOUNTD_ADDRESSEES_MAX])
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->cursor = reader_bytes(&r, ACCOUNT_KEY_MAX);
    reply->items = items;
    reply->count = reader_count(&r, ACCOUNTD_ADDRESSEES_MAX);
    for (uint32_t i = 0; i < reply->count; i++) {
        items[i] = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        if (items[i].len == 0)
            r.failed = true;
    }
    return reply->result > ACCOUNTD_ADDRESSEES_LATER ? -1 : reader_end(&r);
}
