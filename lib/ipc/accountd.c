/*
 * lib/ipc/accountd.c - encoders and decoders of what is said to and by accountd.
 *
 * Decoders trust nothing: each field has a bound, each count a maximum, no byte may be left over.
 * No I/O.
 */
#include "lib/ipc/accountd.h"

#include "lib/auth/access_list.h"
#include "lib/ipc/local_deliver.h"

#define PATH_BYTES_MAX 600
#define DSN_BYTES_MAX 16
#define STORE_DIR_BYTES_MAX 255
#define IP_BYTES_MAX 64
#define WORD_MAX 64 /* verb, kind */

/* ---- RCPT ---- */

int
accountd_rcpt_encode(struct strbuf *out, const struct accountd_rcpt *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_RCPT, 0);

    writer_bytes(&w, req->address);
    writer_bytes(&w, req->sender);
    writer_bytes(&w, req->auth_user);
    writer_u64(&w, req->size);
    writer_u8(&w, req->trusted);
    return frame_end(&w);
}

int
accountd_rcpt_decode(struct slice payload, struct accountd_rcpt *req)
{
    struct reader r = reader_begin(payload);

    req->address = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->sender = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->auth_user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->size = reader_u64(&r);
    req->trusted = reader_u8(&r) != 0;
    return reader_end(&r);
}

static void
put_allowance(struct writer *w, const struct accountd_allowance *a)
{
    writer_u64(w, a->max);
    writer_bytes(w, a->limit);
    writer_u8(w, a->for_now);
}

static void
get_allowance(struct reader *r, struct accountd_allowance *a)
{
    a->max = reader_u64(r);
    a->limit = reader_bytes(r, WORD_MAX);
    a->for_now = reader_u8(r) != 0;
}

int
accountd_rcpt_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_rcpt_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_RCPT_REPLY, id);

    writer_u8(&w, reply->verdict);
    writer_u16(&w, reply->code);
    writer_bytes(&w, reply->dsn);
    writer_bytes(&w, reply->text);
    writer_u8(&w, reply->counted);
    if (reply->counted) {
        put_allowance(&w, &reply->rcpts);
        put_allowance(&w, &reply->class_rcpts);
        put_allowance(&w, &reply->bytes);
    }
    return frame_end(&w);
}

int
accountd_rcpt_reply_decode(struct slice payload, struct accountd_rcpt_reply *reply)
{
    struct reader r = reader_begin(payload);

    *reply = (struct accountd_rcpt_reply){.verdict = reader_u8(&r)};
    reply->code = reader_u16(&r);
    reply->dsn = reader_bytes(&r, DSN_BYTES_MAX);
    reply->text = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    reply->counted = reader_u8(&r) != 0;
    if (reply->counted) {
        get_allowance(&r, &reply->rcpts);
        get_allowance(&r, &reply->class_rcpts);
        get_allowance(&r, &reply->bytes);
    }
    if (reply->verdict > ACCOUNTD_DEFERRED)
        return -1;
    return reader_end(&r);
}

/* ---- SPEND ---- */

static void
write_spend(struct writer *w, const struct accountd_spend *req)
{
    writer_bytes(w, req->auth_user);
    writer_u64(w, req->local_rcpts);
    writer_u64(w, req->remote_rcpts);
    writer_u64(w, req->bytes);
    writer_bytes(w, req->subject);
}

static void
read_spend(struct reader *r, struct accountd_spend *req)
{
    req->auth_user = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    req->local_rcpts = reader_u64(r);
    req->remote_rcpts = reader_u64(r);
    req->bytes = reader_u64(r);
    req->subject = reader_bytes(r, ACCOUNTD_SUBJECT_MAX);
}

int
accountd_spend_encode(struct strbuf *out, const struct accountd_spend *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_SPEND, 0);

    write_spend(&w, req);
    return frame_end(&w);
}

int
accountd_spend_decode(struct slice payload, struct accountd_spend *req)
{
    struct reader r = reader_begin(payload);

    read_spend(&r, req);
    return reader_end(&r);
}

int
accountd_unspend_encode(struct strbuf *out, const struct accountd_spend *req, bool held)
{
    struct writer w = frame_begin(out, ACCOUNTD_UNSPEND, 0);

    write_spend(&w, req);
    writer_u8(&w, held);
    return frame_end(&w);
}

int
accountd_unspend_decode(struct slice payload, struct accountd_spend *req, bool *held)
{
    struct reader r = reader_begin(payload);
    uint8_t value;

    read_spend(&r, req);
    value = reader_u8(&r);
    *held = value == 1;
    return value > 1 ? -1 : reader_end(&r);
}

/* ---- EXPAND ---- */

int
accountd_expand_encode(struct strbuf *out, const struct accountd_recipient *recipients,
                       uint32_t count)
{
    struct writer w = frame_begin(out, ACCOUNTD_EXPAND, 0);

    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_bytes(&w, recipients[i].address);
        writer_bytes(&w, recipients[i].auth_user);
        writer_bytes(&w, recipients[i].sender);
        writer_u8(&w, recipients[i].by_rule);
    }
    return frame_end(&w);
}

int
accountd_expand_decode(struct slice payload,
                       int (*each)(void *arg, uint32_t i,
                                   const struct accountd_recipient *recipient),
                       void *arg)
{
    struct reader r = reader_begin(payload);
    uint32_t count = reader_count(&r, ACCOUNTD_BATCH_MAX);

    for (uint32_t i = 0; i < count; i++) {
        struct accountd_recipient recipient;
        uint8_t by_rule;

        recipient.address = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        recipient.auth_user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        recipient.sender = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
        by_rule = reader_u8(&r);
        recipient.by_rule = by_rule == 1;
        if (r.failed || by_rule > 1 || each(arg, i, &recipient) < 0)
            return -1;
    }
    return count == 0 ? -1 : reader_end(&r);
}

static void
write_target(struct writer *w, const struct accountd_target *target)
{
    writer_u16(w, target->source);
    writer_u8(w, target->kind);
    writer_bytes(w, target->address);
    writer_bytes(w, target->via);
    writer_bytes(w, target->path);
    writer_u64(w, target->quota_bytes);
    writer_u64(w, target->quota_messages);
    writer_u8(w, target->warning_limit);
    writer_u8(w, target->auto_reply);
    writer_bytes(w, target->dsn);
    writer_bytes(w, target->text);
    writer_bytes(w, target->sender);
    writer_bytes(w, target->notice);
}

static int
read_target(struct reader *r, struct accountd_target *target)
{
    target->source = reader_u16(r);
    target->kind = reader_u8(r);
    target->address = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    target->via = reader_bytes(r, ACCOUNTD_TEXT_MAX);
    target->path = reader_bytes(r, PATH_BYTES_MAX);
    target->quota_bytes = reader_u64(r);
    target->quota_messages = reader_u64(r);
    target->warning_limit = reader_u8(r);
    target->auto_reply = reader_u8(r) != 0;
    target->dsn = reader_bytes(r, DSN_BYTES_MAX);
    target->text =
        reader_bytes(r, target->kind == ACCOUNTD_SHOWN ? ACCOUNTD_SHOWN_MAX : ACCOUNTD_TEXT_MAX);
    target->sender = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    target->notice = reader_bytes(r, ACCOUNTD_ADDRESS_MAX);
    if (r->failed || target->source >= ACCOUNTD_BATCH_MAX || target->kind > ACCOUNTD_SHOWN)
        return -1;
    return 0;
}

int
accountd_expand_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_target *targets,
                             uint32_t count)
{
    struct writer w = frame_begin(out, ACCOUNTD_EXPAND_REPLY, id);

    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++)
        write_target(&w, &targets[i]);
    return frame_end(&w);
}

int
accountd_expand_reply_decode(struct slice payload,
                             int (*each)(void *arg, const struct accountd_target *target),
                             void *arg)
{
    struct reader r = reader_begin(payload);
    uint32_t count = reader_count(&r, ACCOUNTD_TARGETS_MAX);

    for (uint32_t i = 0; i < count; i++) {
        struct accountd_target target;

        if (read_target(&r, &target) < 0 || each(arg, &target) < 0)
            return -1;
    }
    return reader_end(&r);
}

/* ---- LOGIN and REHASH ---- */

int
accountd_login_encode(struct strbuf *out, const struct accountd_login *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_LOGIN, 0);

    writer_bytes(&w, req->name);
    writer_bytes(&w, req->local_ip);
    writer_bytes(&w, req->service);
    writer_bytes(&w, req->host);
    return frame_end(&w);
}

int
accountd_login_decode(struct slice payload, struct accountd_login *req)
{
    struct reader r = reader_begin(payload);

    req->name = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->local_ip = reader_bytes(&r, IP_BYTES_MAX);
    req->service = reader_bytes(&r, ACCOUNTD_SERVICE_MAX);
    req->host = reader_bytes(&r, ACCOUNTD_HOST_MAX);
    return reader_end(&r);
}

int
accountd_login_reply_encode(struct strbuf *out, uint32_t id,
                            const struct accountd_login_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_LOGIN_REPLY, id);

    writer_u8(&w, reply->state);
    writer_bytes(&w, reply->user);
    writer_bytes(&w, reply->path);
    writer_bytes(&w, reply->password);
    writer_u32(&w, reply->rights);
    writer_u64(&w, reply->quota_bytes);
    writer_u64(&w, reply->quota_messages);
    writer_bytes(&w, reply->full_name);
    writer_u8(&w, reply->has_folders);
    writer_bytes(&w, reply->password_changed);
    writer_bytes(&w, reply->place);
    writer_bytes(&w, reply->access);
    return frame_end(&w);
}

int
accountd_login_reply_decode(struct slice payload, struct accountd_login_reply *reply)
{
    struct reader r = reader_begin(payload);
    uint8_t has_folders;

    reply->state = reader_u8(&r);
    reply->user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    reply->path = reader_bytes(&r, PATH_BYTES_MAX);
    reply->password = reader_bytes(&r, ACCOUNTD_RECORD_MAX);
    reply->rights = reader_u32(&r);
    reply->quota_bytes = reader_u64(&r);
    reply->quota_messages = reader_u64(&r);
    reply->full_name = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    has_folders = reader_u8(&r);
    reply->password_changed = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    reply->place = reader_bytes(&r, STORE_PLACE_MAX);
    reply->access = reader_bytes(&r, ACCESS_LIST_MAX);
    reply->has_folders = has_folders == 1;
    if (reply->state > ACCOUNTD_LOGIN_PASSWORD || has_folders > 1)
        return -1;
    return reader_end(&r);
}

/* ---- FOLDERS ---- */

int
accountd_folders_encode(struct strbuf *out, struct slice user)
{
    struct writer w = frame_begin(out, ACCOUNTD_FOLDERS, 0);

    writer_bytes(&w, user);
    return frame_end(&w);
}

int
accountd_folders_decode(struct slice payload, struct slice *user)
{
    struct reader r = reader_begin(payload);

    *user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    return reader_end(&r);
}

int
accountd_folders_reply_encode(struct strbuf *out, uint32_t id,
                              const struct accountd_folder *folders, uint32_t count)
{
    struct writer w = frame_begin(out, ACCOUNTD_FOLDERS_REPLY, id);

    writer_u32(&w, count);
    for (uint32_t i = 0; i < count; i++) {
        writer_bytes(&w, folders[i].name);
        writer_bytes(&w, folders[i].path);
        writer_bytes(&w, folders[i].dir);
        writer_u32(&w, folders[i].rights);
        writer_u64(&w, folders[i].quota_bytes);
        writer_u64(&w, folders[i].quota_messages);
    }
    return frame_end(&w);
}

int
accountd_folders_reply_decode(struct slice payload,
                              struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX], uint32_t *count)
{
    struct reader r = reader_begin(payload);

    *count = reader_count(&r, ACCOUNTD_FOLDERS_MAX);
    for (uint32_t i = 0; i < *count && !r.failed; i++) {
        folders[i].name = reader_bytes(&r, ACCOUNTD_FOLDER_NAME_MAX);
        folders[i].path = reader_bytes(&r, PATH_BYTES_MAX);
        folders[i].dir = reader_bytes(&r, STORE_DIR_BYTES_MAX);
        folders[i].rights = reader_u32(&r);
        folders[i].quota_bytes = reader_u64(&r);
        folders[i].quota_messages = reader_u64(&r);
    }
    return reader_end(&r);
}

int
accountd_admin_login_encode(struct strbuf *out, struct slice name)
{
    struct writer w = frame_begin(out, ACCOUNTD_ADMIN_LOGIN, 0);

    writer_bytes(&w, name);
    return frame_end(&w);
}

int
accountd_admin_login_decode(struct slice payload, struct slice *name)
{
    struct reader r = reader_begin(payload);

    *name = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    return reader_end(&r);
}

int
accountd_rehash_encode(struct strbuf *out, const struct accountd_rehash *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_REHASH, 0);

    writer_bytes(&w, req->user);
    writer_bytes(&w, req->old_record);
    writer_bytes(&w, req->new_record);
    return frame_end(&w);
}

int
accountd_rehash_decode(struct slice payload, struct accountd_rehash *req)
{
    struct reader r = reader_begin(payload);

    req->user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->old_record = reader_bytes(&r, ACCOUNTD_RECORD_MAX);
    req->new_record = reader_bytes(&r, ACCOUNTD_RECORD_MAX);
    return reader_end(&r);
}

/* ---- WATCH ---- */

int
accountd_watch_encode(struct strbuf *out, uint64_t known)
{
    struct writer w = frame_begin(out, ACCOUNTD_WATCH, 0);

    writer_u64(&w, known);
    return frame_end(&w);
}

int
accountd_watch_decode(struct slice payload, uint64_t *known)
{
    struct reader r = reader_begin(payload);

    *known = reader_u64(&r);
    return reader_end(&r);
}

int
accountd_changed_encode(struct strbuf *out, uint32_t id, const struct accountd_changed *changed)
{
    struct writer w = frame_begin(out, ACCOUNTD_CHANGED, id);

    writer_u64(&w, changed->number);
    writer_u8(&w, changed->folders);
    writer_u8(&w, changed->everybody);
    writer_u32(&w, changed->user_count);
    for (uint32_t i = 0; i < changed->user_count; i++)
        writer_bytes(&w, changed->users[i]);
    return frame_end(&w);
}

int
accountd_changed_decode(struct slice payload, struct accountd_changed *changed,
                        struct slice users[ACCOUNTD_CHANGED_MAX])
{
    struct reader r = reader_begin(payload);
    uint8_t folders, everybody;

    changed->number = reader_u64(&r);
    folders = reader_u8(&r);
    everybody = reader_u8(&r);
    changed->folders = folders == 1;
    changed->everybody = everybody == 1;
    changed->user_count = reader_count(&r, ACCOUNTD_CHANGED_MAX);
    changed->users = users;
    for (uint32_t i = 0; i < changed->user_count && !r.failed; i++)
        users[i] = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    return reader_end(&r) < 0 || folders > 1 || everybody > 1 ? -1 : 0;
}

/* ---- SENDER ---- */

int
accountd_sender_encode(struct strbuf *out, const struct accountd_sender *req)
{
    struct writer w = frame_begin(out, ACCOUNTD_SENDER, 0);

    writer_bytes(&w, req->auth_user);
    writer_bytes(&w, req->sender);
    return frame_end(&w);
}

int
accountd_sender_decode(struct slice payload, struct accountd_sender *req)
{
    struct reader r = reader_begin(payload);

    req->auth_user = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->sender = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    return reader_end(&r);
}

/* ---- ADMIN ---- */

int
accountd_admin_encode_as(struct strbuf *out, uint16_t type, const struct accountd_admin *req)
{
    struct writer w = frame_begin(out, type, 0);

    writer_bytes(&w, req->verb);
    writer_bytes(&w, req->kind);
    writer_bytes(&w, req->name);
    writer_bytes(&w, req->cursor);
    writer_bytes(&w, req->actor);
    writer_bytes(&w, req->origin);
    writer_u32(&w, req->field_count);
    for (uint32_t i = 0; i < req->field_count; i++) {
        writer_bytes(&w, req->fields[i].name);
        writer_bytes(&w, req->fields[i].value);
    }
    return frame_end(&w);
}

int
accountd_admin_decode(struct slice payload, struct accountd_admin *req,
                      struct object_field fields[OBJECT_FIELDS_MAX])
{
    struct reader r = reader_begin(payload);

    req->verb = reader_bytes(&r, WORD_MAX);
    req->kind = reader_bytes(&r, WORD_MAX);
    req->name = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->cursor = reader_bytes(&r, ACCOUNTD_CURSOR_MAX);
    req->actor = reader_bytes(&r, ACCOUNTD_ADDRESS_MAX);
    req->origin = reader_bytes(&r, ACCOUNTD_ORIGIN_MAX);
    req->field_count = reader_count(&r, OBJECT_FIELDS_MAX);
    for (uint32_t i = 0; i < req->field_count && !r.failed; i++) {
        fields[i].name = reader_bytes(&r, OBJECT_NAME_MAX);
        fields[i].value = reader_bytes(&r, OBJECT_VALUE_MAX);
    }
    req->fields = fields;
    return reader_end(&r);
}

int
accountd_admin_reply_encode_as(struct strbuf *out, uint16_t type, uint32_t id,
                               const struct accountd_admin_reply *reply)
{
    struct writer w = frame_begin(out, type, id);

    writer_u32(&w, reply->result);
    writer_bytes(&w, reply->text);
    writer_bytes(&w, reply->cursor);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
accountd_admin_reply_decode(struct slice payload, struct accountd_admin_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->text = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    reply->cursor = reader_bytes(&r, ACCOUNTD_CURSOR_MAX);
    reply->data = reader_bytes(&r, ACCOUNTD_PAYLOAD_MAX);
    return reader_end(&r);
}
