/*
 * authd/watch.h - ends the sessions that a user would not get any more: the user is gone, disabled
 * or has another password, or lost a right that the session has, or may not come from its address.
 */
#ifndef POSTHORN_AUTHD_WATCH_H
#define POSTHORN_AUTHD_WATCH_H

#include "authd/session.h"

struct watch;

/* Asks accountd to be told of such changes, for as long as this process lives. */
struct watch *watch_new(struct server *server);
void watch_free(struct watch **watchp);

/* How often we were told. A session that was looked up before a change, and is given something
 * after it, is looked at again. NULL: 0. */
unsigned watch_changes(const struct watch *watch);
/* This session is a user's, who was given mail and s->grants or may send; forgotten when it ends or
 * logs in anew. */
void watch_add(struct session *s);
void watch_remove(struct session *s);

/* The user of the LDAP session with that id, or NULL. */
const char *watch_who(const struct server *server, struct slice session_id);

#endif
