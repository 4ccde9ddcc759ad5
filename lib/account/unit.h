/*
 * lib/account/unit.h - organisation units: the tree of companies and departments of a domain
 * (DIR-21).
 *
 * A unit is name@domain; its name, short and without blanks, stays, and what people see is its
 * full name. Units without a parent are the companies. Reads the database, changes nothing.
 */
#ifndef POSTHORN_LIB_ACCOUNT_UNIT_H
#define POSTHORN_LIB_ACCOUNT_UNIT_H

#include "lib/account/account.h"

#define UNIT_DEPTH_MAX 16 /* from a company down, itself included */
#define UNITS_MAX 10000   /* of a domain */
#define UNIT_PATH_MAX (UNIT_DEPTH_MAX * 204)

/* The key of a unit that may be there or not, from its name as typed. FOREIGN: no domain of ours;
 * UNKNOWN: nothing can be called that. */
enum account_found unit_key(struct account_base *base, struct slice name, struct strbuf *key);
/* "domain\0name" from a domain and the name of a unit, both canonical. */
void unit_key_of(struct slice domain, struct slice name, struct strbuf *key);
/* FOUND, UNKNOWN or TROUBLE. */
enum account_found unit_load(struct account_base *base, struct slice key, struct record *unit);

/* Goes up from a unit that is loaded: true and the unit above it in its place; false: it is at the
 * top, or what is above cannot be read. */
bool unit_up(struct account_base *base, struct slice domain, struct record *unit);
/* Its full names from the top, " / " between. */
void unit_path(struct account_base *base, struct slice domain, const struct record *unit,
               struct strbuf *path);
/* Where somebody in unit `name` belongs: the full names of the top and of the unit itself, which
 * is left out if it is the top; nothing of both if there is no such unit. */
void unit_place(struct account_base *base, struct slice domain, struct slice name,
                struct strbuf *company, struct strbuf *department);

#endif
