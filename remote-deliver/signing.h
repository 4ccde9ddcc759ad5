/*
 * remote-deliver/signing.h - has keyd sign what began here, and seal what is sent on.
 */
#ifndef POSTHORN_REMOTE_DELIVER_SIGNING_H
#define POSTHORN_REMOTE_DELIVER_SIGNING_H

#include "lib/ipc/keyd.h"
#include "lib/ipc/queue_manager.h"
#include "lib/remote/remote_settings.h"
#include "lib/smtp/smtp_send.h"

struct signing; /* what one worker has for all its jobs */

/* Both are borrowed. It is there as long as the process. */
struct signing *signing_new(int run_dirfd, const struct signing_settings *settings);

enum signing_result {
    SIGNING_UNTRIED, /* (never returned) */
    SIGNING_GO,      /* send it, with the fields if there are any */
    SIGNING_WAIT,    /* later: *why says so */
};

/* Appends to `fields` the DKIM-Signature fields for `message` as it is: its bytes must not change
 * afterwards, and the fields stand before its prepend. Foreign mail gets none. */
enum signing_result signing_make(struct signing *signing, const struct queue_job *job,
                                 const struct smtp_message *message, struct strbuf *fields,
                                 struct smtp_verdict *why);

/* Appends to `fields` an ARC set for foreign mail that is sent on: over `message`, about the chain
 * of `arrived`, the same message as it came. It needs no seal to send mail on: without one it goes
 * as it is. */
void signing_seal(struct signing *signing, const struct queue_job *job,
                  const struct smtp_message *arrived, const struct smtp_message *message,
                  struct strbuf *fields);

#endif
