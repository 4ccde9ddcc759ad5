/*
 * authd/login.h - the way from a client's SASL message to the answer: look-up, proof, rights.
 */
#ifndef POSTHORN_AUTHD_LOGIN_H
#define POSTHORN_AUTHD_LOGIN_H

#include "authd/session.h"

/* The client's next message of the exchange in s->sasl (NULL: it has sent no initial response).
 * Answers by session_send_*, now or later. */
void login_message(struct session *s, const struct slice *message);

#endif
