/*
 * imapd/unauthenticate.h - UNAUTHENTICATE (RFC 8437): the connection goes on with another user, in
 * another process.
 */
#ifndef POSTHORN_IMAPD_UNAUTHENTICATE_H
#define POSTHORN_IMAPD_UNAUTHENTICATE_H

#include "imapd/session.h"

/* After the command's OK: gives the connection to the successor s->successor_fd. Without TLS at
 * once; with TLS this process becomes its relay, and it takes as long as the connection does. */
void unauthenticate_hand_over(struct session *s);
/* In the successor: waits for that. False: there is no connection to serve. */
bool unauthenticate_take_over(struct session *s);

#endif
