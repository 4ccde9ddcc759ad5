/*
 * imapd/append_job.h - what APPEND and REPLACE share: messages from the client, or put together of
 * others, on their way into a folder.
 */
#ifndef POSTHORN_IMAPD_APPEND_JOB_H
#define POSTHORN_IMAPD_APPEND_JOB_H

#include "imapd/append_args.h"
#include "imapd/append_sink.h"
#include "imapd/append_text.h"
#include "imapd/places.h"

struct append_job {
    struct session *s;
    struct append_text text;
    struct slice folder;
    struct target target;          /* what it means */
    struct mailbox_append *append; /* NULL: not open */
    struct append_sink sink;       /* the message in progress */
    uint64_t bytes;                /* of the messages that are complete */
    uint32_t count;
};

/* Each returns how it went: REPLY_OK is "go on". What fails is answered after append_job_end. */

/* `p` stands behind the folder's name. */
struct reply append_job_begin(struct append_job *job, struct session *s, struct parser *p,
                              struct slice folder);
/* One message with its flags and date; the parser then stands behind it. */
struct reply append_job_message(struct append_job *job);
/* All of them become visible, and `uids` belongs to the caller. */
struct reply append_job_commit(struct append_job *job, struct mailbox_uids *uids);
/* A command that fails before append_job_begin, with `p` in its first line. */
struct reply append_job_refuse(struct session *s, struct parser *p, struct reply reply);
/* Gives back what is left and gives the tagged reply its last form: REPLY_SENT if the connection is
 * over. */
struct reply append_job_end(struct append_job *job, struct reply reply);

/* "APPENDUID validity uids". False: nothing, for it tells more of the target than the user may read
 * (RFC 4315 section 3). */
bool append_job_code(const struct append_job *job, const struct mailbox_uids *uids,
                     struct strbuf *out);

#endif
