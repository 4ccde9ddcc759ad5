/*
 * lib/account/old_names.h - names from releases that did not map the case of letters beyond ASCII
 * get the form by which they are looked up now.
 */
#ifndef POSTHORN_LIB_ACCOUNT_OLD_NAMES_H
#define POSTHORN_LIB_ACCOUNT_OLD_NAMES_H

#include "lib/account/account.h"

struct old_names {
    unsigned moved, left; /* left: the new form is taken, or the name cannot change */
};

/* Renames mailboxes, aliases and groups with all that follows a rename, administrators and
 * contacts; each in a transaction of its own. Accounts that are left are found by their exact
 * spelling, before others (base->old_names). Reads every key once. 0, or -1 with errno: the
 * database failed. */
int account_old_names_move(struct account_base *base, int64_t now_ms, struct old_names *result);

#endif
