/*
 * lib/account/listed.h - is somebody in a list of mailboxes and @domains?
 */
#ifndef POSTHORN_LIB_ACCOUNT_LISTED_H
#define POSTHORN_LIB_ACCOUNT_LISTED_H

#include "lib/account/schema.h"

/* `list` as a record has it; `user` canonical: by its address, or by the @domain it is of. */
bool listed(struct slice list, struct slice user);

#endif
