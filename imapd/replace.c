/*
 * imapd/replace.c - REPLACE: a new message in the place of an old one (RFC 8508).
 *
 * The new one is there before the old one goes; if that cannot go, the new one is taken back.
 */
#include <stdlib.h>

#include "imapd/append_job.h"
#include "imapd/command.h"
#include "imapd/notify.h"

/* seq-number: the message's number in the view. 0: there is none, or the parser has an error. */
static uint32_t
parse_message(struct session *s, struct parser *p, unsigned flags)
{
    uint32_t count = mailbox_count(s->mailbox), number;

    if (!parser_space(p) || (!(flags & COMMAND_UID) && !parser_numbers(p)))
        return 0;
    if (parser_optional(p, '*'))
        return count;
    if (!parser_nz_number(p, &number))
        return 0;
    if (flags & COMMAND_UID)
        return mailbox_seq_of_uid(s->mailbox, number);
    if (number > count)
        (void)parser_fail(p, "No such message");
    return number;
}

static struct reply
check(const struct session *s, uint32_t seq)
{
    if (s->read_only)
        return reply_no("NOPERM", "Mailbox is read-only");
    /* RFC 8508 section 4.1: what STORE and EXPUNGE take */
    if ((~s->rights & (RIGHT_DELETE_MESSAGE | RIGHT_EXPUNGE)) != 0)
        return reply_no("NOPERM", "You may not remove mail here");
    if (seq == 0)
        return reply_no("NONEXISTENT", "No such message");
    if (mailbox_is_expunged(s->mailbox, seq))
        return reply_no("EXPUNGEISSUED", "The message was expunged meanwhile");
    return (struct reply){.kind = REPLY_OK};
}

/* The old message stays, so the new one may not. */
static void
take_back(const struct target *target, const struct mailbox_uids *uids)
{
    struct mailbox *mb = mailbox_open(target->store, target->name, false, false);

    if (mb == NULL)
        return;
    (void)mailbox_remove(mb, uids->uids, uids->count); /* else there are two, and none is lost */
    mailbox_close(&mb);
}

static struct reply
exchange(struct append_job *job, uint32_t uid)
{
    struct session *s = job->s;
    struct mailbox_uids uids;
    struct reply reply = append_job_commit(job, &uids);

    if (reply.kind != REPLY_OK)
        return reply;
    if (mailbox_remove(s->mailbox, &uid, 1) < 0) {
        reply = reply_errno();
        take_back(&job->target, &uids);
    } else { /* ahead of the EXPUNGE (RFC 8508 section 4.3) */
        notify_arrived(s, job->folder, &uids);
        if (append_job_code(job, &uids, &s->code))
            (void)stream_printf(s->stream, "* OK [%s] Replacement message ready\r\n",
                                strbuf_cstr(&s->code)); /* an error sticks */
        reply = reply_ok("Replace completed");
    }
    free(uids.uids);
    return reply;
}

struct reply
replace_replace(struct session *s, struct parser *p, unsigned flags)
{
    uint32_t seq = parse_message(s, p, flags);
    struct append_job job;
    struct slice folder;
    struct reply reply;

    if (p->error != NULL || !parser_space(p) || !parser_mailbox(p, &folder))
        return append_job_refuse(s, p, reply_bad(p->error));
    reply = check(s, seq);
    if (reply.kind != REPLY_OK)
        return append_job_refuse(s, p, reply);
    reply = append_job_begin(&job, s, p, folder);
    if (reply.kind == REPLY_OK) {
        if (job.target.store == s->mailbox_store) /* else it makes no room there */
            mailbox_append_replaces(job.append, mailbox_message(s->mailbox, seq)->size);
        reply = append_job_message(&job);
    }
    if (reply.kind == REPLY_OK && !parser_end(p))
        reply = reply_bad(p->error);
    if (reply.kind == REPLY_OK)
        reply = exchange(&job, mailbox_message(s->mailbox, seq)->uid);
    return append_job_end(&job, reply);
}
