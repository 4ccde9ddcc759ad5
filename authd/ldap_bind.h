/*
 * authd/ldap_bind.h - has a password checked by a bind to a directory (RFC 4511, RFC 4513).
 */
#ifndef POSTHORN_AUTHD_LDAP_BIND_H
#define POSTHORN_AUTHD_LDAP_BIND_H

#include "authd/talk.h"
#include "lib/auth/outside_accounts.h"

/* PASSWORD_RIGHT, _WRONG, or _NO_MEMORY with t->trouble. `account` (NULL: anonymous) looks for the
 * entry, if the method says so. The password is not empty. */
enum password_verdict ldap_bind_check(struct talk *t, const struct external_method *method,
                                      const struct outside_account *account, struct slice name,
                                      struct slice password);

#endif
