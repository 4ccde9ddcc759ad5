/*
 * lib/ipc/accountd_greet.c - encoders and decoders of who is to be greeted. As lib/ipc/accountd.c
 * says.
 */
#include "lib/ipc/accountd_greet.h"

int
accountd_greet_encode(struct strbuf *out, const struct accountd_greet *query)
{
    struct writer w = frame_begin(out, ACCOUNTD_GREET, 0);

    writer_u32(&w, query->done_count);
    for (uint32_t i = 0; i < query->done_count; i++)
        writer_bytes(&w, query->done[i]);
    return frame_end(&w);
}

int
accountd_greet_decode(struct slice payload, struct accountd_greet *query)
{
    struct reader r = reader_begin(payload);

    query->done_count = reader_count(&r, ACCOUNTD_GREET_MAX);
    for (uint32_t i = 0; i < query->done_count; i++) {
        query->done[i] = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        if (query->done[i].len == 0)
            r.failed = true;
    }
    return reader_end(&r);
}

int
accountd_greet_reply_encode(struct strbuf *out, uint32_t id,
                            const struct accountd_greet_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_GREET_REPLY, id);

    writer_u8(&w, reply->failed);
    writer_u32(&w, reply->count);
    for (uint32_t i = 0; i < reply->count; i++) {
        writer_bytes(&w, reply->users[i].address);
        writer_bytes(&w, reply->users[i].full_name);
    }
    return frame_end(&w);
}

/* Both go into a header section. */
static bool
is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

int
accountd_greet_reply_decode(struct slice payload, struct accountd_greet_reply *reply)
{
    struct reader r = reader_begin(payload);
    uint8_t failed = reader_u8(&r);

    reply->failed = failed == 1;
    reply->count = reader_count(&r, ACCOUNTD_GREET_MAX);
    for (uint32_t i = 0; i < reply->count; i++) {
        struct accountd_greeted *user = &reply->users[i];

        user->address = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        user->full_name = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
        if (user->address.len == 0 || !is_line(user->address) || !is_line(user->full_name))
            r.failed = true;
    }
    return failed > 1 ? -1 : reader_end(&r);
}
