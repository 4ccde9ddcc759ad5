/*
 * imapd/status_items.c - the items of STATUS: their names and values.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/status_items.h"

static uint64_t
get_messages(const struct mailbox_info *info)
{
    return info->count;
}

static uint64_t
get_recent(const struct mailbox_info *info)
{
    return info->recent;
}

static uint64_t
get_uidnext(const struct mailbox_info *info)
{
    return info->uidnext;
}

static uint64_t
get_uidvalidity(const struct mailbox_info *info)
{
    return info->uidvalidity;
}

static uint64_t
get_unseen(const struct mailbox_info *info)
{
    return info->unseen;
}

static uint64_t
get_highest_modseq(const struct mailbox_info *info)
{
    return info->highest_modseq;
}

static const struct {
    const char *name;
    uint64_t (*get)(const struct mailbox_info *info);
} items_known[] = {
    {"MESSAGES", get_messages},
    {"RECENT", get_recent},
    {"UIDNEXT", get_uidnext},
    {"UIDVALIDITY", get_uidvalidity},
    {"UNSEEN", get_unseen},
    [STATUS_ITEM_HIGHESTMODSEQ] = {"HIGHESTMODSEQ", get_highest_modseq}, /* RFC 7162 */
};

static bool
parse_item(struct parser *p, unsigned *items)
{
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!parser_word(p, items_known[i].name))
            continue;
        *items |= 1u << i;
        return true;
    }
    return parser_fail(p, "Unknown status item");
}

bool
status_items_parse(struct parser *p, unsigned *items)
{
    *items = 0;
    if (!parser_char(p, '('))
        return false;
    do {
        if (!parse_item(p, items))
            return false;
    } while (parser_optional(p, ' '));
    return parser_char(p, ')');
}

void
status_items_write(const struct mailbox_info *info, unsigned items, struct strbuf *out)
{
    const char *separator = "";

    (void)strbuf_char(out, '(');
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!(items & 1u << i))
            continue;
        (void)strbuf_printf(out, "%s%s %llu", separator, items_known[i].name,
                            (unsigned long long)items_known[i].get(info));
        separator = " ";
    }
    (void)strbuf_char(out, ')');
}
