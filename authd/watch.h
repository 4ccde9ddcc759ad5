/*
 * authd/watch.h - ends the sessions that hold a folder of somebody else which they may not any
 * more.
 */
#ifndef POSTHORN_AUTHD_WATCH_H
#define POSTHORN_AUTHD_WATCH_H

#include "authd/session.h"

struct watch;

/* Asks accountd to be told of changes that take rights away, for as long as this process lives. */
struct watch *watch_new(struct server *server);
void watch_free(struct watch **watchp);

/* This session was given s->grants; forgotten when it ends or logs in anew. */
void watch_add(struct session *s);
void watch_remove(struct session *s);

#endif
