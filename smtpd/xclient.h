/*
 * smtpd/xclient.h - XCLIENT and XFORWARD: a listed peer says for whom it speaks.
 */
#ifndef POSTHORN_SMTPD_XCLIENT_H
#define POSTHORN_SMTPD_XCLIENT_H

#include "smtpd/session.h"

/* The lines of EHLO for a peer that may use them. */
void xclient_announce(struct session *s);
/* A line of the log about a message that XFORWARD has spoken of. */
void xclient_log_forwarded(const struct session *s, const char *queue_id);
/* At the end of a transaction: what XFORWARD said is void. */
void xclient_forget(struct session *s);

#endif
