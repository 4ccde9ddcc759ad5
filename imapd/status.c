/*
 * imapd/status.c - STATUS (RFC 3501 section 6.3.10 and its extensions).
 */
#include "imapd/status.h"

#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/mailbox_name.h"
#include "imapd/places.h"
#include "imapd/status_items.h"
#include "imapd/updates.h"

static int
count_deleted(struct store *store, struct slice name, struct status_values *v)
{
    struct mailbox *mb = mailbox_open(store, name, true, false);

    if (mb == NULL)
        return -1;
    for (uint32_t seq = 1; seq <= mailbox_count(mb); seq++) {
        const struct message *m = mailbox_message(mb, seq);

        v->deleted += (m->flags & MESSAGE_DELETED) != 0;
        v->deleted_bytes += (m->flags & MESSAGE_DELETED) != 0 ? m->size : 0;
    }
    mailbox_close(&mb);
    return 0;
}

int
status_write(struct session *s, struct slice name, unsigned items, struct strbuf *out)
{
    struct status_values values = {.append_max = s->server->settings.append_max};
    struct target t;

    if (status_items_want_modseq(items))
        condstore_enable(s); /* RFC 7162 section 3.1 */
    if (place_find(s, name, RIGHT_READ, &t) < 0 ||
        mailbox_status(t.store, t.name, &values.info) < 0 ||
        (status_items_count_deleted(items) && count_deleted(t.store, t.name, &values) < 0))
        return -1;
    (void)strbuf_str(out, "* STATUS ");
    mailbox_name_write(name, session_takes_utf8(s), out);
    (void)strbuf_char(out, ' ');
    status_items_write(&values, items, out);
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
