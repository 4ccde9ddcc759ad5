/*
 * imapd/status_items.c - the items of STATUS: their names and values.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/status_items.h"

static uint64_t
get_messages(const struct status_values *v)
{
    return v->info.count;
}

static uint64_t
get_recent(const struct status_values *v)
{
    return v->info.recent;
}

static uint64_t
get_uidnext(const struct status_values *v)
{
    return v->info.uidnext;
}

static uint64_t
get_uidvalidity(const struct status_values *v)
{
    return v->info.uidvalidity;
}

static uint64_t
get_unseen(const struct status_values *v)
{
    return v->info.unseen;
}

static uint64_t
get_deleted(const struct status_values *v)
{
    return v->deleted;
}

static uint64_t
get_deleted_storage(const struct status_values *v)
{
    return v->deleted_bytes;
}

static uint64_t
get_highest_modseq(const struct status_values *v)
{
    return v->info.highest_modseq;
}

static uint64_t
get_size(const struct status_values *v)
{
    return v->info.bytes;
}

static uint64_t
get_append_limit(const struct status_values *v)
{
    return v->append_max < UINT32_MAX ? v->append_max : UINT32_MAX; /* number */
}

static const struct {
    const char *name;
    enum status_item item;
    uint64_t (*get)(const struct status_values *v); /* NULL: MAILBOXID, the one that is no number */
} items_known[] = {
    {"MESSAGES", STATUS_MESSAGES, get_messages},
    {"RECENT", STATUS_RECENT, get_recent},
    {"UIDNEXT", STATUS_UIDNEXT, get_uidnext},
    {"UIDVALIDITY", STATUS_UIDVALIDITY, get_uidvalidity},
    {"UNSEEN", STATUS_UNSEEN, get_unseen},
    {"HIGHESTMODSEQ", STATUS_HIGHESTMODSEQ, get_highest_modseq},
    {"SIZE", STATUS_SIZE, get_size},
    {"DELETED", STATUS_DELETED, get_deleted},
    {"DELETED-STORAGE", STATUS_DELETED_STORAGE, get_deleted_storage},
    {"APPENDLIMIT", STATUS_APPENDLIMIT, get_append_limit},
    {"MAILBOXID", STATUS_MAILBOXID, NULL},
};

static bool
parse_item(struct parser *p, unsigned *items)
{
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!parser_word(p, items_known[i].name))
            continue;
        *items |= items_known[i].item;
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

bool
status_items_count_deleted(unsigned items)
{
    return (items & (STATUS_DELETED | STATUS_DELETED_STORAGE)) != 0;
}

bool
status_items_want_modseq(unsigned items)
{
    return (items & STATUS_HIGHESTMODSEQ) != 0;
}

void
status_items_write(const struct status_values *values, unsigned items, struct strbuf *out)
{
    const char *separator = "";

    (void)strbuf_char(out, '(');
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!(items & items_known[i].item))
            continue;
        (void)strbuf_printf(out, "%s%s ", separator, items_known[i].name);
        if (items_known[i].get != NULL)
            (void)strbuf_u64(out, items_known[i].get(values));
        else
            (void)strbuf_printf(out, "(%s)", values->info.mailbox_id);
        separator = " ";
    }
    (void)strbuf_char(out, ')');
}
