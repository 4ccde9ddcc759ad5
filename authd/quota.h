/*
 * authd/quota.h - quotas that an administrator's session sets: accountd decides.
 */
#ifndef POSTHORN_AUTHD_QUOTA_H
#define POSTHORN_AUTHD_QUOTA_H

#include "authd/session.h"

/* One AUTHD_QUOTA of the session. 0, or -1: it may not ask that now, close the channel. */
int quota_ask(struct session *s, struct slice payload);

#endif
