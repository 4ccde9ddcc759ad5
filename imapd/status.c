/*
 * imapd/status.c - STATUS (RFC 3501 section 6.3.10).
 */
#include "imapd/status.h"

#include "imapd/command.h"
#include "imapd/mailbox_name.h"
#include "imapd/status_items.h"
#include "imapd/updates.h"

int
status_write(struct session *s, struct slice name, unsigned items, struct strbuf *out)
{
    struct store *store = session_store(s);
    struct mailbox_info info;

    if (store == NULL || mailbox_status(store, name, &info) < 0)
        return -1;
    (void)strbuf_str(out, "* STATUS ");
    mailbox_name_write(name, out);
    (void)strbuf_char(out, ' ');
    status_items_write(&info, items, out);
    (void)strbuf_str(out, "\r\n");
    return 0;
}

struct reply
status_status(struct session *s, struct parser *p, unsigned flags)
{
    struct slice name;
    unsigned items;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_space(p) ||
        !status_items_parse(p, &items) || !parser_end(p))
        return reply_bad(p->error);
    if (status_write(s, name, items, &s->out) < 0)
        return reply_errno_of(name);
    updates_put_out(s);
    return reply_ok("Status completed");
}
