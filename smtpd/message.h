/*
 * smtpd/message.h - one message on its way from the client into the queue.
 */
#ifndef POSTHORN_SMTPD_MESSAGE_H
#define POSTHORN_SMTPD_MESSAGE_H

#include <stdint.h>

#include "lib/base/slice.h"

struct message;
struct session;

/* Begins the message of the session's transaction. NULL with errno, for message_refuse_open. */
struct message *message_open(struct session *s);
/* The reply to a message that could not be begun; `at_end`: the replies, behind all of it. */
void message_refuse_open(struct session *s, int error, bool at_end);
const char *message_id(const struct message *m); /* its queue id */
uint64_t message_size(const struct message *m);  /* octets that came so far */
/* Takes content. What is wrong with it is remembered and told by message_commit: a client must be
 * listened to until the end of its data. */
void message_write(struct message *m, struct slice content);
/* Makes the message durable and replies 250 with its queue id, or replies why not; as often as
 * session_end_replies says. Frees it and clears *mp. */
void message_commit(struct session *s, struct message **mp);
/* Is something wrong already? (BDAT chunks) */
bool message_has_failed(const struct message *m);
/* Then: the one reply to a chunk that is not the last. Frees it and clears *mp. */
void message_refuse(struct session *s, struct message **mp);
void message_abort(struct message **mp); /* NULL is fine */

#endif
