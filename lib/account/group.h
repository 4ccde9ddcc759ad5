/*
 * lib/account/group.h - who is in a group, and who may send to it (DIR-53).
 */
#ifndef POSTHORN_LIB_ACCOUNT_GROUP_H
#define POSTHORN_LIB_ACCOUNT_GROUP_H

#include "lib/account/account.h"

/* Is `address` (canonical) a member of the group: itself, by an alias of its own, or through groups
 * in it? 1, 0, or -1: the database failed. At most GROUP_WAYS_MAX aliases and groups are looked at
 * on the way up; who is a member beyond that is not found. */
#define GROUP_WAYS_MAX 1000
int group_has_member(struct account_base *base, struct slice group, struct slice address);

/* Appends the groups that `address` is in, in the same way, separated by one space. 0, or -1. */
int group_all_of(struct account_base *base, struct slice address, struct strbuf *groups);

/* May `sender` (canonical, "" for the null sender) send to the group that `hit` has? As above. */
int group_takes_from(struct account_base *base, const struct account_hit *hit, struct slice sender);

#endif
