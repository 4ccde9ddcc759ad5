/*
 * authd/second_step.h - after an administrator's password: the code of the authenticator (TOTP).
 *
 * The session gets a challenge, empty, when the password was right; its answer is the code.
 * accountd has the key.
 */
#ifndef POSTHORN_AUTHD_SECOND_STEP_H
#define POSTHORN_AUTHD_SECOND_STEP_H

#include "authd/session.h"

/* Is a code asked for? True: the client has been asked, or refused because it has no
 * authenticator and admin.totp requires one. */
bool second_step_begin(struct session *s);
/* What it says. `proved` is called if the code is right; else the login is refused here. */
void second_step_message(struct session *s, struct slice code, void (*proved)(struct session *s));

#endif
