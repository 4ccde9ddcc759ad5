/*
 * lib/account/expiry.h - users whose last day has passed.
 */
#ifndef POSTHORN_LIB_ACCOUNT_EXPIRY_H
#define POSTHORN_LIB_ACCOUNT_EXPIRY_H

#include "lib/account/account.h"

/* Calls each() with the canonical address of every user who could log in at `since_ms` and cannot
 * at `now_ms` (real time), although nothing was changed. Reads all entries. 0, or -1 with errno. */
int expiry_each(struct account_base *base, int64_t since_ms, int64_t now_ms,
                void (*each)(void *arg, struct slice user), void *arg);

#endif
