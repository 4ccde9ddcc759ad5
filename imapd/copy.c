/*
 * imapd/copy.c - COPY and MOVE (RFC 3501 section 6.4.7, RFC 6851), with COPYUID (RFC 4315).
 */
#include <errno.h>
#include <stdlib.h>

#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/copy_across.h"
#include "imapd/message_limit.h"
#include "imapd/notify.h"
#include "imapd/room.h"
#include "imapd/selection.h"
#include "imapd/updates.h"

/* ENOENT means the folder, or messages that another session has expunged (RFC 2180 section 4.4). */
static struct reply
reply_copy_errno(const struct target *to)
{
    struct mailbox_info info;

    if (errno != ENOENT)
        return reply_errno();
    if (to->store != NULL && mailbox_status(to->store, to->name, &info) == 0)
        return reply_no("EXPUNGEISSUED", "Some messages were expunged meanwhile");
    return reply_no("TRYCREATE", "No such mailbox");
}

/* "COPYUID validity sources destinations" into s->code; it stays empty if it would be too long. */
static void
make_code(struct session *s, const uint32_t *sources, uint32_t count,
          const struct mailbox_uids *copies)
{
    (void)strbuf_printf(&s->code, "COPYUID %u ", copies->uidvalidity);
    seqset_write(sources, count, &s->code);
    (void)strbuf_char(&s->code, ' ');
    seqset_write(copies->uids, copies->count, &s->code);
    if (s->code.overflow)
        strbuf_clear(&s->code);
}

static struct reply
copy(struct session *s, const struct selection *sel, struct slice folder, unsigned flags, bool move)
{
    const uint32_t *sources = selection_uids(s, sel);
    bool is_uid = (flags & COMMAND_UID) != 0;
    struct mailbox_uids copies = {.uids = NULL};
    struct target to;
    int rc = place_find(s, folder, RIGHT_INSERT, &to);

    /* A move within one store takes no room, and into the trash it is how room is made. */
    if (rc == 0 && (!move || to.store != s->mailbox_store)) {
        struct reply reply = room_check(s, &to);

        if (reply.kind != REPLY_OK)
            return reply;
    }
    if (rc == 0 && to.store != s->mailbox_store) {
        updates_send(s, UPDATES_OWN | (is_uid ? UPDATES_UID : 0)); /* flags as they are now */
        rc = copy_across(s->mailbox, sel->seqs, sel->count, &to, move, &copies);
    } else if (rc == 0)
        rc = mailbox_copy(s->mailbox, sel->seqs, sel->count, to.name, move, &copies);
    if (rc < 0)
        return reply_copy_errno(&to);
    if ((to.rights & RIGHT_READ) != 0) /* else it would tell too much (RFC 4315 section 3) */
        make_code(s, sources, sel->count, &copies);
    notify_arrived(s, folder, &copies);
    free(copies.uids);
    if (!move)
        return (struct reply){REPLY_OK, s->code.len > 0 ? strbuf_cstr(&s->code) : NULL,
                              "Copy completed"};
    if (s->code.len > 0) { /* ahead of the EXPUNGE responses (RFC 6851 section 4.3) */
        (void)stream_write(s->stream, SLICE("* OK ["));
        (void)stream_write(s->stream, strbuf_slice(&s->code));
        (void)stream_write(s->stream, SLICE("] Moved\r\n")); /* an error sticks */
    }
    updates_send(s, UPDATES_EXPUNGE | UPDATES_OWN | (is_uid ? UPDATES_UID : 0));
    return condstore_reply_removed(s, "Move completed");
}

static struct reply
run(struct session *s, struct parser *p, unsigned flags, bool move)
{
    uint32_t limit = message_limit_save(s), lowest_uid = 0;
    struct selection sel;
    struct seqset set;
    struct slice folder;
    struct reply reply;

    if (!parser_space(p) || !seqset_parse(p, &set) || !parser_space(p) ||
        !parser_mailbox(p, &folder) || !parser_end(p) || !selection_make(s, p, &set, flags, &sel))
        return reply_bad(p->error);
    if (move && s->read_only)
        return reply_no("NOPERM", "Mailbox is read-only");
    /* RFC 6851 section 4.2: what STORE and EXPUNGE take */
    if (move && (~s->rights & (RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE)) != 0)
        return reply_no("NOPERM", "You may not remove mail here");
    if (sel.count == 0)
        return reply_ok("No matching messages, so nothing copied");
    if (move)
        lowest_uid = message_limit_cut(s, &sel);
    else if (sel.count > limit) /* COPY is atomic */
        return message_limit_refuse(s, limit,
                                    mailbox_message(s->mailbox, sel.seqs[sel.count - limit])->uid);
    reply = copy(s, &sel, folder, flags, move);
    return reply.kind == REPLY_OK ? message_limit_reply(s, lowest_uid, reply) : reply;
}

struct reply
copy_copy(struct session *s, struct parser *p, unsigned flags)
{
    return run(s, p, flags, false);
}

struct reply
copy_move(struct session *s, struct parser *p, unsigned flags)
{
    return run(s, p, flags, true);
}
