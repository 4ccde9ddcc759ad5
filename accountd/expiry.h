/*
 * accountd/expiry.h - tells authd of users whose last day has passed, when it has.
 */
#ifndef POSTHORN_ACCOUNTD_EXPIRY_H
#define POSTHORN_ACCOUNTD_EXPIRY_H

#include "accountd/server.h"

struct expiry;

/* Looks from now on, at the beginning of each day (UTC). */
struct expiry *expiry_new(struct server *server);
void expiry_free(struct expiry **expiryp);

#endif
