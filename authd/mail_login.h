/*
 * authd/mail_login.h - has a password checked by a login to another IMAP, POP3 or SMTP server.
 */
#ifndef POSTHORN_AUTHD_MAIL_LOGIN_H
#define POSTHORN_AUTHD_MAIL_LOGIN_H

#include "authd/talk.h"

/* By AUTH PLAIN, and never before TLS. PASSWORD_RIGHT, _WRONG, or _NO_MEMORY with t->trouble. */
enum password_verdict mail_login_check(struct talk *t, const struct external_method *method,
                                       struct slice name, struct slice password);

#endif
