/*
 * imapd/status_items.c - the items of STATUS: their names and values.
 *
 * Input:  command text. Untrusted.
 */
#include "imapd/status_items.h"

#include <inttypes.h>

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

static const struct {
    const char *name;
    uint64_t (*get)(const struct status_values *v);
    bool counts_deleted; /* the figure is kept nowhere: the folder is opened */
} items_known[] = {
    {"MESSAGES", get_messages, false},
    {"RECENT", get_recent, false},
    {"UIDNEXT", get_uidnext, false},
    {"UIDVALIDITY", get_uidvalidity, false},
    {"UNSEEN", get_unseen, false},
    {"DELETED", get_deleted, true},                 /* RFC 9208 section 4.1.4 */
    {"DELETED-STORAGE", get_deleted_storage, true}, /* RFC 9208 section 4.1.4 */
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

bool
status_items_count_deleted(unsigned items)
{
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++)
        if ((items & 1u << i) != 0 && items_known[i].counts_deleted)
            return true;
    return false;
}

void
status_items_write(const struct status_values *values, unsigned items, struct strbuf *out)
{
    const char *separator = "";

    (void)strbuf_char(out, '(');
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!(items & 1u << i))
            continue;
        (void)strbuf_printf(out, "%s%s %" PRIu64, separator, items_known[i].name,
                            items_known[i].get(values));
        separator = " ";
    }
    (void)strbuf_char(out, ')');
}
