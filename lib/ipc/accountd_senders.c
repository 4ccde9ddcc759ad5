/*
 * lib/ipc/accountd_senders.c - SENDERS as bytes. No I/O.
 */
#include "lib/ipc/accountd_senders.h"

int
accountd_senders_encode(struct strbuf *out, uint64_t version)
{
    struct writer w = frame_begin(out, ACCOUNTD_SENDERS, 0);

    writer_u64(&w, version);
    return frame_end(&w);
}

int
accountd_senders_decode(struct slice payload, uint64_t *version)
{
    struct reader r = reader_begin(payload);

    *version = reader_u64(&r);
    return reader_end(&r);
}

void
accountd_senders_add(struct strbuf *pairs, struct slice domain, struct slice address)
{
    const struct object_field field = {domain, address};

    object_add(pairs, &field, 1);
}

int
accountd_senders_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_senders *head,
                              struct slice pairs)
{
    struct writer w = frame_begin(out, ACCOUNTD_SENDERS_REPLY, id);

    writer_u64(&w, head->version);
    writer_u8(&w, head->unchanged);
    writer_u32(&w, head->count);
    writer_bytes(&w, pairs);
    return frame_end(&w);
}

int
accountd_senders_reply_decode(struct slice payload, struct accountd_senders *head,
                              void (*each)(void *arg, struct slice domain, struct slice address),
                              void *arg)
{
    struct reader r = reader_begin(payload);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct slice pairs;
    uint8_t unchanged;

    head->version = reader_u64(&r);
    unchanged = reader_u8(&r);
    head->unchanged = unchanged == 1;
    head->count = reader_u32(&r);
    pairs = reader_bytes(&r, ACCOUNTD_PAYLOAD_MAX);
    if (unchanged > 1 || head->count > ACCOUNTD_SENDERS_MAX || reader_end(&r) < 0)
        return -1;
    for (uint32_t i = 0; i < head->count; i++) {
        if (object_next(&pairs, fields) != 1)
            return -1;
        each(arg, fields[0].name, fields[0].value);
    }
    return pairs.len == 0 ? 0 : -1;
}
