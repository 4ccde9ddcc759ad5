/*
 * lib/ipc/alertd.c - codec of what the command line asks alertd.
 */
#include "lib/ipc/alertd.h"

#include "lib/base/parse.h"

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

bool
alertd_broadcast_id_valid(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-')
            return false;
    }
    return id.len > 0 && id.len <= ALERTD_BROADCAST_ID_MAX;
}

int
alertd_broadcast_encode(struct strbuf *out, const struct alertd_broadcast *m)
{
    struct writer w = frame_begin(out, ALERTD_BROADCAST, 0);

    writer_bytes(&w, m->id);
    writer_bytes(&w, m->domain);
    writer_bytes(&w, m->who);
    writer_bytes(&w, m->from);
    writer_bytes(&w, m->subject);
    writer_u8(&w, m->is_html);
    writer_bytes(&w, m->content);
    return frame_end(&w);
}

static bool
is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return parse_is_utf8(text);
}

int
alertd_broadcast_decode(struct slice payload, struct alertd_broadcast *m)
{
    struct reader r = reader_begin(payload);
    uint8_t is_html;

    m->id = reader_bytes(&r, ALERTD_BROADCAST_ID_MAX);
    m->domain = reader_bytes(&r, ALERTD_TEXT_MAX);
    m->who = reader_bytes(&r, ALERTD_TEXT_MAX);
    m->from = reader_bytes(&r, ALERTD_TEXT_MAX);
    m->subject = reader_bytes(&r, ALERTD_TEXT_MAX);
    is_html = reader_u8(&r);
    m->is_html = is_html == 1;
    m->content = reader_bytes(&r, ALERTD_CONTENT_MAX);
    if (is_html > 1 || !alertd_broadcast_id_valid(m->id) || !is_line(m->domain) ||
        !is_line(m->who) || !is_line(m->from) || !is_line(m->subject) || !parse_is_utf8(m->content))
        return -1;
    return reader_end(&r);
}
