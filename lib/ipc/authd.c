/*
 * lib/ipc/authd.c - codec of the conversation between sessions and authd. No I/O.
 *
 * The decoders trust nothing: authd takes every session, and every session takes authd, for an
 * attacker.
 */
#include "lib/ipc/authd.h"

enum {
    SERVICE_MAX = 16,
    IP_MAX = 64,
    SESSION_ID_MAX = 64,
    BINDING_MAX = 64,
    USER_MAX = 1024,
    TEXT_MAX = 1024,
    MAILBOX_ID_MAX = 255, /* RFC 8474 section 4: objectid */
};

int
authd_attach_encode(struct strbuf *out, const struct authd_attach *attach)
{
    struct writer w = frame_begin(out, AUTHD_ATTACH, 0);

    writer_bytes(&w, attach->service);
    writer_bytes(&w, attach->client_ip);
    writer_bytes(&w, attach->local_ip);
    writer_u16(&w, attach->client_port);
    writer_u16(&w, attach->local_port);
    writer_bytes(&w, attach->session_id);
    writer_u8(&w, attach->is_local);
    writer_u32(&w, attach->local_uid);
    return frame_end(&w);
}

int
authd_attach_decode(struct slice payload, struct authd_attach *attach)
{
    struct reader r = reader_begin(payload);

    attach->service = reader_bytes(&r, SERVICE_MAX);
    attach->client_ip = reader_bytes(&r, IP_MAX);
    attach->local_ip = reader_bytes(&r, IP_MAX);
    attach->client_port = reader_u16(&r);
    attach->local_port = reader_u16(&r);
    attach->session_id = reader_bytes(&r, SESSION_ID_MAX);
    attach->is_local = reader_u8(&r) != 0;
    attach->local_uid = reader_u32(&r);
    return reader_end(&r);
}

int
authd_start_encode(struct strbuf *out, const struct authd_start *start)
{
    struct writer w = frame_begin(out, AUTHD_START, 0);

    writer_bytes(&w, start->mechanism);
    writer_u8(&w, start->has_initial);
    writer_bytes(&w, start->initial);
    writer_u8(&w, start->tls);
    writer_bytes(&w, start->binding);
    writer_bytes(&w, start->host);
    return frame_end(&w);
}

/* A boolean is 0 or 1; anything else fails the reader. */
static bool
read_flag(struct reader *r)
{
    uint8_t value = reader_u8(r);

    if (value > 1)
        r->failed = true;
    return value == 1;
}

int
authd_start_decode(struct slice payload, struct authd_start *start)
{
    struct reader r = reader_begin(payload);

    start->mechanism = reader_bytes(&r, AUTHD_MECHANISM_MAX);
    start->has_initial = read_flag(&r);
    start->initial = reader_bytes(&r, AUTHD_SASL_MAX);
    start->tls = read_flag(&r);
    start->binding = reader_bytes(&r, BINDING_MAX);
    start->host = reader_bytes(&r, AUTHD_HOST_MAX);
    return reader_end(&r);
}

int
authd_data_encode(struct strbuf *out, uint16_t type, uint32_t id, struct slice data)
{
    struct writer w = frame_begin(out, type, id);

    writer_bytes(&w, data);
    return frame_end(&w);
}

int
authd_data_decode(struct slice payload, struct slice *data)
{
    struct reader r = reader_begin(payload);

    *data = reader_bytes(&r, AUTHD_SASL_MAX);
    return reader_end(&r);
}

int
authd_ok_encode(struct strbuf *out, uint32_t id, const struct authd_ok *ok)
{
    struct writer w = frame_begin(out, AUTHD_OK, id);

    writer_bytes(&w, ok->user);
    writer_bytes(&w, ok->data);
    writer_bytes(&w, ok->full_name);
    writer_u32(&w, ok->rights);
    writer_u64(&w, ok->quota_bytes);
    writer_u64(&w, ok->quota_messages);
    writer_u16(&w, ok->folder_count);
    return frame_end(&w);
}

int
authd_ok_decode(struct slice payload, struct authd_ok *ok)
{
    struct reader r = reader_begin(payload);

    ok->user = reader_bytes(&r, USER_MAX);
    ok->data = reader_bytes(&r, AUTHD_SASL_MAX);
    ok->full_name = reader_bytes(&r, TEXT_MAX);
    ok->rights = reader_u32(&r);
    ok->quota_bytes = reader_u64(&r);
    ok->quota_messages = reader_u64(&r);
    ok->folder_count = reader_u16(&r);
    return reader_end(&r) < 0 || ok->folder_count > AUTHD_FOLDERS_MAX ? -1 : 0;
}

int
authd_folder_encode(struct strbuf *out, uint32_t id, const struct authd_folder *folder)
{
    struct writer w = frame_begin(out, AUTHD_FOLDER, id);

    writer_bytes(&w, folder->name);
    writer_u32(&w, folder->rights);
    writer_u64(&w, folder->quota_bytes);
    writer_u64(&w, folder->quota_messages);
    return frame_end(&w);
}

int
authd_folder_decode(struct slice payload, struct authd_folder *folder)
{
    struct reader r = reader_begin(payload);

    folder->name = reader_bytes(&r, TEXT_MAX);
    folder->rights = reader_u32(&r);
    folder->quota_bytes = reader_u64(&r);
    folder->quota_messages = reader_u64(&r);
    return reader_end(&r) < 0 || folder->name.len == 0 ? -1 : 0;
}

int
authd_charge_encode(struct strbuf *out, const struct authd_charge *charge)
{
    struct writer w = frame_begin(out, AUTHD_CHARGE, 0);

    writer_bytes(&w, charge->name);
    writer_u64(&w, (uint64_t)charge->bytes);
    writer_u64(&w, (uint64_t)charge->messages);
    writer_u8(&w, charge->within_quota);
    writer_u8(&w, charge->new_uidvalidity);
    return frame_end(&w);
}

int
authd_charge_decode(struct slice payload, struct authd_charge *charge)
{
    struct reader r = reader_begin(payload);
    uint8_t within_quota, new_uidvalidity;

    charge->name = reader_bytes(&r, TEXT_MAX);
    charge->bytes = (int64_t)reader_u64(&r);
    charge->messages = (int64_t)reader_u64(&r);
    within_quota = reader_u8(&r);
    new_uidvalidity = reader_u8(&r);
    charge->within_quota = within_quota == 1;
    charge->new_uidvalidity = new_uidvalidity == 1;
    return reader_end(&r) < 0 || within_quota > 1 || new_uidvalidity > 1 ? -1 : 0;
}

int
authd_charged_encode(struct strbuf *out, uint32_t id, const struct authd_charged *charged)
{
    struct writer w = frame_begin(out, AUTHD_CHARGED, id);

    writer_u32(&w, charged->error);
    writer_u32(&w, charged->uidvalidity);
    return frame_end(&w);
}

int
authd_charged_decode(struct slice payload, struct authd_charged *charged)
{
    struct reader r = reader_begin(payload);

    charged->error = reader_u32(&r);
    charged->uidvalidity = reader_u32(&r);
    return reader_end(&r);
}

int
authd_folder_change_encode(struct strbuf *out, const struct authd_folder_change *change)
{
    struct writer w = frame_begin(out, AUTHD_FOLDER_CHANGE, 0);

    writer_u8(&w, change->op);
    writer_bytes(&w, change->name);
    writer_bytes(&w, change->to);
    return frame_end(&w);
}

int
authd_folder_change_decode(struct slice payload, struct authd_folder_change *change)
{
    struct reader r = reader_begin(payload);

    change->op = reader_u8(&r);
    change->name = reader_bytes(&r, TEXT_MAX);
    change->to = reader_bytes(&r, TEXT_MAX);
    if (reader_end(&r) < 0 || change->op > AUTHD_FOLDER_RENAME || change->name.len == 0)
        return -1;
    return (change->op == AUTHD_FOLDER_RENAME) == (change->to.len > 0) ? 0 : -1;
}

int
authd_folder_changed_encode(struct strbuf *out, uint32_t id,
                            const struct authd_folder_changed *changed)
{
    struct writer w = frame_begin(out, AUTHD_FOLDER_CHANGED, id);

    writer_u32(&w, changed->error);
    writer_u32(&w, changed->rights);
    writer_u32(&w, changed->there);
    writer_bytes(&w, changed->mailbox_id);
    return frame_end(&w);
}

int
authd_folder_changed_decode(struct slice payload, struct authd_folder_changed *changed)
{
    struct reader r = reader_begin(payload);

    changed->error = reader_u32(&r);
    changed->rights = reader_u32(&r);
    changed->there = reader_u32(&r);
    changed->mailbox_id = reader_bytes(&r, MAILBOX_ID_MAX);
    return reader_end(&r);
}

int
authd_url_reply_encode(struct strbuf *out, uint32_t id, const struct authd_url_reply *reply)
{
    struct writer w = frame_begin(out, AUTHD_URL_REPLY, id);

    writer_u8(&w, reply->result);
    writer_u64(&w, reply->size);
    return frame_end(&w);
}

int
authd_url_reply_decode(struct slice payload, struct authd_url_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->size = reader_u64(&r);
    return reader_end(&r) < 0 || reply->result > AUTHD_URL_LATER ? -1 : 0;
}

int
authd_fail_encode(struct strbuf *out, uint32_t id, const struct authd_fail *fail)
{
    struct writer w = frame_begin(out, AUTHD_FAIL, id);

    writer_u8(&w, fail->failure);
    writer_bytes(&w, fail->text);
    return frame_end(&w);
}

int
authd_fail_decode(struct slice payload, struct authd_fail *fail)
{
    struct reader r = reader_begin(payload);

    fail->failure = reader_u8(&r);
    fail->text = reader_bytes(&r, TEXT_MAX);
    return reader_end(&r) < 0 || fail->failure > AUTHD_NO_TOTP ? -1 : 0;
}

/* ---- the session's side ---- */
