/*
 * ldapd/root.h - what the server says of itself: the root DSE (RFC 4512 section 5.1) and the schema
 * (section 4.2).
 */
#ifndef POSTHORN_LDAPD_ROOT_H
#define POSTHORN_LDAPD_ROOT_H

#include "ldapd/query.h"

void root_search(struct session *s, const struct query *query);
/* What the filter says of the root DSE, or of the schema's entry. */
enum ldap_truth root_fits(struct ldap_filter *filter, bool is_schema);
void root_search_schema(struct session *s, const struct query *query);

#endif
