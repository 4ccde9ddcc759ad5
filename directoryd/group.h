/*
 * directoryd/group.h - what somebody may see of a group (DIR-54).
 */
#ifndef POSTHORN_DIRECTORYD_GROUP_H
#define POSTHORN_DIRECTORYD_GROUP_H

#include "lib/ldap/entry.h"

/* Who looks. */
struct group_viewer {
    struct slice user;   /* "": nobody */
    struct slice groups; /* that the user is in, separated by one space */
    bool sees_all;       /* what anybody does */
};

enum group_members { GROUP_ONE_MEMBER, GROUP_ALL_MEMBERS };

/* Appends to `fields` those that the viewer may see, members as names of entries below `base`, or
 * one of them for all. False: the group is not shown at all. */
bool group_show(const struct ldap_entry *group, const struct group_viewer *viewer, const char *base,
                enum group_members how, struct strbuf *fields);

#endif
