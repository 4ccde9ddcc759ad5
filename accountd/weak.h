/*
 * accountd/weak.h - does a user have a password of the dictionary? (DIR-47)
 */
#ifndef POSTHORN_ACCOUNTD_WEAK_H
#define POSTHORN_ACCOUNTD_WEAK_H

#include "accountd/server.h"
#include "lib/account/edit.h"

/* Tries words behind `after` (empty: from the first) that were added since the password was last
 * held against the dictionary; a hash each. 0: the answer is sent later, an ADMIN reply with one
 * object: address, weak (yes, no). With a cursor: there are more words to try. -1: the result. */
int weak_begin(const struct request *request, struct slice name, struct slice after,
               struct account_result *result);

#endif
