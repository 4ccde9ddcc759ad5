/*
 * local-deliver/auto_reply.h - answers mail for users who are away (DIR-34, RFC 3834).
 */
#ifndef POSTHORN_LOCAL_DELIVER_AUTO_REPLY_H
#define POSTHORN_LOCAL_DELIVER_AUTO_REPLY_H

#include "lib/ipc/queue_manager.h"
#include "lib/mail/template.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

#define AUTO_REPLIES_MAX 100 /* of one batch: more are not sent */

struct ipc_client;

struct auto_replies {
    struct template_text wording; /* for users without a text of their own */
    const char *hostname;         /* borrowed from the configuration */
    int64_t period_ms;
    _Atomic uint64_t *sent;
};

/* Reads the template: before the sandbox. */
void auto_replies_load(struct auto_replies *a, const struct daemon *d);

/* One message that lies in a mailbox now. */
struct auto_reply_case {
    const struct queue_job *job;
    const struct queue_job_rcpt *rcpt;
    int fd; /* the message's file */
};
/* Appends a QUEUE_REPLY frame to `frames` if the mail is one to answer. False: accountd was asked
 * and did not answer, so that the batch asks it no more. Once for each correspondent and period:
 * who dies after the frame was sent, and before queue-manager has taken the result, has the reply
 * made again, and queue-manager knows it. */
bool auto_reply_consider(const struct auto_replies *a, const struct store_dirs *dirs,
                         struct ipc_client *accounts, const struct auto_reply_case *c,
                         struct strbuf *frames);

#endif
