/*
 * lib/ipc/accountd_expiring.c - encoders and decoders of what alertd asks about passwords. As
 * lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd_expiring.h"

#define DAYS_MAX 3650

int
accountd_expiring_encode(struct strbuf *out, const struct accountd_expiring *query)
{
    struct writer w = frame_begin(out, ACCOUNTD_EXPIRING, 0);

    writer_u64(&w, (uint64_t)query->since_ms);
    writer_u64(&w, (uint64_t)query->until_ms);
    writer_u32(&w, (uint32_t)query->stages.count);
    for (size_t i = 0; i < query->stages.count; i++)
        writer_u32(&w, query->stages.days[i]);
    writer_bytes(&w, query->cursor);
    return frame_end(&w);
}

int
accountd_expiring_decode(struct slice payload, struct accountd_expiring *query)
{
    struct reader r = reader_begin(payload);

    query->since_ms = (int64_t)reader_u64(&r);
    query->until_ms = (int64_t)reader_u64(&r);
    query->stages.count = reader_count(&r, EXPIRING_STAGES_MAX);
    for (size_t i = 0; i < query->stages.count; i++) {
        query->stages.days[i] = reader_u32(&r);
        if (query->stages.days[i] == 0 || query->stages.days[i] > DAYS_MAX)
            r.failed = true;
    }
    query->cursor = reader_bytes(&r, ACCOUNT_KEY_MAX);
    return query->since_ms < 0 || query->until_ms < 0 ? -1 : reader_end(&r);
}

int
accountd_expiring_reply_encode(struct strbuf *out, uint32_t id,
                               const struct accountd_expiring_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_EXPIRING_REPLY, id);

    writer_bytes(&w, reply->cursor);
    writer_u8(&w, reply->failed);
    writer_u32(&w, reply->count);
    for (uint32_t i = 0; i < reply->count; i++) {
        writer_bytes(&w, reply->users[i].address);
        writer_bytes(&w, reply->users[i].full_name);
        writer_bytes(&w, reply->users[i].sender);
        writer_u64(&w, (uint64_t)reply->users[i].end_ms);
        writer_u32(&w, reply->users[i].days);
    }
    return frame_end(&w);
}

int
accountd_expiring_reply_decode(struct slice payload, struct accountd_expiring_reply *reply)
{
    struct reader r = reader_begin(payload);
    uint8_t failed;

    reply->cursor = reader_bytes(&r, ACCOUNT_KEY_MAX);
    failed = reader_u8(&r);
    reply->failed = failed == 1;
    reply->count = reader_count(&r, ACCOUNTD_EXPIRING_MAX);
    for (uint32_t i = 0; i < reply->count; i++) {
        struct expiring_user *user = &reply->users[i];

        user->address = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        user->full_name = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
        user->sender = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        user->end_ms = (int64_t)reader_u64(&r);
        user->days = reader_u32(&r);
        if (user->address.len == 0 || user->end_ms < 0 || user->days > DAYS_MAX)
            r.failed = true;
    }
    return failed > 1 ? -1 : reader_end(&r);
}
