/*
 * remote-deliver/outgoing.h - a message in the form in which one server gets it: with other
 * addresses in its header (queue.header_replace, groups shown by their members), converted for what
 * the server can take, then signed or sealed. The file in the queue stays as it is.
 */
#ifndef POSTHORN_REMOTE_DELIVER_OUTGOING_H
#define POSTHORN_REMOTE_DELIVER_OUTGOING_H

#include "lib/conf/sender_table.h"
#include "remote-deliver/scratch.h"
#include "remote-deliver/signing.h"

enum outgoing_form {
    OUTGOING_NONE, /* nothing was made yet */
    OUTGOING_AS_IT_IS,
    OUTGOING_8BIT, /* lines, for a server without BINARYMIME */
    OUTGOING_7BIT, /* lines of ASCII, for one without 8BITMIME either */
};

struct outgoing {
    const struct queue_job *job;
    int fd; /* the queue's file */
    struct signing *signer;
    const struct scratch *scratch;
    const struct sender_table *senders; /* who is shown as whom; NULL: everybody as they are */
    bool scratch_used;
    enum outgoing_form form;
    struct smtp_message message; /* to be sent; the sender is the job's */
    struct strbuf prepend;       /* what message.prepend borrows */
};

enum outgoing_result {
    OUTGOING_READY,
    OUTGOING_NEVER, /* this server cannot get it: *why */
    OUTGOING_LATER, /* no server can get it now: *why */
};

/* All is borrowed until outgoing_end. */
void outgoing_begin(struct outgoing *o, const struct queue_job *job, int fd, struct signing *signer,
                    const struct scratch *scratch, const struct sender_table *senders);
/* Makes o->message fit for the server at the other end of `client`. Whatever changes its bytes
 * happens before it is signed, and what was made for one server is made anew for another one that
 * takes more or less. */
enum outgoing_result outgoing_prepare(struct outgoing *o, const struct smtp_client *client,
                                      struct smtp_verdict *why);
void outgoing_end(struct outgoing *o);

#endif
