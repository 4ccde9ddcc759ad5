/*
 * authd/acl.h - rights on folders: the session asks, accountd decides.
 */
#ifndef POSTHORN_AUTHD_ACL_H
#define POSTHORN_AUTHD_ACL_H

#include "authd/session.h"

/* One AUTHD_ACL of the session. 0, or -1: it may not ask that now, close the channel. */
int acl_ask(struct session *s, struct slice payload);

#endif
