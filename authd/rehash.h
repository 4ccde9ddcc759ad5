/*
 * authd/rehash.h - replaces an imported password record by a new one, behind a successful login.
 */
#ifndef POSTHORN_AUTHD_REHASH_H
#define POSTHORN_AUTHD_REHASH_H

#include "authd/server.h"

/* The credentials were just proved right. Nobody waits for the outcome: when the hash pool has
 * other work or accountd is away, the next login tries again. */
void rehash_begin(struct server *server, const struct credentials *c);

#endif
