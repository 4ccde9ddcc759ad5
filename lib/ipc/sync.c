/*
 * lib/ipc/sync.c - what the command line and syncd say to each other. No I/O.
 */
#include "lib/ipc/sync.h"

int
sync_request_encode(struct strbuf *out, const struct sync_request *request)
{
    return sync_request_encode_as(out, SYNC_RUN, request);
}

int
sync_request_encode_as(struct strbuf *out, enum sync_type type, const struct sync_request *request)
{
    struct writer w = frame_begin(out, (uint16_t)type, 0);

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
    writer_u64(&w, reply->run);
    return frame_end(&w);
}

int
sync_reply_decode(struct slice payload, struct sync_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->text = reader_bytes(&r, SYNC_TEXT_MAX);
    reply->data = reader_bytes(&r, SYNC_REPLY_MAX);
    reply->run = reader_u64(&r);
    return reply->result > SYNC_NOTHING ? -1 : reader_end(&r);
}

int
sync_report_encode(struct strbuf *out, uint32_t id, const struct sync_report *report)
{
    struct writer w = frame_begin(out, SYNC_REPORTED, id);

    writer_u8(&w, report->is_under_way);
    writer_u8(&w, report->has_ended);
    writer_u64(&w, report->run);
    writer_u64(&w, (uint64_t)report->began_ms);
    writer_u64(&w, (uint64_t)report->ended_ms);
    writer_u8(&w, report->dry_run);
    writer_u8(&w, report->result);
    writer_bytes(&w, report->text);
    writer_bytes(&w, report->data);
    return frame_end(&w);
}

int
sync_report_decode(struct slice payload, struct sync_report *report)
{
    struct reader r = reader_begin(payload);

    report->is_under_way = reader_u8(&r) != 0;
    report->has_ended = reader_u8(&r) != 0;
    report->run = reader_u64(&r);
    report->began_ms = (int64_t)reader_u64(&r);
    report->ended_ms = (int64_t)reader_u64(&r);
    report->dry_run = reader_u8(&r) != 0;
    report->result = reader_u8(&r);
    report->text = reader_bytes(&r, SYNC_TEXT_MAX);
    report->data = reader_bytes(&r, SYNC_REPLY_MAX);
    return report->result > SYNC_NOTHING || report->began_ms < 0 || report->ended_ms < 0
               ? -1
               : reader_end(&r);
}
