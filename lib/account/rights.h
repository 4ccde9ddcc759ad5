/*
 * lib/account/rights.h - the functions that administrators have (lib/account/rights.def).
 *
 * super: everything. domain: every function that stays within a domain, for the listed domains.
 * role: the functions ticked in `rights`, for the listed domains or, if none is listed, for all.
 */
#ifndef POSTHORN_LIB_ACCOUNT_RIGHTS_H
#define POSTHORN_LIB_ACCOUNT_RIGHTS_H

#include "lib/account/record.h"

enum account_right {
#define RIGHT(id, name, scope, help) id,
#include "lib/account/rights.def"
#undef RIGHT
    ACCOUNT_RIGHT_COUNT
};
const char *account_right_name(enum account_right right);
int account_right_find(struct slice name);           /* enum account_right, or -1 */
bool account_right_is_of_domain(enum account_right); /* may be bound to domains */

/* Of an administrator's record. */
bool account_rights_super(const struct record *admin);
/* The function is ticked, or comes with the type; where, is not asked. */
bool account_rights_have(const struct record *admin, enum account_right right);
/* `domain` (canonical) is among the own. */
bool account_rights_cover(const struct record *admin, struct slice domain);
/* Bound to no domains. */
bool account_rights_cover_all(const struct record *admin);

#endif
