/*
 * ldapd/operations.h - what a client may ask; each answers for itself.
 */
#ifndef POSTHORN_LDAPD_OPERATIONS_H
#define POSTHORN_LDAPD_OPERATIONS_H

#include "ldapd/session.h"

void bind_run(struct session *s);     /* bind.c */
void search_run(struct session *s);   /* search.c */
void compare_run(struct session *s);  /* search.c */
void add_run(struct session *s);      /* change.c */
void modify_run(struct session *s);   /* change.c */
void delete_run(struct session *s);   /* change.c */
void rename_run(struct session *s);   /* change.c */
void extended_run(struct session *s); /* extended.c */

/* The response of an extended operation; `oid` and `value` may be NULL. (extended.c) */
void extended_respond(struct session *s, enum ldap_result result, const char *text, const char *oid,
                      const struct slice *value);
/* Password modify, with the request's value. (password.c) */
void password_run(struct session *s, struct slice value);
/* Why authd has let nobody in. (bind.c) */
enum ldap_result bind_refusal(const struct authd_fail *fail, const char **text);
/* The mailbox behind the name of an entry, or what one logs in with elsewhere, appended to `name`.
 * False: that is nobody. (bind.c) */
bool bind_login_name(struct session *s, struct slice given, struct strbuf *name);

/* One entry as it is now: its fields are appended to `fields`, if that is not NULL, and *as_of is
 * for a change that holds if the entry stays so. LDAP_ASSERTION_FAILED: the request asserts
 * something else of it (RFC 4528). (search.c) */
enum ldap_result search_fetch(struct session *s, const struct target *target, struct strbuf *fields,
                              uint64_t *as_of);

#endif
