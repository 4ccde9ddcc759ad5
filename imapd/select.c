/*
 * imapd/select.c - SELECT, EXAMINE, CLOSE, UNSELECT.
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/flags.h"
#include "imapd/list.h"
#include "imapd/places.h"
#include "imapd/qresync.h"
#include "imapd/select_args.h"
#include "imapd/updates.h"
#include "imapd/url_news.h"
#include "lib/base/mem.h"

/* The untagged responses of RFC 3501 section 6.3.1, or of RFC 9051 section 6.3.2, which adds LIST.
 */
static void
describe(struct session *s)
{
    bool is_rev2 = (s->enabled & ENABLED_REV2) != 0;
    struct mailbox_info info;
    struct strbuf *out = &s->out;

    mailbox_get_info(s->mailbox, &info);
    (void)strbuf_str(out, "* FLAGS ");
    flags_write_known(s->mailbox, out);
    (void)strbuf_str(out, "\r\n* OK [PERMANENTFLAGS ");
    flags_write_permanent(s->mailbox, s->rights, out);
    (void)strbuf_printf(out, "] Flags permitted\r\n* %u EXISTS\r\n", info.count);
    if (!is_rev2)
        (void)strbuf_printf(out, "* %u RECENT\r\n", info.recent);
    if (!is_rev2 && info.first_unseen_seq != 0 && (s->enabled & ENABLED_UIDONLY) == 0)
        (void)strbuf_printf(out, "* OK [UNSEEN %u] First unseen\r\n", info.first_unseen_seq);
    (void)strbuf_printf(out,
                        "* OK [UIDVALIDITY %u] UIDs valid\r\n"
                        "* OK [UIDNEXT %u] Predicted next UID\r\n"
                        "* OK [HIGHESTMODSEQ %llu] Highest\r\n"
                        "* OK [MAILBOXID (%s)] Object id\r\n",
                        info.uidvalidity, info.uidnext, (unsigned long long)info.highest_modseq,
                        info.mailbox_id);
    if (s->mailbox_store == s->store) /* RFC 4467 section 8; others' folders have no keys here */
        (void)strbuf_str(out, "* OK [URLMECH INTERNAL] URLs can be authorized\r\n");
    url_news_begin(s);
    updates_put_out(s);
}

/* The mailbox that was selected goes, also when what follows fails (RFC 3501 section 6.3.1). */
static void
leave_selected(struct session *s)
{
    if (s->mailbox == NULL)
        return;
    session_deselect(s);
    (void)stream_write(s->stream, SLICE("* OK [CLOSED] Previous mailbox closed\r\n")); /* sticks */
}

static struct reply
close_with_errno(struct session *s)
{
    struct reply reply = reply_errno();

    session_deselect(s);
    return reply;
}

static struct reply
open_mailbox(struct session *s, struct parser *p, bool read_only)
{
    struct target target;
    struct select_args args;

    if (!select_args_parse(p, &args))
        return reply_bad(p->error);
    if (args.qresync && (s->enabled & ENABLED_QRESYNC) == 0)
        return reply_bad("ENABLE QRESYNC comes first"); /* RFC 7162 section 3.2.5 */
    leave_selected(s);
    if (args.condstore)
        condstore_enable(s);
    if (place_find(s, args.mailbox, RIGHT_READ, &target) < 0)
        return reply_errno_of(args.mailbox);
    if (read_only)
        target.rights = place_rights_examined(target.rights);
    read_only = (target.rights & RIGHTS_ON_MESSAGES) == 0; /* RFC 4314 section 5.2 */
    s->mailbox =
        mailbox_open(target.store, target.name, read_only, (s->enabled & ENABLED_REV2) == 0);
    if (s->mailbox == NULL)
        return reply_errno_of(args.mailbox);
    s->mailbox_store = target.store;
    s->mailbox_name = xslicedup(args.mailbox);
    s->read_only = read_only;
    s->rights = target.rights;
    s->state = STATE_SELECTED;
    if (!s->has_read)
        stats_add(s->server->counters.sessions_reading, 1);
    s->has_read = true;
    describe(s);
    if ((s->enabled & ENABLED_REV2) != 0 && list_send_selected(s, args.mailbox, args.written) < 0)
        return close_with_errno(s);
    if (args.qresync && qresync_send_missed(s, &args) < 0)
        return close_with_errno(s);
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
    /* A failure takes nothing away from the client: the messages are there next time. Without the
     * right there is no failure (RFC 4314 section 4). */
    if ((s->rights & RIGHT_EXPUNGE) != 0 && mailbox_expunge(s->mailbox, NULL, 0) == 0)
        expunge_tell(s);
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
