/*
 * smtpd/auth.h - AUTH (RFC 4954): relays the SASL exchange between client and authd.
 */
#ifndef POSTHORN_SMTPD_AUTH_H
#define POSTHORN_SMTPD_AUTH_H

#include "smtpd/session.h"

/* Space-separated mechanisms that this connection may use now; NULL: none, AUTH is not offered. */
const char *auth_mechanisms(const struct session *s);

#endif
