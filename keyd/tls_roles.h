/*
 * keyd/tls_roles.h - whose handshakes are signed: the users of the services that speak TLS.
 */
#ifndef POSTHORN_KEYD_TLS_ROLES_H
#define POSTHORN_KEYD_TLS_ROLES_H

#include "lib/conf/conf.h"

enum { TLS_ROLES = 5 };

extern const enum conf_id tls_roles[TLS_ROLES];

/* Whether tls.old_ports names a port that this user's services have. */
bool tls_role_speaks_old(const struct conf *conf, enum conf_id role);

#endif
