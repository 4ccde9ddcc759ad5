/*
 * imapd/append.c - APPEND: one or more messages into a folder, all or none (RFC 3501
 * section 6.3.11, RFC 3502).
 */
#include <stdlib.h>

#include "imapd/append_job.h"
#include "imapd/command.h"
#include "imapd/notify.h"

static struct reply
run(struct append_job *job, struct parser *p)
{
    struct mailbox_uids uids = {.uids = NULL};
    struct session *s = job->s;
    struct reply reply;

    do {
        reply = append_job_message(job);
    } while (reply.kind == REPLY_OK && p->rest.len > 0);
    if (reply.kind == REPLY_OK)
        reply = append_job_commit(job, &uids);
    if (reply.kind != REPLY_OK)
        return reply;
    notify_arrived(s, job->folder, &uids);
    if (!append_job_code(job, &uids, &s->code))
        reply = reply_ok("Append completed");
    else
        reply = (struct reply){REPLY_OK, strbuf_cstr(&s->code), "Append completed"};
    free(uids.uids);
    return reply;
}

struct reply
append_append(struct session *s, struct parser *p, unsigned flags)
{
    struct append_job job;
    struct slice folder;
    struct reply reply;

    (void)flags;
    if (!parser_space(p) || !parser_mailbox(p, &folder))
        return reply_bad(p->error);
    reply = append_job_begin(&job, s, p, folder);
    if (reply.kind == REPLY_OK)
        reply = run(&job, p);
    return append_job_end(&job, reply);
}
