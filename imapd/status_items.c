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

enum need {
    NEEDS_NOTHING,
    NEEDS_DELETED, /* the figure is kept nowhere: the folder is opened */
    NEEDS_MODSEQ   /* asking makes the client aware of MODSEQs */
};

static const struct {
    const char *name;
    uint64_t (*get)(const struct status_values *v); /* NULL: MAILBOXID, the one that is no number */
    enum need need;
} items_known[] = {
    {"MESSAGES", get_messages, NEEDS_NOTHING},
    {"RECENT", get_recent, NEEDS_NOTHING},
    {"UIDNEXT", get_uidnext, NEEDS_NOTHING},
    {"UIDVALIDITY", get_uidvalidity, NEEDS_NOTHING},
    {"UNSEEN", get_unseen, NEEDS_NOTHING},
    {"HIGHESTMODSEQ", get_highest_modseq, NEEDS_MODSEQ},     /* RFC 7162 section 3.1.7 */
    {"SIZE", get_size, NEEDS_NOTHING},                       /* RFC 8438 */
    {"DELETED", get_deleted, NEEDS_DELETED},                 /* RFC 9208 section 4.1.4 */
    {"DELETED-STORAGE", get_deleted_storage, NEEDS_DELETED}, /* RFC 9208 section 4.1.4 */
    {"APPENDLIMIT", get_append_limit, NEEDS_NOTHING},        /* RFC 7889 section 3 */
    {"MAILBOXID", NULL, NEEDS_NOTHING},                      /* RFC 8474 section 4.3 */
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

static bool
any_needs(unsigned items, enum need need)
{
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++)
        if ((items & 1u << i) != 0 && items_known[i].need == need)
            return true;
    return false;
}

bool
status_items_count_deleted(unsigned items)
{
    return any_needs(items, NEEDS_DELETED);
}

bool
status_items_want_modseq(unsigned items)
{
    return any_needs(items, NEEDS_MODSEQ);
}

void
status_items_write(const struct status_values *values, unsigned items, struct strbuf *out)
{
    const char *separator = "";

    (void)strbuf_char(out, '(');
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!(items & 1u << i))
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
