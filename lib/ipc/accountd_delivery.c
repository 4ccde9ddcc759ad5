/*
 * lib/ipc/accountd_delivery.c - encoders and decoders of what local-deliver reports to accountd:
 * USAGE and MISSING. As lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd.h"

#define PATH_BYTES_MAX 600

/* ---- USAGE ---- */

int
accountd_usage_encode(struct strbuf *out, const struct accountd_delivery *delivery,
                      const struct accountd_usage *list, uint32_t count)
{
    struct writer w = frame_begin(out, ACCOUNTD_USAGE, 0);

    writer_bytes(&w, delivery->sender);
    writer_bytes(&w, delivery->queue_id);
    writer_u64(&w, delivery->bytes);
    writer_u64(&w, (uint64_t)delivery->time_ms);
    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_bytes(&w, list[i].path);
        writer_u64(&w, list[i].bytes);
        writer_u64(&w, list[i].messages);
        writer_u8(&w, list[i].came);
    }
    return frame_end(&w);
}

int
accountd_usage_decode(struct slice payload, struct accountd_delivery *delivery,
                      int (*each)(void *arg, const struct accountd_usage *usage), void *arg)
{
    struct reader r = reader_begin(payload);
    uint32_t count;

    delivery->sender = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    delivery->queue_id = reader_bytes(&r, ACCOUNTD_QUEUE_ID_MAX);
    delivery->bytes = reader_u64(&r);
    delivery->time_ms = (int64_t)reader_u64(&r);
    count = reader_count(&r, ACCOUNTD_USAGES_MAX);
    if (delivery->time_ms < 0 || delivery->bytes > INT64_MAX)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        struct accountd_usage usage;
        uint8_t came;

        usage.path = reader_bytes(&r, PATH_BYTES_MAX);
        usage.bytes = reader_u64(&r);
        usage.messages = reader_u64(&r);
        came = reader_u8(&r);
        usage.came = came == 1;
        if (r.failed || came > 1 || each(arg, &usage) < 0)
            return -1;
    }
    return reader_end(&r);
}

/* ---- MISSING ---- */

int
accountd_missing_encode(struct strbuf *out, const struct accountd_missing *report)
{
    struct writer w = frame_begin(out, ACCOUNTD_MISSING, 0);

    writer_bytes(&w, report->user);
    writer_bytes(&w, report->path);
    return frame_end(&w);
}

int
accountd_missing_decode(struct slice payload, struct accountd_missing *report)
{
    struct reader r = reader_begin(payload);

    report->user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    report->path = reader_bytes(&r, PATH_BYTES_MAX);
    return reader_end(&r);
}
