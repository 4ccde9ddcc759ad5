/*
 * authd/charge.h - what a session changed in a folder of somebody else counts for its owner.
 */
#ifndef POSTHORN_AUTHD_CHARGE_H
#define POSTHORN_AUTHD_CHARGE_H

#include "authd/session.h"

/* One AUTHD_CHARGE of the session. 0, or -1: it may not ask that now, close the channel. */
int charge_ask(struct session *s, struct slice payload);

#endif
