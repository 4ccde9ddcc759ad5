/*
 * lib/account/manages.h - whether the owner of a mailbox is an administrator, and of what.
 */
#ifndef POSTHORN_LIB_ACCOUNT_MANAGES_H
#define POSTHORN_LIB_ACCOUNT_MANAGES_H

#include "lib/account/account.h"

/* Is `mailbox` (canonical) the own mailbox of an administrator who may change what is in `domain`
 * (canonical)? 1: yes, with the administrator's name appended to `admin`; 0: no; -1 with errno: the
 * database failed. */
int account_manages(struct account_base *base, struct slice mailbox, struct slice domain,
                    struct strbuf *admin);
/* The same of the administrator called `name` and his domains. ENOENT: there is none. */
int account_admin_manages(struct account_base *base, struct slice name, struct slice domain);

#endif
