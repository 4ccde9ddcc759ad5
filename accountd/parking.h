/*
 * accountd/parking.h - requests that wait until something about a store path is known or done.
 */
#ifndef POSTHORN_ACCOUNTD_PARKING_H
#define POSTHORN_ACCOUNTD_PARKING_H

#include "accountd/server.h"

#define PARKING_WAIT_MS 10000 /* after this it is answered with what is known */

struct parking;

struct parking *parking_new(struct server *server);
void parking_free(struct parking **parkingp);
/* Copies the request. False: too many wait already, answer it now. */
bool parking_add(struct parking *parking, const struct request *request, struct slice path);
/* Runs all that wait for `path`, in the order in which they came. */
void parking_wake(struct parking *parking, struct slice path);

#endif
