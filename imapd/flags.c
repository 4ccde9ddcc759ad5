/*
 * imapd/flags.c - message flags and keywords between words and the store's bits.
 */
#include "imapd/flags.h"

#include "imapd/places.h"

bool
flags_keyword_bits(struct mailbox *mb, const struct flag_list *list, bool make, uint64_t *bits)
{
    *bits = 0;
    for (uint32_t i = 0; i < list->keyword_count; i++) {
        int bit = mailbox_keyword_bit(mb, list->keywords[i], make);

        if (bit < 0 && make)
            return false;
        if (bit >= 0)
            *bits |= UINT64_C(1) << bit;
    }
    return true;
}

static void
put_separated(struct strbuf *out, size_t start, const char *prefix, const char *name)
{
    if (out->len > start)
        (void)strbuf_char(out, ' ');
    (void)strbuf_str(out, prefix);
    (void)strbuf_str(out, name);
}

void
flags_write(const struct mailbox *mb, uint32_t flags, uint64_t keywords, struct strbuf *out)
{
    size_t start;

    (void)strbuf_char(out, '(');
    start = out->len;
    for (size_t i = 0; i < FLAG_LIST_SYSTEM_COUNT; i++)
        if (flags & flag_list_system[i].flag)
            put_separated(out, start, "\\", flag_list_system[i].name);
    for (unsigned bit = 0; keywords != 0; bit++, keywords >>= 1) {
        const char *name = keywords & 1 ? mailbox_keyword(mb, bit) : NULL;

        if (name != NULL)
            put_separated(out, start, "", name);
    }
    if (flags & MESSAGE_RECENT)
        put_separated(out, start, "\\", "Recent");
    (void)strbuf_char(out, ')');
}

static void
write_some(const struct mailbox *mb, uint32_t flags, bool star, struct strbuf *out)
{
    bool has_room = false;
    size_t start;

    (void)strbuf_char(out, '(');
    start = out->len;
    for (size_t i = 0; i < FLAG_LIST_SYSTEM_COUNT; i++)
        if ((flags & flag_list_system[i].flag) != 0)
            put_separated(out, start, "\\", flag_list_system[i].name);
    for (unsigned bit = 0; (flags & MESSAGE_KEYWORDS) != 0 && bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (mailbox_keyword(mb, bit) != NULL)
            put_separated(out, start, "", mailbox_keyword(mb, bit));
        else
            has_room = true;
    if (star && has_room)
        put_separated(out, start, "\\", "*");
    (void)strbuf_char(out, ')');
}

void
flags_write_known(const struct mailbox *mb, struct strbuf *out)
{
    write_some(mb, UINT32_MAX, false, out);
}

void
flags_write_permanent(const struct mailbox *mb, uint32_t rights, struct strbuf *out)
{
    write_some(mb, place_flags_allowed(rights, UINT32_MAX), true, out);
}
