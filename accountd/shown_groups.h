/*
 * accountd/shown_groups.h - groups for the address book: what directoryd has to know of one.
 */
#ifndef POSTHORN_ACCOUNTD_SHOWN_GROUPS_H
#define POSTHORN_ACCOUNTD_SHOWN_GROUPS_H

#include "accountd/server.h"

/* Appends the object (lib/ipc/contacts.h) of the group whose row this is; of one that nobody sees
 * its name alone. */
void shown_group_put(struct slice key, const struct record *group, struct strbuf *data);

/* The same of the row of one member, "domain\0group\0address", which is there or is not. */
void shown_member_put(struct account_base *base, struct slice key, bool is_there,
                      struct strbuf *data);
/* The members of all groups behind *key, which is updated, up to `max` rows and a page's bytes. 1,
 * 0 at the end, -1. */
int shown_members_put(struct account_base *base, struct strbuf *key, size_t max,
                      struct strbuf *data);

#define SHOWN_GROUP_ENOUGH 2
/* The next group behind *key, which is updated, with its properties in `record`; *looked_at counts
 * the rows, up to `max`. 1, 0 at the end, SHOWN_GROUP_ENOUGH at `max`, -1. */
int shown_group_next(struct account_base *base, struct strbuf *key, struct record *record,
                     size_t *looked_at, size_t max);

/* GROUPS_OF of lib/ipc/contacts.h. */
enum outcome groups_of_request(struct request *request);

#endif
