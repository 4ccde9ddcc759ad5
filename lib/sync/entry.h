/*
 * lib/sync/entry.h - an entry of a directory elsewhere as an object of ours (lib/ipc/object.h).
 *
 *     kind = user or group
 *     dn, id, address, disabled (yes or no)    as the map has them; "" if the entry has none
 *     properties                               those that the map names and the entry has
 *     alias, member, member_of                 one field for each value
 */
#ifndef POSTHORN_LIB_SYNC_ENTRY_H
#define POSTHORN_LIB_SYNC_ENTRY_H

#include "lib/ipc/object.h"
#include "lib/ldap/call.h"
#include "lib/sync/source.h"

#define SYNC_ID_MAX 200 /* bytes of an ID; binary ones are told in hexadecimal digits */

/* Appends the object; values that are longer than a field may be are left out. Several objects for
 * one entry follow each other if it has more values than an object holds: with the same dn, and
 * nothing but these. 0, or -1: the entry is damaged. `out` remembers an overflow. */
int sync_entry_add(const struct sync_source *source, bool of_group,
                   const struct ldap_response *entry, struct strbuf *out);

/* A name of an entry in the form in which two are compared, appended to `out`. */
void sync_entry_fold(struct slice dn, struct strbuf *out);

#endif
