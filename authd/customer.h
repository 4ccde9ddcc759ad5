/*
 * authd/customer.h - ATRN: a session gets a way to the mail that waits for its user.
 */
#ifndef POSTHORN_AUTHD_CUSTOMER_H
#define POSTHORN_AUTHD_CUSTOMER_H

#include "authd/session.h"

/* CUSTOMER. 0, or -1: the session broke the protocol. */
int customer_ask(struct session *s, struct slice payload);

#endif
