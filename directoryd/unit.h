/*
 * directoryd/unit.h - organisation units (DIR-21): where in their domain's tree they are.
 *
 * The store has of each unit the name of the one above it, so a unit that moves takes along what is
 * below it. A path is the names from a unit up to its top, separated by one space.
 */
#ifndef POSTHORN_DIRECTORYD_UNIT_H
#define POSTHORN_DIRECTORYD_UNIT_H

#include "directoryd/store.h"

/* Appends the unit's fields to `fields`, with all that is above it in LDAP_FIELD_ABOVE. */
void unit_show(const struct store *store, int book, const struct ldap_entry *unit,
               struct strbuf *fields);
/* The id of the unit that a path as typed leads to, or -1. */
int64_t unit_find(const struct store *store, int book, struct slice path);
/* Is a unit, as shown, below the one of that (canonical) name? With `next` only directly below;
 * "" is above all. */
bool unit_is_below(const struct ldap_entry *unit, struct slice name, bool next);

#endif
