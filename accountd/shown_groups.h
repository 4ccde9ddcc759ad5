/*
 * accountd/shown_groups.h - groups for the address book: what directoryd has to know of one.
 */
#ifndef POSTHORN_ACCOUNTD_SHOWN_GROUPS_H
#define POSTHORN_ACCOUNTD_SHOWN_GROUPS_H

#include "accountd/server.h"

/* Appends the object (lib/ipc/contacts.h) of the group whose row this is; nobody sees it: that it
 * is gone. */
void shown_group_put(struct account_base *base, struct slice key, const struct record *group,
                     struct strbuf *data);
/* May anybody see it? */
bool shown_group_is(const struct record *group);

#define SHOWN_GROUP_ENOUGH 2
/* The next group behind *key, which is updated, with its properties in `record`; *looked_at counts
 * the rows, up to `max`. 1, 0 at the end, SHOWN_GROUP_ENOUGH at `max`, -1. */
int shown_group_next(struct account_base *base, struct strbuf *key, struct record *record,
                     size_t *looked_at, size_t max);

/* GROUPS_OF of lib/ipc/contacts.h. */
enum outcome groups_of_request(struct request *request);

#endif
