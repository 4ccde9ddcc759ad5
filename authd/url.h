/*
 * authd/url.h - a session reads what somebody has authorized it to by a URL (RFC 4467).
 */
#ifndef POSTHORN_AUTHD_URL_H
#define POSTHORN_AUTHD_URL_H

#include "authd/session.h"

/* One AUTHD_URL of the session. 0, or -1: it may not ask that now, close the channel. */
int url_ask(struct session *s, struct slice payload);

#endif
