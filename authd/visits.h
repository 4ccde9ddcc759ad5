/*
 * authd/visits.h - tells accountd of logins to mailboxes, good ones and others, and of what
 * sessions removed there, some times a second.
 */
#ifndef POSTHORN_AUTHD_VISITS_H
#define POSTHORN_AUTHD_VISITS_H

#include "authd/session.h"

struct visits;

struct visits *visits_new(struct server *server, const struct daemon *d);
void visits_free(struct visits **visitsp);

/* The exchange of `s` has come to this result; of a user who is not there nothing is told. */
void visits_note(struct session *s, bool good, const char *result);
/* One AUTHD_REMOVED of the session. 0, or -1: nobody has logged in, close the channel. */
int visits_removed(struct session *s, struct slice payload);
/* Nothing is left to be told. NULL: likewise. */
bool visits_are_told(const struct visits *visits);

#endif
