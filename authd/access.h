/*
 * authd/access.h - a user's lists of addresses that may use a service (DIR-32).
 */
#ifndef POSTHORN_AUTHD_ACCESS_H
#define POSTHORN_AUTHD_ACCESS_H

#include "authd/session.h"

#define ACCESS_REFUSED "the address is refused by the user's access list"

/* Is the client's address taken, as `account` is now? */
bool access_takes(const struct session *s, const struct account *account);
/* After the look-up: where the address is refused the account is one that does not exist from here
 * on, so that neither answer nor time tells whether the password was right; s->closed says why, for
 * the log. */
void access_judge(struct session *s);

#endif
