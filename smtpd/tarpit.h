/*
 * smtpd/tarpit.h - replies to a client that makes many errors come later and later.
 */
#ifndef POSTHORN_SMTPD_TARPIT_H
#define POSTHORN_SMTPD_TARPIT_H

#include "smtpd/session.h"

/* How long the reply to the client's error number `errors` waits, in ms. */
int64_t tarpit_delay_ms(const struct settings *settings, uint64_t errors);
/* Before the reply to an error: sends what is collected, then waits. Ends early when the session
 * has to end. Only this session's process waits. */
void tarpit_wait(struct session *s);

#endif
