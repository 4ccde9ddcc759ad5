/*
 * directoryd/group.h - what somebody may see of a group (DIR-54).
 */
#ifndef POSTHORN_DIRECTORYD_GROUP_H
#define POSTHORN_DIRECTORYD_GROUP_H

#include "lib/ldap/entry.h"

/* Appends to `fields` those that the viewer may see, members as names of entries below `base`.
 * `user` is "" for nobody; `groups`: those that the user is in, separated by one space. False: the
 * group is not shown at all. */
bool group_show(const struct ldap_entry *group, bool sees_all, struct slice user,
                struct slice groups, const char *base, struct strbuf *fields);

#endif
