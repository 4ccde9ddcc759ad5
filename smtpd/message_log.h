/*
 * smtpd/message_log.h - what log lines say of a message: its Message-ID, its recipients.
 */
#ifndef POSTHORN_SMTPD_MESSAGE_LOG_H
#define POSTHORN_SMTPD_MESSAGE_LOG_H

#include "lib/base/strbuf.h"
#include "lib/queue/envelope.h"

/* The Message-ID of a header section, the caller's to free; NULL: it has none that is one. */
char *message_log_id(struct slice section);
/* As many recipients as a line has room for, with commas; the caller's to free. */
struct strbuf message_log_recipients(const struct queue_envelope *e);

#endif
