/*
 * lib/smtp/smtp_auth.h - AUTH as a client (RFC 4954).
 */
#ifndef POSTHORN_LIB_SMTP_SMTP_AUTH_H
#define POSTHORN_LIB_SMTP_SMTP_AUTH_H

#include "lib/smtp/smtp_client.h"

/* Logs in by PLAIN, or LOGIN where that is all there is; the caller sees to it that the connection
 * is encrypted and the server is who it should be. 0, or -1 with *why. */
int smtp_auth(struct smtp_client *client, const struct smtp_login *login, struct smtp_verdict *why);

#endif
