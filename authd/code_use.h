/*
 * authd/code_use.h - tells accountd that somebody logged in by an authorization code.
 */
#ifndef POSTHORN_AUTHD_CODE_USE_H
#define POSTHORN_AUTHD_CODE_USE_H

#include "authd/server.h"

/* Nobody waits for it: when accountd is away, this use is not noted. */
void code_use_report(struct server *server, const char *user, const char *id,
                     const char *client_ip);

#endif
