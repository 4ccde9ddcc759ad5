/*
 * lib/mail/recipient_replace.c - members' addresses in place of their group's in To and Cc.
 *
 * Input:  the header section of a message. Untrusted: the sender wrote it. Addresses are found as
 *         mailbox displays find them. The groups come from the account base.
 */
#include "lib/mail/recipient_replace.h"

#include "lib/mail/address.h"
#include "lib/mail/address_list.h"
#include "lib/mail/mime.h"

struct group {
    struct slice local, domain; /* `local` as it is written */
    struct slice members;       /* a line for each */
    bool is_shown;
};

struct groups {
    struct group list[RECIPIENT_GROUPS_MAX];
    size_t count;
};

static struct groups
read_groups(struct slice text)
{
    struct groups groups = {.count = 0};

    while (text.len > 0 && groups.count < RECIPIENT_GROUPS_MAX) {
        struct slice address = slice_split(&text, '\n'), from = text;
        size_t at = slice_rindex(address, '@');

        while (slice_split(&text, '\n').len > 0)
            ;
        if (at < address.len && from.len > 0 && from.ptr[0] != '\n')
            groups.list[groups.count++] =
                (struct group){.local = slice_sub(address, 0, at),
                               .domain = slice_sub(address, at + 1, address.len),
                               .members = slice_sub(from, 0, from.len - text.len)};
    }
    return groups;
}

/* The one that the mailbox is, unless it has been shown already. */
static struct group *
find_group(struct groups *groups, const struct address_entry *entry)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct group *g = &groups->list[i];

        if (!g->is_shown && slice_eq_nocase(g->local, entry->local) &&
            slice_eq_nocase(g->domain, entry->domain))
            return g;
    }
    return NULL;
}

/* One address a line: a line has 998 characters at most (RFC 5322 section 2.1.1). */
static void
write_members(struct slice members, struct strbuf *out)
{
    for (struct slice member = slice_split(&members, '\n'); member.len > 0;
         member = slice_split(&members, '\n')) {
        (void)strbuf_append(out, member); /* overflow is remembered */
        if (members.len > 0 && members.ptr[0] != '\n')
            (void)strbuf_str(out, ",\r\n\t");
    }
}

static bool
is_recipient_field(struct slice name)
{
    return slice_eq_nocase(name, SLICE("To")) || slice_eq_nocase(name, SLICE("Cc"));
}

bool
recipient_replace(struct slice header, struct slice text, struct strbuf *out)
{
    struct groups groups = read_groups(text);
    struct slice left = header;
    struct header_field field;
    size_t done = 0;

    while (groups.count > 0 && mime_field_next(&left, &field)) {
        struct address_list list;
        struct address_entry entry;

        if (!is_recipient_field(field.name))
            continue;
        list = address_list_begin(field.body);
        while (address_list_next(&list, &entry)) {
            struct group *g = entry.written.len > 0 ? find_group(&groups, &entry) : NULL;
            size_t at;

            if (g == NULL)
                continue;
            at = (size_t)(entry.whole.ptr - header.ptr);
            (void)strbuf_append(out, slice_sub(header, done, at)); /* overflow is remembered */
            write_members(g->members, out);
            g->is_shown = true;
            done = at + entry.whole.len;
        }
        address_list_end(&list);
    }
    if (done == 0)
        return false;
    (void)strbuf_append(out, slice_sub(header, done, header.len));
    return true;
}
