/*
 * imapd/flags.c - message flags and keywords between the client's words and the store's bits.
 *
 * Input:  the client's flag lists. Untrusted.
 */
#include "imapd/flags.h"

enum { LIST_MAX = 128 /* flags in one list; a folder has at most 5 + MAILBOX_KEYWORDS_MAX */ };

/* In the order in which they are written. */
static const struct {
    const char *name;
    uint32_t flag;
} system_flags[] = {
    {"Answered", MESSAGE_ANSWERED}, {"Flagged", MESSAGE_FLAGGED}, {"Deleted", MESSAGE_DELETED},
    {"Seen", MESSAGE_SEEN},         {"Draft", MESSAGE_DRAFT},
};

static bool
parse_system_flag(struct parser *p, struct flag_list *out)
{
    struct slice name;

    if (!parser_atom(p, &name))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(system_flags); i++) {
        if (!slice_eq_nocase(name, slice_of(system_flags[i].name)))
            continue;
        out->flags |= system_flags[i].flag;
        return true;
    }
    return parser_fail(p, "This system flag cannot be set");
}

static bool
parse_flag(struct parser *p, struct flag_list *out)
{
    struct slice name;

    if (parser_optional(p, '\\'))
        return parse_system_flag(p, out);
    if (!parser_atom(p, &name))
        return false;
    for (uint32_t i = 0; i < out->keyword_count; i++)
        if (slice_eq_nocase(name, out->keywords[i]))
            return true;
    if (out->keyword_count == LIST_MAX)
        return parser_fail(p, "Too many flags");
    out->keywords[out->keyword_count++] = name;
    return true;
}

static bool
parse_flags(struct parser *p, struct flag_list *out)
{
    do {
        if (!parse_flag(p, out))
            return false;
    } while (parser_optional(p, ' '));
    return true;
}

bool
flags_parse_list(struct parser *p, struct flag_list *out)
{
    *out = (struct flag_list){.keywords = arena_alloc(p->arena, LIST_MAX * sizeof(struct slice))};
    if (!parser_char(p, '('))
        return false;
    if (parser_optional(p, ')'))
        return true;
    return parse_flags(p, out) && parser_char(p, ')');
}

bool
flags_parse_store(struct parser *p, struct flag_list *out)
{
    if (parser_peek(p) == '(')
        return flags_parse_list(p, out);
    *out = (struct flag_list){.keywords = arena_alloc(p->arena, LIST_MAX * sizeof(struct slice))};
    return parse_flags(p, out);
}

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
    for (size_t i = 0; i < ARRAY_LEN(system_flags); i++)
        if (flags & system_flags[i].flag)
            put_separated(out, start, "\\", system_flags[i].name);
    for (unsigned bit = 0; keywords != 0; bit++, keywords >>= 1) {
        const char *name = keywords & 1 ? mailbox_keyword(mb, bit) : NULL;

        if (name != NULL)
            put_separated(out, start, "", name);
    }
    if (flags & MESSAGE_RECENT)
        put_separated(out, start, "\\", "Recent");
    (void)strbuf_char(out, ')');
}

void
flags_write_known(const struct mailbox *mb, bool star, bool deleted, struct strbuf *out)
{
    size_t start;

    (void)strbuf_char(out, '(');
    start = out->len;
    for (size_t i = 0; i < ARRAY_LEN(system_flags); i++)
        if (deleted || system_flags[i].flag != MESSAGE_DELETED)
            put_separated(out, start, "\\", system_flags[i].name);
    for (unsigned bit = 0; bit < MAILBOX_KEYWORDS_MAX; bit++)
        if (mailbox_keyword(mb, bit) != NULL)
            put_separated(out, start, "", mailbox_keyword(mb, bit));
    if (star)
        put_separated(out, start, "\\", "*");
    (void)strbuf_char(out, ')');
}
