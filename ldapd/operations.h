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
void extended_run(struct session *s); /* extended.c */

/* The fields of one contact as it is now, appended to `fields`. (search.c) */
enum ldap_result search_fetch(struct session *s, const struct target *target,
                              struct strbuf *fields);

#endif
