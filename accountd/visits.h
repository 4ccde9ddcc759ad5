/*
 * accountd/visits.h - the last visit of each user.
 *
 * Reports of authd are kept in memory for a second, then all of them are one transaction: a power
 * cut may forget the visits of the last second, a login never waits for the disk.
 */
#ifndef POSTHORN_ACCOUNTD_VISITS_H
#define POSTHORN_ACCOUNTD_VISITS_H

#include "accountd/server.h"
#include "lib/account/visit.h"

struct visits;

struct visits *visits_new(struct server *server);
void visits_free(struct visits **visitsp); /* writes first */
enum outcome visits_request(struct request *request);
/* False: this user has not logged in, or it is not known. */
bool visits_last(struct server *server, struct slice user, struct visit *out);
/* Before names change: what is in memory goes by the names of now. */
void visits_write(struct visits *visits);

#endif
