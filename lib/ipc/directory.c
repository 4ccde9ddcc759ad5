/*
 * lib/ipc/directory.c - what ldapd's sessions and directoryd say to each other. No I/O.
 */
#include "lib/ipc/directory.h"

#define VERB_MAX 8

int
directory_hello_encode(struct strbuf *out, struct slice session_id, struct slice client_ip)
{
    struct writer w = frame_begin(out, DIRECTORY_HELLO, 0);

    writer_bytes(&w, session_id);
    writer_bytes(&w, client_ip);
    return frame_end(&w);
}

int
directory_hello_decode(struct slice payload, struct slice *session_id, struct slice *client_ip)
{
    struct reader r = reader_begin(payload);

    *session_id = reader_bytes(&r, DIRECTORY_SESSION_ID_MAX);
    *client_ip = reader_bytes(&r, DIRECTORY_CLIENT_MAX);
    return reader_end(&r);
}

int
directory_bind_encode(struct strbuf *out, const struct directory_bind *bind)
{
    struct writer w = frame_begin(out, DIRECTORY_BIND, 0);

    writer_u8(&w, bind->how);
    writer_bytes(&w, bind->password);
    return frame_end(&w);
}

int
directory_bind_decode(struct slice payload, struct directory_bind *bind)
{
    struct reader r = reader_begin(payload);

    bind->how = reader_u8(&r);
    bind->password = reader_bytes(&r, DIRECTORY_PASSWORD_MAX);
    return bind->how > DIRECTORY_BIND_WRITE ? -1 : reader_end(&r);
}

int
directory_bound_encode(struct strbuf *out, uint32_t id, const struct directory_bound *bound)
{
    struct writer w = frame_begin(out, DIRECTORY_BOUND, id);

    writer_u8(&w, bound->ok);
    writer_u8(&w, bound->later);
    writer_bytes(&w, bound->user);
    return frame_end(&w);
}

int
directory_bound_decode(struct slice payload, struct directory_bound *bound)
{
    struct reader r = reader_begin(payload);

    bound->ok = reader_u8(&r) != 0;
    bound->later = reader_u8(&r) != 0;
    bound->user = reader_bytes(&r, DIRECTORY_USER_MAX);
    return reader_end(&r);
}

int
directory_search_encode(struct strbuf *out, const struct directory_search *search,
                        const struct ldap_filter *filter)
{
    struct writer w = frame_begin(out, DIRECTORY_SEARCH, 0);

    writer_u8(&w, search->level);
    writer_bytes(&w, search->book);
    writer_bytes(&w, search->name);
    writer_u8(&w, search->scope);
    writer_u64(&w, search->after);
    writer_u16(&w, search->wanted);
    writer_u8(&w, search->members);
    ldap_filter_encode(&w, filter);
    return frame_end(&w);
}

int
directory_search_decode(struct slice payload, struct directory_search *search,
                        struct ldap_filter *filter)
{
    struct reader r = reader_begin(payload);

    search->level = reader_u8(&r);
    search->book = reader_bytes(&r, LDAP_BOOK_MAX);
    search->name = reader_bytes(&r, LDAP_PATH_MAX);
    search->scope = reader_u8(&r);
    search->after = reader_u64(&r);
    search->wanted = reader_u16(&r);
    search->members = reader_u8(&r) != 0;
    if (r.failed || search->level >= LDAP_ENTRY_KINDS || search->scope > DIRECTORY_SCOPE_BELOW ||
        search->wanted == 0 || search->wanted > DIRECTORY_ENTRIES_MAX ||
        ldap_filter_decode(&r, filter) < 0)
        return -1;
    return reader_end(&r);
}

int
directory_found_encode(struct strbuf *out, uint32_t id, const struct directory_found *found)
{
    struct writer w = frame_begin(out, DIRECTORY_FOUND, id);

    writer_u8(&w, found->result);
    writer_u8(&w, found->more);
    writer_u64(&w, found->last);
    writer_u16(&w, found->count);
    writer_u64(&w, found->number);
    writer_bytes(&w, found->entries);
    return frame_end(&w);
}

int
directory_found_decode(struct slice payload, struct directory_found *found)
{
    struct reader r = reader_begin(payload);

    found->result = reader_u8(&r);
    found->more = reader_u8(&r) != 0;
    found->last = reader_u64(&r);
    found->count = reader_u16(&r);
    found->number = reader_u64(&r);
    found->entries = reader_bytes(&r, DIRECTORY_PAYLOAD_MAX);
    return reader_end(&r);
}

/* u8 kind, u8 length of the book, u8 length of the name, u32 length of the fields, and these. */
enum { ENTRY_HEADER = 7 };

void
directory_entry_add(struct strbuf *entries, const struct ldap_entry *entry)
{
    const char header[ENTRY_HEADER] = {(char)entry->kind,
                                       (char)entry->book.len,
                                       (char)entry->name.len,
                                       (char)(entry->fields.len >> 24),
                                       (char)(entry->fields.len >> 16),
                                       (char)(entry->fields.len >> 8),
                                       (char)entry->fields.len};

    (void)strbuf_append(entries, slice_make(header, sizeof(header)));
    (void)strbuf_append(entries, entry->book);
    (void)strbuf_append(entries, entry->name);
    (void)strbuf_append(entries, entry->fields); /* the buffer remembers an overflow */
}

int
directory_entry_next(struct slice *entries, struct ldap_entry *entry)
{
    const unsigned char *p = (const unsigned char *)entries->ptr;
    size_t book, name, fields, at = ENTRY_HEADER;

    if (entries->len == 0)
        return 0;
    if (entries->len < ENTRY_HEADER || p[0] >= LDAP_ENTRY_KINDS)
        return -1;
    book = p[1];
    name = p[2];
    fields = (size_t)p[3] << 24 | (size_t)p[4] << 16 | (size_t)p[5] << 8 | p[6];
    if (book + name + fields > entries->len - ENTRY_HEADER)
        return -1;
    entry->kind = (enum ldap_entry_kind)p[0];
    entry->book = slice_sub(*entries, at, at + book);
    at += book;
    entry->name = slice_sub(*entries, at, at + name);
    at += name;
    entry->fields = slice_sub(*entries, at, at + fields);
    *entries = slice_sub(*entries, at + fields, entries->len);
    return 1;
}

int
directory_edit_encode(struct strbuf *out, const struct directory_edit *edit)
{
    struct writer w = frame_begin(out, DIRECTORY_EDIT, 0);

    writer_bytes(&w, edit->verb);
    writer_bytes(&w, edit->book);
    writer_bytes(&w, edit->name);
    writer_u64(&w, edit->as_of);
    writer_u32(&w, edit->field_count);
    for (uint32_t i = 0; i < edit->field_count; i++) {
        writer_bytes(&w, edit->fields[i].name);
        writer_bytes(&w, edit->fields[i].value);
    }
    return frame_end(&w);
}

int
directory_edit_decode(struct slice payload, struct directory_edit *edit,
                      struct object_field fields[OBJECT_FIELDS_MAX])
{
    struct reader r = reader_begin(payload);

    edit->verb = reader_bytes(&r, VERB_MAX);
    edit->book = reader_bytes(&r, LDAP_BOOK_MAX);
    edit->name = reader_bytes(&r, LDAP_NAME_MAX);
    edit->as_of = reader_u64(&r);
    edit->fields = fields;
    edit->field_count = reader_count(&r, OBJECT_FIELDS_MAX);
    for (uint32_t i = 0; i < edit->field_count; i++) {
        fields[i].name = reader_bytes(&r, OBJECT_NAME_MAX);
        fields[i].value = reader_bytes(&r, OBJECT_VALUE_MAX);
    }
    return reader_end(&r);
}

int
directory_edited_encode(struct strbuf *out, uint32_t id, const struct directory_edited *edited)
{
    struct writer w = frame_begin(out, DIRECTORY_EDITED, id);

    writer_u32(&w, edited->result);
    writer_bytes(&w, slice_sub(edited->text, 0, DIRECTORY_TEXT_MAX));
    return frame_end(&w);
}

int
directory_edited_decode(struct slice payload, struct directory_edited *edited)
{
    struct reader r = reader_begin(payload);

    edited->result = reader_u32(&r);
    edited->text = reader_bytes(&r, DIRECTORY_TEXT_MAX);
    return reader_end(&r);
}
