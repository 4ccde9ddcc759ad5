/*
 * lib/ipc/contacts.c - what directoryd and accountd say to each other. No I/O.
 */
#include "lib/ipc/contacts.h"

#define NAME_MAX_BYTES 400

int
contacts_query_encode(struct strbuf *out, const struct contacts_query *query)
{
    struct writer w = frame_begin(out, ACCOUNTD_CONTACTS, 0);

    writer_u64(&w, query->known);
    writer_bytes(&w, query->cursor);
    return frame_end(&w);
}

int
contacts_query_decode(struct slice payload, struct contacts_query *query)
{
    struct reader r = reader_begin(payload);

    query->known = reader_u64(&r);
    query->cursor = reader_bytes(&r, CONTACTS_CURSOR_MAX);
    return reader_end(&r);
}

int
contacts_reply_encode(struct strbuf *out, uint32_t id, const struct contacts_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_CONTACTS_REPLY, id);

    writer_u64(&w, reply->number);
    writer_u8(&w, reply->everything);
    writer_bytes(&w, reply->cursor);
    writer_bytes(&w, reply->data);
    return frame_end(&w);
}

int
contacts_reply_decode(struct slice payload, struct contacts_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->number = reader_u64(&r);
    reply->everything = reader_u8(&r) != 0;
    reply->cursor = reader_bytes(&r, CONTACTS_CURSOR_MAX);
    reply->data = reader_bytes(&r, CONTACTS_PAYLOAD_MAX);
    return reader_end(&r);
}

int
groups_of_encode(struct strbuf *out, struct slice user)
{
    struct writer w = frame_begin(out, ACCOUNTD_GROUPS_OF, 0);

    writer_bytes(&w, user);
    return frame_end(&w);
}

int
groups_of_decode(struct slice payload, struct slice *user)
{
    struct reader r = reader_begin(payload);

    *user = reader_bytes(&r, NAME_MAX_BYTES);
    return reader_end(&r);
}

int
groups_of_reply_encode(struct strbuf *out, uint32_t id, struct slice groups)
{
    struct writer w = frame_begin(out, ACCOUNTD_GROUPS_OF_REPLY, id);

    writer_bytes(&w, groups);
    return frame_end(&w);
}

int
groups_of_reply_decode(struct slice payload, struct slice *groups)
{
    struct reader r = reader_begin(payload);

    *groups = reader_bytes(&r, CONTACTS_PAYLOAD_MAX);
    return reader_end(&r);
}

int
contact_edit_encode(struct strbuf *out, const struct contact_edit *edit)
{
    struct writer w = frame_begin(out, ACCOUNTD_CONTACT_EDIT, 0);

    writer_bytes(&w, edit->verb);
    writer_bytes(&w, edit->name);
    writer_u64(&w, edit->as_of);
    writer_bytes(&w, edit->who);
    writer_bytes(&w, edit->from);
    writer_u32(&w, edit->field_count);
    for (uint32_t i = 0; i < edit->field_count; i++) {
        writer_bytes(&w, edit->fields[i].name);
        writer_bytes(&w, edit->fields[i].value);
    }
    return frame_end(&w);
}

int
contact_edit_decode(struct slice payload, struct contact_edit *edit,
                    struct object_field fields[OBJECT_FIELDS_MAX])
{
    struct reader r = reader_begin(payload);

    edit->verb = reader_bytes(&r, OBJECT_NAME_MAX);
    edit->name = reader_bytes(&r, NAME_MAX_BYTES);
    edit->as_of = reader_u64(&r);
    edit->who = reader_bytes(&r, NAME_MAX_BYTES);
    edit->from = reader_bytes(&r, ACCOUNTD_ORIGIN_MAX);
    edit->fields = fields;
    edit->field_count = reader_count(&r, OBJECT_FIELDS_MAX);
    for (uint32_t i = 0; i < edit->field_count; i++) {
        fields[i].name = reader_bytes(&r, OBJECT_NAME_MAX);
        fields[i].value = reader_bytes(&r, OBJECT_VALUE_MAX);
    }
    return reader_end(&r);
}

int
contact_edit_reply_encode(struct strbuf *out, uint32_t id, const struct contact_edit_reply *reply)
{
    struct writer w = frame_begin(out, ACCOUNTD_CONTACT_EDIT_REPLY, id);

    writer_u32(&w, reply->result);
    writer_u64(&w, reply->number);
    writer_bytes(&w, slice_sub(reply->text, 0, ACCOUNTD_TEXT_MAX));
    return frame_end(&w);
}

int
contact_edit_reply_decode(struct slice payload, struct contact_edit_reply *reply)
{
    struct reader r = reader_begin(payload);

    reply->result = reader_u32(&r);
    reply->number = reader_u64(&r);
    reply->text = reader_bytes(&r, ACCOUNTD_TEXT_MAX);
    return reader_end(&r);
}
