/*
 * smtpd/message_log.h - what the log says of a message: that it came, or why not. The lines have
 * all that the decisions about its envelope went by, for `posthorn config try`.
 */
#ifndef POSTHORN_SMTPD_MESSAGE_LOG_H
#define POSTHORN_SMTPD_MESSAGE_LOG_H

#include "smtpd/session.h"

/* The Message-ID of a header section, the caller's to free; NULL: it has none that is one. */
char *message_log_id(struct slice section);

struct message_log_facts {
    const char *queue_id;
    const char *protocol;   /* "ESMTPS" */
    const char *message_id; /* or NULL */
    uint64_t size;          /* octets that came */
};
/* The envelope is that of the session. Recipients that have no room in the line get lines of their
 * own behind it. */
void message_log_received(const struct session *s, const struct message_log_facts *facts);
void message_log_rejected(const struct session *s, const struct message_log_facts *facts,
                          const struct refusal *why);

/* A transaction that came to no message: RSET, another EHLO, the end of the session. `how` it
 * ended; its size is what came of the content. Nothing if the log has it already. */
void message_log_abandoned(const struct session *s, const char *how);

/* A MAIL or RCPT that was not understood. */
void message_log_syntax(const struct session *s, const char *stage, struct slice args,
                        const struct refusal *why);

/* The same before there is a message: of a MAIL or RCPT. `to` may be empty. */
void message_log_refused(const struct session *s, const char *stage, struct slice from,
                         struct slice to, const struct refusal *why);

#endif
