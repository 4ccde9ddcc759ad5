/*
 * authd/own_password.h - a user's new password from an LDAP session (RFC 3062): the present one is
 * proved as for a login, then accountd judges the new one and keeps it.
 */
#ifndef POSTHORN_AUTHD_OWN_PASSWORD_H
#define POSTHORN_AUTHD_OWN_PASSWORD_H

#include "authd/session.h"

/* One AUTHD_PASSWORD of the session. 0, or -1: it may not ask that now, close the channel. */
int own_password_ask(struct session *s, struct slice payload);
/* The exchange that it began has proved the present password. */
void own_password_proved(struct session *s);

#endif
