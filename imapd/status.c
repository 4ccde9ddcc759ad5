/*
 * imapd/status.c - STATUS (RFC 3501 section 6.3.10).
 */
#include "imapd/status.h"

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/updates.h"

static uint32_t
get_messages(const struct mailbox_info *info)
{
    return info->count;
}

static uint32_t
get_recent(const struct mailbox_info *info)
{
    return info->recent;
}

static uint32_t
get_uidnext(const struct mailbox_info *info)
{
    return info->uidnext;
}

static uint32_t
get_uidvalidity(const struct mailbox_info *info)
{
    return info->uidvalidity;
}

static uint32_t
get_unseen(const struct mailbox_info *info)
{
    return info->unseen;
}

static const struct {
    const char *name;
    uint32_t (*get)(const struct mailbox_info *info);
} items_known[] = {
    {"MESSAGES", get_messages},       {"RECENT", get_recent}, {"UIDNEXT", get_uidnext},
    {"UIDVALIDITY", get_uidvalidity}, {"UNSEEN", get_unseen},
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
status_parse_items(struct parser *p, unsigned *items)
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

int
status_write(struct session *s, struct slice name, unsigned items, struct strbuf *out)
{
    struct store *store = session_store(s);
    struct mailbox_info info;
    const char *separator = "";

    if (store == NULL || mailbox_status(store, name, &info) < 0)
        return -1;
    (void)strbuf_str(out, "* STATUS ");
    mailbox_name_write(name, out);
    (void)strbuf_str(out, " (");
    for (size_t i = 0; i < ARRAY_LEN(items_known); i++) {
        if (!(items & 1u << i))
            continue;
        (void)strbuf_printf(out, "%s%s %u", separator, items_known[i].name,
                            items_known[i].get(&info));
        separator = " ";
    }
    (void)strbuf_str(out, ")\r\n");
    return 0;
}

struct reply
status_status(struct session *s, struct parser *p, unsigned flags)
{
    struct slice name;
    unsigned items;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !status_parse_items(p, &items) || !parser_end(p))
        return reply_bad(p->error);
    if (status_write(s, name, items, &s->out) < 0)
        return reply_errno();
    updates_put_out(s);
    return reply_ok("Status completed");
}
