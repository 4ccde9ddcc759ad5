/*
 * authd/external_workers.h - the processes that ask others whether a password is right: directories
 * and mail servers, and PAM.
 *
 * Their packets are those of hash workers (authd/hash_job.h): VERIFY with a record of method, NUL
 * and user, or EXTERNAL_TOKEN and, with a NUL between, issuer, audience, claim, keys,
 * introspection, user and token. PASSWORD_NO_MEMORY stands for: there is no verdict now.
 */
#ifndef POSTHORN_AUTHD_EXTERNAL_WORKERS_H
#define POSTHORN_AUTHD_EXTERNAL_WORKERS_H

#include "lib/sys/keeper.h"

#define EXTERNAL_TOKEN "token:"

/* Both fill in the front's ends, before the daemon's own sandbox; they exit with a message on
 * failure. The first ones may connect to hosts and open no file; the others may read files. */
void external_workers_start(const struct daemon *d, unsigned width, int fds[KEEPER_WORKERS_MAX]);
void pam_workers_start(const struct daemon *d, unsigned width, int fds[KEEPER_WORKERS_MAX]);

#endif
