/*
 * imapd/select.c - SELECT, EXAMINE, CLOSE, UNSELECT.
 */
#include "imapd/command.h"
#include "imapd/flags.h"
#include "imapd/places.h"
#include "imapd/updates.h"

/* The untagged responses of RFC 3501 section 6.3.1. */
static void
describe(struct session *s)
{
    struct mailbox_info info;
    struct strbuf *out = &s->out;

    mailbox_get_info(s->mailbox, &info);
    (void)strbuf_str(out, "* FLAGS ");
    flags_write_known(s->mailbox, false, true, out);
    (void)strbuf_str(out, "\r\n* OK [PERMANENTFLAGS ");
    if (s->read_only)
        (void)strbuf_str(out, "()");
    else
        flags_write_known(s->mailbox, true, s->may_remove, out);
    (void)strbuf_printf(out, "] Flags permitted\r\n* %u EXISTS\r\n* %u RECENT\r\n", info.count,
                        info.recent);
    if (info.first_unseen_seq != 0)
        (void)strbuf_printf(out, "* OK [UNSEEN %u] First unseen\r\n", info.first_unseen_seq);
    (void)strbuf_printf(out,
                        "* OK [UIDVALIDITY %u] UIDs valid\r\n"
                        "* OK [UIDNEXT %u] Predicted next UID\r\n",
                        info.uidvalidity, info.uidnext);
    updates_put_out(s);
}

static struct reply
open_mailbox(struct session *s, struct parser *p, bool read_only)
{
    struct target target;
    struct slice name;

    if (!parser_space(p) || !parser_mailbox(p, &name) || !parser_end(p))
        return reply_bad(p->error);
    session_deselect(s); /* also when what follows fails (RFC 3501 section 6.3.1) */
    if (place_find(s, name, RIGHT_READ, &target) < 0)
        return reply_errno();
    read_only |= target.options->read_only;
    s->mailbox = mailbox_open(target.store, target.name, read_only, true);
    if (s->mailbox == NULL)
        return reply_errno();
    s->mailbox_store = target.store;
    s->read_only = read_only;
    s->may_remove = target.options->may_remove;
    s->state = STATE_SELECTED;
    describe(s);
    return (struct reply){REPLY_OK, read_only ? "READ-ONLY" : "READ-WRITE", "Completed"};
}

struct reply
select_select(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    return open_mailbox(s, p, false);
}

struct reply
select_examine(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    return open_mailbox(s, p, true);
}

struct reply
select_close(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    /* A failure takes nothing away from the client: the messages are there next time. */
    if (!s->read_only && s->may_remove)
        (void)mailbox_expunge(s->mailbox, NULL, 0);
    session_deselect(s);
    return reply_ok("Close completed");
}

struct reply
select_unselect(struct session *s, struct parser *p, unsigned flags)
{
    (void)flags;
    if (!parser_end(p))
        return reply_bad(p->error);
    session_deselect(s);
    return reply_ok("Unselect completed");
}
