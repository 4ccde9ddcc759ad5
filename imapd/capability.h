/*
 * imapd/capability.h - what this session may announce (RFC 3501 section 7.2.1).
 */
#ifndef POSTHORN_IMAPD_CAPABILITY_H
#define POSTHORN_IMAPD_CAPABILITY_H

#include "imapd/session.h"

/* Appends "CAPABILITY IMAP4rev1 ..." as it holds now. */
void capability_write(const struct session *s, struct strbuf *out);
/* Mechanisms for AUTHENTICATE now, separated by spaces. */
const char *capability_mechanisms(const struct session *s);
/* May the password be sent in the clear (LOGIN)? */
bool capability_login_allowed(const struct session *s);

#endif
