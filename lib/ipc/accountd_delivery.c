/*
 * lib/ipc/accountd_delivery.c - encoders and decoders of what local-deliver reports to accountd:
 * USAGE and MISSING. As lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd.h"

#define PATH_BYTES_MAX 600

/* ---- USAGE ---- */

int
accountd_usage_encode(struct strbuf *out, const struct accountd_usage *list, uint32_t count)
{
    struct writer w = frame_begin(out, ACCOUNTD_USAGE, 0);

    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_bytes(&w, list[i].path);
        writer_u64(&w, list[i].bytes);
        writer_u64(&w, list[i].messages);
    }
    return frame_end(&w);
}

int
accountd_usage_decode(struct slice payload,
                      int (*each)(void *arg, const struct accountd_usage *usage), void *arg)
{
    struct reader r = reader_begin(payload);
    uint32_t count = reader_count(&r, ACCOUNTD_USAGES_MAX);

    for (uint32_t i = 0; i < count; i++) {
        struct accountd_usage usage;

        usage.path = reader_bytes(&r, PATH_BYTES_MAX);
        usage.bytes = reader_u64(&r);
        usage.messages = reader_u64(&r);
        if (r.failed || each(arg, &usage) < 0)
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
