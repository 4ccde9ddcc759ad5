/*
 * lib/ipc/figured.c - what metricsd and figured say to each other. No I/O.
 */
#include "lib/ipc/figured.h"

int
figured_metrics_encode(struct strbuf *out)
{
    struct writer w = frame_begin(out, FIGURED_METRICS, 0);

    return frame_end(&w);
}

int
figured_metrics_decode(struct slice payload)
{
    struct reader r = reader_begin(payload);

    return reader_end(&r);
}

int
figured_text_encode(struct strbuf *out, uint32_t id, struct slice text)
{
    struct writer w = frame_begin(out, FIGURED_TEXT, id);

    writer_bytes(&w, text);
    return frame_end(&w);
}

int
figured_text_decode(struct slice payload, struct slice *text)
{
    struct reader r = reader_begin(payload);

    *text = reader_bytes(&r, FIGURED_PAYLOAD_MAX);
    return reader_end(&r);
}
