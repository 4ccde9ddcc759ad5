/*
 * accountd/expiring.h - whose password has to be changed before long (DIR-48).
 */
#ifndef POSTHORN_ACCOUNTD_EXPIRING_H
#define POSTHORN_ACCOUNTD_EXPIRING_H

#include "accountd/server.h"

enum outcome expiring_request(struct request *request); /* EXPIRING */

#endif
