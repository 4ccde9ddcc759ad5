/*
 * lib/account/public.h - public folders: who may do what (IMP-09 to 12).
 *
 * A public folder is an entry of its domain like a mailbox, with a store and a quota of its own, an
 * address, and three lists of mailboxes or @domain: read, write, delete. A user has what the
 * highest of the lists gives that name the mailbox or its domain; who is in none does not see it.
 */
#ifndef POSTHORN_LIB_ACCOUNT_PUBLIC_H
#define POSTHORN_LIB_ACCOUNT_PUBLIC_H

#include "lib/account/account.h"

#define PUBLIC_FOLDERS_MAX 10000 /* of all domains */

/* The rights (enum imap_right) of a canonical user address; 0: none. */
uint32_t public_rights(const struct record *folder, struct slice user);

/* All public folders; each() returns -1 to stop. 0, or -1 with errno: the database failed. */
int public_each(struct account_base *base,
                int (*each)(void *arg, struct slice address, const struct record *folder),
                void *arg);

/* The rows of ACCOUNT_TABLE_REFS that say where public folders are: target and letter. */
#define PUBLIC_REF_TARGET SLICE("@") /* no address is that */
#define PUBLIC_REF 'p'

#endif
