/*
 * pop3d/login.h - STLS, USER, PASS and AUTH: from the greeting to the opened maildrop.
 */
#ifndef POSTHORN_POP3D_LOGIN_H
#define POSTHORN_POP3D_LOGIN_H

#include "pop3d/session.h"

enum session_state login_stls_run(struct session *s, struct slice args);
enum session_state login_user_run(struct session *s, struct slice args);
enum session_state login_pass_run(struct session *s, struct slice args);
enum session_state login_auth_run(struct session *s, struct slice args);

/* What CAPA announces on this connection as it is. */
bool login_plain_allowed(const struct session *s); /* USER and PASS */
bool login_stls_allowed(const struct session *s);
const char *login_mechanisms(const struct session *s); /* separated by spaces */

#endif
