/*
 * ldapd/matched.h - how much of a name is there, when all of it is not (RFC 4511 section 4.1.9).
 */
#ifndef POSTHORN_LDAPD_MATCHED_H
#define POSTHORN_LDAPD_MATCHED_H

#include "ldapd/session.h"

/* The name of the last entry on the way to the target that the session may see, appended to `name`;
 * nothing if not even the top is on it. Asks directoryd for each step up. */
void matched_put(struct session *s, const struct target *target, struct strbuf *name);
/* noSuchObject with that, for an operation whose response has no more. */
void matched_refuse(struct session *s, enum ldap_op op, const struct target *target);

#endif
