/*
 * lib/ipc/filterd.c - the frames between smtpd and filterd. Each side checks the other's.
 */
#include "lib/ipc/filterd.h"

#include "lib/base/mem.h"

static bool
read_bool(struct reader *r)
{
    uint8_t value = reader_u8(r);

    if (value > 1)
        r->failed = true;
    return value == 1;
}

int
filterd_connect_encode(struct strbuf *out, const struct filterd_connect *connect)
{
    struct writer w = frame_begin(out, FILTERD_CONNECT, 0);

    writer_bytes(&w, connect->session_id);
    writer_bytes(&w, connect->client_ip);
    writer_u16(&w, connect->client_port);
    writer_bytes(&w, connect->local_ip);
    writer_u16(&w, connect->local_port);
    writer_u8(&w, connect->is_submission);
    return frame_end(&w);
}

int
filterd_connect_decode(struct slice payload, struct filterd_connect *connect)
{
    struct reader r = reader_begin(payload);

    connect->session_id = reader_bytes(&r, FILTERD_WORD_MAX);
    connect->client_ip = reader_bytes(&r, FILTERD_WORD_MAX);
    connect->client_port = reader_u16(&r);
    connect->local_ip = reader_bytes(&r, FILTERD_WORD_MAX);
    connect->local_port = reader_u16(&r);
    connect->is_submission = read_bool(&r);
    return reader_end(&r);
}

int
filterd_helo_encode(struct strbuf *out, const struct filterd_helo *helo)
{
    struct writer w = frame_begin(out, FILTERD_HELO, 0);

    writer_bytes(&w, helo->name);
    writer_u8(&w, helo->is_extended);
    writer_bytes(&w, helo->tls_version);
    writer_bytes(&w, helo->tls_cipher);
    writer_u32(&w, helo->tls_bits);
    return frame_end(&w);
}

int
filterd_helo_decode(struct slice payload, struct filterd_helo *helo)
{
    struct reader r = reader_begin(payload);

    helo->name = reader_bytes(&r, FILTERD_WORD_MAX);
    helo->is_extended = read_bool(&r);
    helo->tls_version = reader_bytes(&r, FILTERD_WORD_MAX);
    helo->tls_cipher = reader_bytes(&r, FILTERD_WORD_MAX);
    helo->tls_bits = reader_u32(&r);
    return reader_end(&r);
}

int
filterd_mail_encode(struct strbuf *out, const struct filterd_mail *mail)
{
    struct writer w = frame_begin(out, FILTERD_MAIL, 0);

    writer_bytes(&w, mail->sender);
    writer_bytes(&w, mail->params);
    writer_bytes(&w, mail->auth_user);
    writer_bytes(&w, mail->auth_method);
    writer_u64(&w, mail->size);
    return frame_end(&w);
}

int
filterd_mail_decode(struct slice payload, struct filterd_mail *mail)
{
    struct reader r = reader_begin(payload);

    mail->sender = reader_bytes(&r, FILTERD_WORD_MAX);
    mail->params = reader_bytes(&r, FILTERD_LINE_MAX);
    mail->auth_user = reader_bytes(&r, FILTERD_WORD_MAX);
    mail->auth_method = reader_bytes(&r, FILTERD_WORD_MAX);
    mail->size = reader_u64(&r);
    return reader_end(&r);
}

int
filterd_rcpt_encode(struct strbuf *out, const struct filterd_rcpt *rcpt)
{
    struct writer w = frame_begin(out, FILTERD_RCPT, 0);

    writer_bytes(&w, rcpt->address);
    writer_bytes(&w, rcpt->params);
    writer_u8(&w, rcpt->is_local);
    writer_u16(&w, rcpt->code);
    writer_bytes(&w, rcpt->dsn);
    writer_bytes(&w, rcpt->text);
    return frame_end(&w);
}

int
filterd_rcpt_decode(struct slice payload, struct filterd_rcpt *rcpt)
{
    struct reader r = reader_begin(payload);

    rcpt->address = reader_bytes(&r, FILTERD_WORD_MAX);
    rcpt->params = reader_bytes(&r, FILTERD_LINE_MAX);
    rcpt->is_local = read_bool(&r);
    rcpt->code = reader_u16(&r);
    rcpt->dsn = reader_bytes(&r, FILTERD_WORD_MAX);
    rcpt->text = reader_bytes(&r, FILTERD_WORD_MAX);
    return reader_end(&r);
}

int
filterd_content_encode(struct strbuf *out, enum filterd_type type,
                       const struct filterd_content *content)
{
    struct writer w = frame_begin(out, (uint16_t)type, 0);

    writer_bytes(&w, content->queue_id);
    writer_u64(&w, content->start);
    writer_u64(&w, content->size);
    return frame_end(&w);
}

int
filterd_content_decode(struct slice payload, struct filterd_content *content)
{
    struct reader r = reader_begin(payload);

    content->queue_id = reader_bytes(&r, FILTERD_WORD_MAX);
    content->start = reader_u64(&r);
    content->size = reader_u64(&r);
    if (content->start > INT64_MAX / 2 || content->size > INT64_MAX / 2)
        return -1;
    return reader_end(&r);
}

int
filterd_unknown_encode(struct strbuf *out, struct slice line)
{
    struct writer w = frame_begin(out, FILTERD_UNKNOWN, 0);

    writer_bytes(&w, slice_sub(line, 0, FILTERD_LINE_MAX));
    return frame_end(&w);
}

int
filterd_unknown_decode(struct slice payload, struct slice *line)
{
    struct reader r = reader_begin(payload);

    *line = reader_bytes(&r, FILTERD_LINE_MAX);
    return reader_end(&r);
}

int
filterd_reset_encode(struct strbuf *out)
{
    struct writer w = frame_begin(out, FILTERD_RESET, 0);

    return frame_end(&w);
}

int
filterd_verdict_encode(struct strbuf *out, uint32_t request_id, const struct filterd_verdict *v)
{
    struct writer w = frame_begin(out, FILTERD_VERDICT, request_id);

    writer_u8(&w, v->action);
    writer_u16(&w, v->code);
    writer_bytes(&w, v->dsn);
    writer_bytes(&w, v->text);
    writer_u8(&w, v->wants_rejected);
    writer_bytes(&w, v->hold);
    writer_u8(&w, v->sender_changed);
    writer_bytes(&w, v->sender);
    writer_u8(&w, v->content_changed);
    writer_u8(&w, v->body_replaced);
    writer_u64(&w, v->header_size);
    writer_u64(&w, v->body_start);
    writer_u32(&w, v->change_count);
    for (uint32_t i = 0; i < v->change_count; i++) {
        writer_u8(&w, v->changes[i].added);
        writer_bytes(&w, v->changes[i].address);
    }
    return frame_end(&w);
}

static void
read_changes(struct reader *r, struct filterd_verdict *v)
{
    v->change_count = reader_count(r, FILTERD_CHANGES_MAX);
    v->changes = xcalloc(v->change_count + 1u, sizeof(*v->changes));
    for (uint32_t i = 0; i < v->change_count && !r->failed; i++) {
        v->changes[i].added = read_bool(r);
        v->changes[i].address = reader_bytes(r, FILTERD_WORD_MAX);
    }
}

static bool
has_a_reply(const struct filterd_verdict *v)
{
    if (v->action != FILTERD_REFUSE && v->action != FILTERD_SHUT_OUT)
        return true;
    return v->code >= 400 && v->code <= 599 && v->dsn.len > 0;
}

int
filterd_verdict_decode(struct slice payload, struct filterd_verdict *v)
{
    struct reader r = reader_begin(payload);

    v->action = reader_u8(&r);
    v->code = reader_u16(&r);
    v->dsn = reader_bytes(&r, FILTERD_WORD_MAX);
    v->text = reader_bytes(&r, FILTERD_WORD_MAX);
    v->wants_rejected = read_bool(&r);
    v->hold = reader_bytes(&r, FILTERD_WORD_MAX);
    v->sender_changed = read_bool(&r);
    v->sender = reader_bytes(&r, FILTERD_WORD_MAX);
    v->content_changed = read_bool(&r);
    v->body_replaced = read_bool(&r);
    v->header_size = reader_u64(&r);
    v->body_start = reader_u64(&r);
    read_changes(&r, v);
    if (reader_end(&r) == 0 && v->action <= FILTERD_SHUT_OUT && has_a_reply(v) &&
        v->header_size <= INT64_MAX / 2 && v->body_start <= INT64_MAX / 2)
        return 0;
    filterd_verdict_clear(v);
    return -1;
}

void
filterd_verdict_clear(struct filterd_verdict *v)
{
    xfree(&v->changes);
    v->change_count = 0;
}
