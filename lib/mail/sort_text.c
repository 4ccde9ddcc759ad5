/*
 * lib/mail/sort_text.c - what SORT and THREAD compare of a header section.
 *
 * Input:  a header section, or a text that was made here and came back from a cache. Untrusted:
 *         the sender wrote the one, a damaged file may hold the other.
 * Form:   a byte SORT_VERSION, bits, the sent date in 8 bytes, then the fields, each with a NUL
 *         behind it. Identifiers: a byte IDS_VERSION, then each with a NUL behind it.
 */
#include "lib/mail/sort_text.h"

#include <string.h>

#include "lib/mail/address_list.h"
#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/message_id.h"
#include "lib/mail/mime.h"

#define SORT_VERSION 's'
#define IDS_VERSION 'i'

enum {
    HAS_SENT = 1,
    IS_REPLY = 2,
    HEAD_LEN = 2 + sizeof(int64_t),
    FIELD_MAX = 65536, /* bytes that are looked at */
    IDS_FIELD_MAX = SORT_TEXT_MAX - 2 * MESSAGE_ID_MAX,
    KEY_MAX = (SORT_TEXT_MAX - HEAD_LEN) / SORT_TEXT_FIELDS - 16, /* bytes of a key */
};

/* ---- strings ---- */

/* The key of `text`, and a NUL. A key that is too long is cut: what follows decides nothing. */
static void
put_key(struct slice text, struct strbuf *out)
{
    struct strbuf key = strbuf_new(KEY_MAX);
    size_t kept = 0;

    (void)casemap_key(slice_sub(text, 0, FIELD_MAX), &key);
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] != '\0')
            key.ptr[kept++] = key.ptr[i];
    (void)strbuf_append(out, slice_make(key.ptr, kept)); /* KEY_MAX leaves room for all of them */
    (void)strbuf_char(out, '\0');
    strbuf_free(&key);
}

/* addr-mailbox: of a group its name (RFC 3501 section 7.4.2). */
static void
put_mailbox(const struct address_entry *a, struct strbuf *scratch, struct strbuf *out)
{
    (void)encoded_word_decode(a->kind == ADDRESS_MAILBOX ? a->local : a->name, scratch);
    put_key(strbuf_slice(scratch), out);
    strbuf_clear(scratch);
}

/* The DISPLAY sort value (RFC 5957 section 3). */
static void
put_display(const struct address_entry *a, struct strbuf *scratch, struct strbuf *out)
{
    if (a->name.len > 0)
        (void)encoded_word_decode(a->name, scratch);
    if (scratch->len == 0 && a->kind == ADDRESS_MAILBOX) {
        (void)strbuf_append(scratch, a->local);
        (void)strbuf_char(scratch, '@');
        (void)strbuf_append(scratch, a->domain);
    }
    put_key(strbuf_slice(scratch), out);
    strbuf_clear(scratch);
}

/* ---- the header section ---- */

static const struct {
    const char *field;
    bool is_display;
} addresses[] = {
    [SORT_TEXT_FROM] = {"From", false},    [SORT_TEXT_TO] = {"To", false},
    [SORT_TEXT_CC] = {"Cc", false},        [SORT_TEXT_DISPLAY_FROM] = {"From", true},
    [SORT_TEXT_DISPLAY_TO] = {"To", true},
};

static bool
find_field(struct slice header, const char *name, struct slice *body)
{
    struct header_field field;

    while (mime_field_next(&header, &field)) {
        if (!slice_eq_nocase(field.name, slice_of(name)))
            continue;
        *body = slice_sub(field.body, 0, FIELD_MAX);
        return true;
    }
    return false;
}

/* The first address of all fields of that name, as ENVELOPE has it. */
static void
put_first_address(struct slice header, enum sort_text_field which, struct strbuf *scratch,
                  struct strbuf *out)
{
    struct header_field field;

    while (mime_field_next(&header, &field)) {
        struct address_list list;
        struct address_entry entry;
        bool any;

        if (!slice_eq_nocase(field.name, slice_of(addresses[which].field)))
            continue;
        list = address_list_begin(slice_sub(field.body, 0, FIELD_MAX));
        any = address_list_next(&list, &entry);
        if (any && addresses[which].is_display)
            put_display(&entry, scratch, out);
        else if (any)
            put_mailbox(&entry, scratch, out);
        address_list_end(&list);
        if (any)
            return;
    }
    (void)strbuf_char(out, '\0');
}

void
sort_text_write(struct slice header, struct strbuf *out)
{
    struct strbuf scratch = strbuf_new((size_t)FIELD_MAX * 4);
    struct slice body;
    int64_t sent_s = 0;
    char flags = 0;

    if (find_field(header, "Date", &body) && date_parse_sent(body, &sent_s) == 0)
        flags |= HAS_SENT;
    if (find_field(header, "Subject", &body)) {
        (void)encoded_word_decode(slice_trim(body), &scratch);
        if (base_subject(&scratch))
            flags |= IS_REPLY;
    }
    (void)strbuf_char(out, SORT_VERSION);
    (void)strbuf_char(out, flags);
    (void)strbuf_append(out, slice_make(&sent_s, sizeof(sent_s)));
    put_key(strbuf_slice(&scratch), out);
    strbuf_clear(&scratch);
    for (int i = SORT_TEXT_FROM; i < SORT_TEXT_FIELDS; i++)
        put_first_address(header, (enum sort_text_field)i, &scratch, out);
    strbuf_free(&scratch);
}

bool
sort_text_read(struct slice text, struct sort_text *out)
{
    if (text.len < HEAD_LEN + SORT_TEXT_FIELDS || text.ptr[0] != SORT_VERSION)
        return false;
    out->has_sent = (text.ptr[1] & HAS_SENT) != 0;
    out->is_reply = (text.ptr[1] & IS_REPLY) != 0;
    memcpy(&out->sent_s, text.ptr + 2, sizeof(out->sent_s));
    text = slice_sub(text, HEAD_LEN, text.len);
    for (size_t i = 0; i < SORT_TEXT_FIELDS; i++)
        out->fields[i] = slice_split(&text, '\0');
    return true;
}

/* ---- identifiers ---- */

static void
put_id(const struct strbuf *id, struct strbuf *out)
{
    (void)strbuf_append(out, strbuf_slice(id)); /* IDS_FIELD_MAX leaves room for all of them */
    (void)strbuf_char(out, '\0');
}

/* The identifiers of References, or else the first one of In-Reply-To (RFC 5256 section 3). */
static void
put_references(struct slice header, struct strbuf *id, struct strbuf *out)
{
    size_t before = out->len, count = 0;
    struct slice body, rest;

    if (find_field(header, "References", &body)) {
        body = rest = slice_sub(body, 0, IDS_FIELD_MAX);
        while (message_id_next(&rest, id))
            count++;
        for (size_t i = 0; message_id_next(&body, id); i++)
            if (i + SORT_TEXT_REFERENCES_MAX >= count)
                put_id(id, out);
    }
    if (out->len == before && find_field(header, "In-Reply-To", &body) &&
        message_id_next(&body, id))
        put_id(id, out);
}

void
sort_text_write_ids(struct slice header, struct strbuf *out)
{
    struct strbuf id = strbuf_new(MESSAGE_ID_MAX);
    struct slice body;

    (void)strbuf_char(out, IDS_VERSION);
    if (find_field(header, "Message-ID", &body) && message_id_next(&body, &id))
        put_id(&id, out);
    else
        (void)strbuf_char(out, '\0');
    put_references(header, &id, out);
    strbuf_free(&id);
}

bool
sort_text_ids_begin(struct slice *text)
{
    if (text->len < 2 || text->ptr[0] != IDS_VERSION)
        return false;
    *text = slice_sub(*text, 1, text->len);
    return true;
}

bool
sort_text_ids_next(struct slice *text, struct slice *id)
{
    if (text->len == 0)
        return false;
    *id = slice_split(text, '\0');
    return true;
}
