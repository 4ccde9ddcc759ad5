/*
 * lib/ipc/alertd.c - codec of what the command line asks alertd.
 */
#include "lib/ipc/alertd.h"

int
alertd_control_encode(struct strbuf *out, const struct alertd_control *control)
{
    struct writer w = frame_begin(out, ALERTD_CONTROL, 0);

    writer_bytes(&w, control->verb);
    writer_bytes(&w, control->name);
    writer_u64(&w, (uint64_t)control->time_ms);
    return frame_end(&w);
}

int
alertd_control_decode(struct slice payload, struct alertd_control *control)
{
    struct reader r = reader_begin(payload);
    uint64_t time;

    control->verb = reader_bytes(&r, ALERTD_TEXT_MAX);
    control->name = reader_bytes(&r, ALERTD_TEXT_MAX);
    time = reader_u64(&r);
    control->time_ms = (int64_t)time;
    return time > INT64_MAX ? -1 : reader_end(&r);
}

int
alertd_reply_encode(struct strbuf *out, uint32_t id, const struct alertd_reply *reply)
{
    struct writer w = frame_begin(out, ALERTD_REPLY, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
alertd_reply_decode(struct slice payload, struct alertd_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, ALERTD_TEXT_MAX);
    reply->data = reader_bytes(&r, ALERTD_DATA_MAX);
    return reader_end(&r);
}
