/*
 * authd/admin.h - sessions of administrators: their tokens, and what they ask of accountd.
 *
 * A session of service "admin" runs in a process that may be in an attacker's hands. accountd hears
 * who asks, and from where, from here alone.
 */
#ifndef POSTHORN_AUTHD_ADMIN_H
#define POSTHORN_AUTHD_ADMIN_H

#include "authd/session.h"

struct admin_tokens; /* those that were given out */

/* `timeout_ms`: a token that has not been used for so long is none. */
struct admin_tokens *admin_tokens_new(int64_t timeout_ms);

/* A login by token. Answers, now or later. */
void admin_token_login(struct session *s, struct slice token);
/* A login by being root or the suite's owner on this host. Answers. */
void admin_local_login(struct session *s);
/* A look-up of who tries to log in: the request for accountd. */
void admin_look_up(struct strbuf *request, struct slice name);
/* After the proof by password: remembers the record that was right. */
void admin_proved(struct session *s);
/* AUTHD_ADMIN and AUTHD_TOKEN of the session. 0, or -1: it may not ask that now, close the channel.
 */
int admin_ask(struct session *s, struct slice payload);
int admin_token_ask(struct session *s, struct slice payload);

#endif
