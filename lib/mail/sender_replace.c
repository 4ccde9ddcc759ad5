/*
 * lib/mail/sender_replace.c - other addresses for those in the sender fields that a reader sees.
 *
 * Input:  the header section of a message. Untrusted: the sender wrote it. Addresses are found as
 *         mailbox displays find them, so what a reader would see is what is compared.
 */
#include "lib/mail/sender_replace.h"

#include "lib/mail/address_list.h"
#include "lib/mail/mime.h"

static bool
is_sender_field(struct slice name)
{
    return slice_eq_nocase(name, SLICE("From")) || slice_eq_nocase(name, SLICE("Sender")) ||
           slice_eq_nocase(name, SLICE("Reply-To"));
}

bool
sender_replace(struct slice header, const struct sender_rules *rules, struct strbuf *out)
{
    struct slice left = header;
    struct header_field field;
    size_t done = 0;

    while (mime_field_next(&left, &field)) {
        struct address_list list;
        struct address_entry entry;
        struct slice with;

        if (!is_sender_field(field.name))
            continue;
        list = address_list_begin(field.body);
        while (address_list_next(&list, &entry)) {
            if (entry.written.len == 0 ||
                !rules->find(rules->arg, entry.local, entry.domain, &with))
                continue;
            (void)strbuf_append(/* overflow is remembered */
                                out,
                                slice_sub(header, done, (size_t)(entry.written.ptr - header.ptr)));
            (void)strbuf_append(out, with);
            done = (size_t)(entry.written.ptr - header.ptr) + entry.written.len;
        }
        address_list_end(&list);
    }
    if (done == 0)
        return false;
    (void)strbuf_append(out, slice_sub(header, done, header.len));
    return true;
}
