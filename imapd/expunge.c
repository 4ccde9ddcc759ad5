/*
 * imapd/expunge.c - EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315 section 2.1).
 *
 * The EXPUNGE responses are those of an update; HIGHESTMODSEQ follows them (RFC 7162
 * section 3.2.7).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/selection.h"
#include "imapd/updates.h"

struct reply
expunge_expunge(struct session *s, struct parser *p, unsigned flags)
{
    bool is_uid = (flags & COMMAND_UID) != 0;
    struct selection sel = {.count = 0};
    struct seqset set;

    if (is_uid && (!parser_space(p) || !seqset_parse(p, &set)))
        return reply_bad(p->error);
    if (!parser_end(p))
        return reply_bad(p->error);
    if (s->read_only)
        return reply_no("NOPERM", "Mailbox is read-only");
    if ((s->rights & RIGHT_EXPUNGE) == 0)
        return reply_no("NOPERM", "You may not remove mail here");
    if (is_uid && !selection_make(s, p, &set, flags, &sel))
        return reply_bad(p->error);
    if (is_uid && sel.count == 0)
        return reply_ok("Nothing to expunge");
    if (mailbox_expunge(s->mailbox, is_uid ? selection_uids(s, &sel) : NULL, sel.count) < 0)
        return reply_errno();
    updates_send(s, UPDATES_EXPUNGE | UPDATES_OWN | (is_uid ? UPDATES_UID : 0));
    return condstore_reply_removed(s, "Expunge completed");
}
