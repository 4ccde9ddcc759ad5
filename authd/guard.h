/*
 * authd/guard.h - passwords are not guessed here: who fails too often is blocked for a while.
 *
 * Failures count by client address (IPv6: by network of 64 bits) and by user. Blocks are accountd's
 * (lib/ipc/accountd_block.h), for they outlast us; we keep a copy and look at it before each
 * password. Clients on the white list are never blocked and count nowhere; a loopback address,
 * behind which a webmail's users are, is never blocked. Administrators' logins have counts, limits
 * and blocks of addresses of their own.
 */
#ifndef POSTHORN_AUTHD_GUARD_H
#define POSTHORN_AUTHD_GUARD_H

#include "authd/session.h"

struct guard;

struct guard *guard_new(struct server *server, const struct daemon *d);
void guard_free(struct guard **guardp);

/* Before the account is looked up: why this client may not log in, with the failure that it is
 * told, or NULL. */
const char *guard_refuses(const struct session *s, enum authd_failure *failure);
/* Where the client is (lib/conf/location_table.h); "": nobody knows. */
const char *guard_location(const struct session *s);
/* After it: a blocked user's account is one that does not exist from here on, so that neither
 * answer nor time tells; s->closed says why, for the log. */
void guard_judge_user(struct session *s);
/* A login failed for its user name or password. */
void guard_failed(struct session *s);
/* The parent that is connected so wants to hear of blocked addresses (authd/block_feed.h). */
void guard_follow(struct guard *guard, uint64_t parent_id);
/* A newer authd has taken over. */
void guard_drain(struct guard *guard);
/* A login succeeded: those to send mail count, too. */
void guard_succeeded(struct session *s);

#endif
