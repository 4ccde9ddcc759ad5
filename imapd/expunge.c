/*
 * imapd/expunge.c - EXPUNGE and UID EXPUNGE (RFC 3501 section 6.4.3, RFC 4315 section 2.1).
 *
 * The EXPUNGE responses are those of an update; HIGHESTMODSEQ follows them (RFC 7162
 * section 3.2.7).
 */
#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/message_limit.h"
#include "imapd/updates.h"
#include "lib/ipc/authd_call.h"

/* The limit counts messages with \Deleted. Those that another session marks meanwhile go, too, if
 * there are no more than it allows. */
static uint32_t
choose(struct session *s, struct selection *sel)
{
    struct selection deleted = {arena_alloc(&s->arena, sel->count * sizeof(*sel->seqs)), 0};
    uint32_t lowest_uid;

    for (uint32_t i = 0; i < sel->count; i++)
        if ((mailbox_message(s->mailbox, sel->seqs[i])->flags & MESSAGE_DELETED) != 0)
            deleted.seqs[deleted.count++] = sel->seqs[i];
    lowest_uid = message_limit_cut(s, &deleted);
    if (lowest_uid != 0)
        *sel = deleted;
    return lowest_uid;
}

void
expunge_tell(const struct session *s)
{
    struct mailbox_removed removed = mailbox_removed(s->mailbox);

    authd_tell_removed(s->pool->auth, &(struct authd_removed){.folder = slice_of(s->mailbox_name),
                                                              .messages = removed.count,
                                                              .bytes = removed.bytes});
}

struct reply
expunge_expunge(struct session *s, struct parser *p, unsigned flags)
{
    bool is_uid = (flags & COMMAND_UID) != 0;
    struct selection sel = {.count = 0};
    uint32_t lowest_uid = 0;
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
    if (is_uid)
        lowest_uid = choose(s, &sel);
    if (mailbox_expunge(s->mailbox, is_uid ? selection_uids(s, &sel) : NULL, sel.count) < 0)
        return reply_errno();
    expunge_tell(s);
    updates_send(s, UPDATES_EXPUNGE | UPDATES_OWN | (is_uid ? UPDATES_UID : 0));
    return message_limit_reply(s, lowest_uid, condstore_reply_removed(s, "Expunge completed"));
}
