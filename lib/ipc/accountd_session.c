/*
 * lib/ipc/accountd_session.c - encoders and decoders of what authd asks accountd for a session: ACL
 * and QUOTA. As lib/ipc/accountd.c says.
 */
#include "lib/ipc/accountd.h"

/* ---- ACL ---- */

int
accountd_acl_encode(struct strbuf *out, uint16_t type, const struct accountd_acl *req)
{
    struct writer w = frame_begin(out, type, 0);

    writer_u8(&w, req->op);
    writer_bytes(&w, req->actor);
    writer_bytes(&w, req->owner);
    writer_bytes(&w, req->folder);
    writer_bytes(&w, req->who);
    writer_u32(&w, req->rights);
    return frame_end(&w);
}

int
accountd_acl_decode(struct slice payload, struct accountd_acl *req)
{
    struct reader r = reader_begin(payload);

    req->op = reader_u8(&r);
    req->actor = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->owner = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->folder = reader_bytes(&r, ACCOUNTD_FOLDER_NAME_MAX);
    req->who = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->rights = reader_u32(&r);
    return reader_end(&r) < 0 || req->op > ACCOUNTD_ACL_CREATE ? -1 : 0;
}

int
accountd_acl_reply_encode(struct strbuf *out, uint16_t type, uint32_t id,
                          const struct accountd_acl_reply *reply)
{
    struct writer w = frame_begin(out, type, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, reply->text);
    writer_u32(&w, reply->count);
    for (uint32_t i = 0; i < reply->count; i++) {
        writer_bytes(&w, reply->entries[i].who);
        writer_u32(&w, reply->entries[i].rights);
    }
    return frame_end(&w);
}

int
accountd_acl_reply_decode(struct slice payload, struct accountd_acl_reply *reply,
                          struct accountd_acl_entry entries[ACCOUNTD_ACL_MAX])
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    reply->count = reader_count(&r, ACCOUNTD_ACL_MAX);
    reply->entries = entries;
    for (uint32_t i = 0; i < reply->count && !r.failed; i++) {
        entries[i].who = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        entries[i].rights = reader_u32(&r);
    }
    return reader_end(&r);
}

/* ---- QUOTA ---- */

int
accountd_quota_encode(struct strbuf *out, uint16_t type, const struct accountd_quota *req)
{
    struct writer w = frame_begin(out, type, 0);

    writer_u8(&w, req->set);
    writer_u64(&w, req->bytes);
    writer_u64(&w, req->messages);
    writer_bytes(&w, req->actor);
    writer_bytes(&w, req->root);
    return frame_end(&w);
}

int
accountd_quota_decode(struct slice payload, struct accountd_quota *req)
{
    struct reader r = reader_begin(payload);
    uint8_t set = reader_u8(&r);

    req->set = set == 1;
    req->bytes = reader_u64(&r);
    req->messages = reader_u64(&r);
    req->actor = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->root = reader_bytes(&r, ACCOUNTD_FOLDER_NAME_MAX);
    return reader_end(&r) < 0 || set > 1 || req->bytes > INT64_MAX || req->messages > INT64_MAX ? -1
                                                                                                : 0;
}

int
accountd_quota_reply_encode(struct strbuf *out, uint16_t type, uint32_t id,
                            const struct accountd_quota_reply *reply)
{
    struct writer w = frame_begin(out, type, id);

    writer_u8(&w, reply->result);
    writer_u64(&w, reply->used_bytes);
    writer_u64(&w, reply->used_messages);
    writer_u64(&w, reply->quota_bytes);
    writer_u64(&w, reply->quota_messages);
    return frame_end(&w);
}

int
accountd_quota_reply_decode(struct slice payload, struct accountd_quota_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u8(&r);
    reply->used_bytes = reader_u64(&r);
    reply->used_messages = reader_u64(&r);
    reply->quota_bytes = reader_u64(&r);
    reply->quota_messages = reader_u64(&r);
    return reader_end(&r) < 0 || reply->result > ACCOUNTD_QUOTA_BEYOND ? -1 : 0;
}
