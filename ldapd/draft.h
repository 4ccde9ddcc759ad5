/*
 * ldapd/draft.h - a contact that is being changed: LDAP's attributes to the contact's properties.
 */
#ifndef POSTHORN_LDAPD_DRAFT_H
#define POSTHORN_LDAPD_DRAFT_H

#include "ldapd/protocol.h"
#include "lib/ipc/object.h"
#include "lib/ldap/entry.h"

enum draft_op { DRAFT_ADD, DRAFT_DELETE, DRAFT_REPLACE };

struct draft;

/* `fields`: what the contact has; `name`: its own, borrowed. */
struct draft *draft_new(struct slice name, struct slice fields);
void draft_free(struct draft **draftp);
/* One change (RFC 4511 section 4.6). */
enum ldap_result draft_change(struct draft *draft, enum draft_op op, struct slice description,
                              const struct slice *values, size_t count, const char **text);
/* Behind the last one: what holds for the whole. */
enum ldap_result draft_check(const struct draft *draft, const char **text);
/* The contact as it would be, packed, appended to `fields`. */
void draft_pack(const struct draft *draft, struct strbuf *fields);
/* The properties that changed, borrowed. Returns how many. */
uint32_t draft_fields(const struct draft *draft, struct object_field fields[LDAP_FIELD_COUNT]);

#endif
