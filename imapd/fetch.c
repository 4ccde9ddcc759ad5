/*
 * imapd/fetch.c - FETCH: sends what was asked for, message by message.
 */
#include <errno.h>
#include <string.h>

#include "imapd/command.h"
#include "imapd/condstore.h"
#include "imapd/fetch_send.h"
#include "imapd/message_limit.h"
#include "imapd/qresync.h"
#include "imapd/updates.h"

/* Sets \Seen on what is to be read, all at once; told[i] where that changed something. A failure is
 * none of the reader's business. */
static void
set_seen(struct session *s, const struct selection *sel, bool *told)
{
    uint32_t *unseen = arena_alloc(&s->arena, sel->count * sizeof(*unseen)), count = 0;

    for (uint32_t i = 0; i < sel->count; i++) {
        told[i] = !(mailbox_message(s->mailbox, sel->seqs[i])->flags & MESSAGE_SEEN);
        if (told[i])
            unseen[count++] = sel->seqs[i];
    }
    if (count > 0 && mailbox_store_flags(s->mailbox, unseen, count, MAILBOX_FLAGS_ADD, MESSAGE_SEEN,
                                         0, 0, NULL, NULL) < 0)
        memset(told, 0, sel->count * sizeof(*told));
}

/* Only the part that is wanted (RFC 9394 section 3.3), and of it only what changed since (RFC 7162
 * section 3.1.4.1). */
static bool
choose(struct session *s, struct parser *p, struct fetch_args *args, unsigned flags,
       struct selection *sel)
{
    uint32_t kept = 0, from = 0, to;

    if (!selection_make(s, p, &args->set, flags, sel))
        return false;
    to = sel->count;
    if (args->has_partial)
        partial_range_apply(&args->partial, sel->count, &from, &to);
    for (uint32_t i = from; i < to; i++)
        if (!args->has_changed_since ||
            mailbox_message(s->mailbox, sel->seqs[i])->modseq > args->changed_since)
            sel->seqs[kept++] = sel->seqs[i];
    sel->count = kept;
    return true;
}

/* What left goes ahead of FETCH responses, and what the client was not told of yet ahead even of
 * that (RFC 7162 section 3.2.6). '*' is every UID that there was. 0, or -1 with errno. */
static int
send_vanished(struct session *s, const struct fetch_args *args)
{
    size_t size = args->set.count * sizeof(struct seqrange);
    struct seqset known = {.ranges = arena_alloc(&s->arena, size), .count = args->set.count};

    updates_send(s, UPDATES_EXPUNGE | UPDATES_UID);
    if (s->state != STATE_SELECTED) {
        errno = ENOENT;
        return -1;
    }
    memcpy(known.ranges, args->set.ranges, size);
    seqset_resolve(&known, UINT32_MAX);
    return qresync_send_vanished(s, args->changed_since, &known, 0);
}

/* Parses and prepares; false: *reply says why not. */
static bool
begin(struct session *s, struct parser *p, unsigned flags, struct fetch_args *args,
      struct selection *sel, struct reply *reply)
{
    bool is_uid = (flags & COMMAND_UID) != 0;

    *reply = reply_bad("This modifier is for UID FETCH, VANISHED after ENABLE QRESYNC");
    if (!fetch_args_parse(p, args) || ((args->vanished || args->has_partial) && !is_uid) ||
        (args->vanished && (s->enabled & ENABLED_QRESYNC) == 0))
        return false;
    if (args->has_partial && partial_range_len(&args->partial) > message_limit(s)) {
        *reply = message_limit_refuse(s, message_limit(s), 0); /* RFC 9738 section 3.1 */
        return false;
    }
    if (args->items & FETCH_MODSEQ)
        condstore_enable(s);
    if (is_uid && (s->enabled & ENABLED_UIDONLY) == 0)
        args->items |= FETCH_UID; /* RFC 3501 section 6.4.8 */
    if (args->vanished && send_vanished(s, args) < 0) {
        *reply = reply_errno();
        return false;
    }
    return choose(s, p, args, flags, sel);
}

/* What became of all messages together; `error` 0: all were sent. */
static struct reply
outcome(int error)
{
    if (error == 0)
        return reply_ok("Fetch completed");
    if (error == ENOENT) /* RFC 2180 section 4.1.2 */
        return reply_no("EXPUNGEISSUED", "Some messages were expunged meanwhile");
    if (error == ENOTSUP) /* RFC 3516 section 4.3 */
        return reply_no("UNKNOWN-CTE", "A part's transfer encoding is not known");
    errno = error;
    return reply_errno();
}

struct reply
fetch_fetch(struct session *s, struct parser *p, unsigned flags)
{
    struct fetch_args args;
    struct selection sel;
    struct reply reply;
    uint32_t lowest_uid;
    bool *told;
    int error = 0;

    if (!begin(s, p, flags, &args, &sel, &reply))
        return reply;
    lowest_uid = message_limit_cut(s, &sel);
    told = arena_alloc(&s->arena, sel.count * sizeof(*told));
    if (args.sets_seen && (s->rights & RIGHT_SEEN) != 0) /* RFC 4314 section 4 */
        set_seen(s, &sel, told);
    updates_send_keywords(s);
    for (uint32_t i = 0; i < sel.count; i++) {
        uint32_t at = message_limit_place(&sel, lowest_uid, i);
        /* \Seen set by a fetch: RFC 7162 section 3.2.4, RFC 9051 appendix E */
        unsigned unasked = told[at] ? FETCH_FLAGS | fetch_send_unasked(s) : 0;

        if (fetch_send(s, &args, sel.seqs[at], unasked) < 0 && (error == 0 || error == ENOENT))
            error = errno;
    }
    stats_add(s->server->counters.messages_fetched, sel.count);
    reply = outcome(error);
    if (error == ENOENT && lowest_uid != 0)
        reply.kind = REPLY_OK; /* RFC 9738 section 3.1: where both codes are due */
    return message_limit_reply(s, lowest_uid, reply);
}
