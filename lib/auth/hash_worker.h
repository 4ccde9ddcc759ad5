/*
 * lib/auth/hash_worker.h - the processes that hash.
 */
#ifndef POSTHORN_LIB_AUTH_HASH_WORKER_H
#define POSTHORN_LIB_AUTH_HASH_WORKER_H

#include "lib/auth/password.h"
#include "lib/sys/keeper.h"

#define HASH_WORKERS_MAX KEEPER_WORKERS_MAX

unsigned hash_workers_width(const struct conf *conf); /* as auth.hash_workers says */
/* Forks `width` workers that run as the user of the setting `user`; for each that dies the front
 * gets HASH_LOST on its socket. Fills in the front's ends, non-blocking. To be called before the
 * daemon's own sandbox; exits with a message on failure. */
void hash_workers_start(const struct daemon *d, enum conf_id user,
                        const struct password_policy *policy, unsigned width,
                        int fds[HASH_WORKERS_MAX]);

#endif
