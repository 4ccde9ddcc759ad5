/*
 * authd/hash_worker.h - the processes that hash, and the one that keeps them alive.
 */
#ifndef POSTHORN_AUTHD_HASH_WORKER_H
#define POSTHORN_AUTHD_HASH_WORKER_H

#include "lib/auth/password.h"
#include "lib/sys/daemon.h"

#define HASH_WORKERS_MAX 64

/* Forks the keeper, which forks `width` workers and replaces each that dies (the front then gets
 * HASH_LOST on that worker's socket). Fills in the front's ends, non-blocking. To be called before
 * the daemon's own sandbox; exits with a message on failure. */
void hash_workers_start(const struct daemon *d, const struct password_policy *policy,
                        unsigned width, int fds[HASH_WORKERS_MAX]);

#endif
