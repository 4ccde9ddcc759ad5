/*
 * lib/mail/imap_envelope.c - the ENVELOPE of a message.
 *
 * Input:  a header section. Untrusted: the sender wrote it. Of a text field that occurs twice the
 *         first counts; address fields are taken together (RFC 7103 section 7.5.1).
 */
#include "lib/mail/imap_envelope.h"

#include "lib/mail/address_list.h"
#include "lib/mail/imap_string.h"
#include "lib/mail/mime.h"

enum { FIELDS_MAX = 64 /* occurrences of one address field that are looked at */ };

enum envelope_field { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID };

/* In the order of the response. */
static const struct {
    const char *name;
    bool is_address;
} fields[] = {
    [DATE] = {"Date", false},
    [SUBJECT] = {"Subject", false},
    [FROM] = {"From", true},
    [SENDER] = {"Sender", true},
    [REPLY_TO] = {"Reply-To", true},
    [TO] = {"To", true},
    [CC] = {"Cc", true},
    [BCC] = {"Bcc", true},
    [IN_REPLY_TO] = {"In-Reply-To", false},
    [MESSAGE_ID] = {"Message-ID", false},
};

struct occurrence {
    enum envelope_field field;
    struct slice body;
};

struct found {
    struct occurrence at[FIELDS_MAX];
    size_t count;
};

static void
collect(struct slice header, struct found *found)
{
    struct header_field field;

    while (found->count < FIELDS_MAX && mime_field_next(&header, &field)) {
        for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
            if ((field.name.ptr[0] | 0x20) != (fields[i].name[0] | 0x20) ||
                !slice_eq_nocase(field.name, slice_of(fields[i].name)))
                continue;
            found->at[found->count++] = (struct occurrence){(enum envelope_field)i, field.body};
            break;
        }
    }
}

static void
put_nstring(struct slice text, struct strbuf *out)
{
    if (text.len == 0)
        (void)strbuf_str(out, "NIL");
    else
        imap_string(text, out);
}

static void
put_address(const struct address_entry *a, struct strbuf *out)
{
    (void)strbuf_char(out, '(');
    switch (a->kind) {
    case ADDRESS_GROUP_START:
        (void)strbuf_str(out, "NIL NIL ");
        imap_string(a->name, out);
        (void)strbuf_str(out, " NIL");
        break;
    case ADDRESS_GROUP_END:
        (void)strbuf_str(out, "NIL NIL NIL NIL");
        break;
    case ADDRESS_MAILBOX:
        put_nstring(a->name, out);
        (void)strbuf_char(out, ' ');
        put_nstring(a->route, out);
        (void)strbuf_char(out, ' ');
        imap_string(a->local, out); /* NIL here or below would mean a group */
        (void)strbuf_char(out, ' ');
        imap_string(a->domain, out);
        break;
    }
    (void)strbuf_char(out, ')');
}

/* Writes the addresses of all fields of that kind. False, and nothing written: there are none. */
static bool
put_addresses(const struct found *found, enum envelope_field which, struct strbuf *out)
{
    bool any = false;

    for (size_t i = 0; i < found->count; i++) {
        struct address_list list;
        struct address_entry entry;

        if (found->at[i].field != which)
            continue;
        list = address_list_begin(found->at[i].body);
        while (address_list_next(&list, &entry)) {
            if (!any)
                (void)strbuf_char(out, '(');
            any = true;
            put_address(&entry, out);
        }
        address_list_end(&list);
    }
    if (any)
        (void)strbuf_char(out, ')');
    return any;
}

static void
put_text(const struct found *found, enum envelope_field which, struct strbuf *out)
{
    for (size_t i = 0; i < found->count; i++) {
        if (found->at[i].field != which)
            continue;
        imap_string_unfolded(found->at[i].body, out);
        return;
    }
    (void)strbuf_str(out, "NIL");
}

void
imap_envelope(struct slice header, struct strbuf *out)
{
    struct found found = {.count = 0};

    collect(header, &found);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        (void)strbuf_char(out, i == 0 ? '(' : ' ');
        if (!fields[i].is_address) {
            put_text(&found, (enum envelope_field)i, out);
            continue;
        }
        if (put_addresses(&found, (enum envelope_field)i, out))
            continue;
        /* Sender and Reply-To default to From (RFC 3501 section 7.4.2) */
        if ((i != SENDER && i != REPLY_TO) || !put_addresses(&found, FROM, out))
            (void)strbuf_str(out, "NIL");
    }
    (void)strbuf_char(out, ')');
}
