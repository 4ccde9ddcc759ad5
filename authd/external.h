/*
 * authd/external.h - the front's side of passwords that somebody else knows (AUT-05).
 */
#ifndef POSTHORN_AUTHD_EXTERNAL_H
#define POSTHORN_AUTHD_EXTERNAL_H

#include "authd/server.h"
#include "lib/ipc/accountd_means.h"

/* Forks the workers and makes server->external and server->pam. Before there are secrets in memory
 * and before the sandbox. */
void external_start(struct server *server, const struct daemon *d, int64_t patience_ms);

/* Is this the password of `user` there? No worker waits for a directory that does not answer more
 * than a quarter of all do. NULL: the method cannot be used here, done() will not run. */
struct hash_job *external_verify(struct server *server, uint64_t share, struct slice method,
                                 struct slice user, struct slice password, hash_done *done,
                                 void *arg);

/* Is this access token one of that issuer's, for `user`? NULL: it is too long. */
struct hash_job *external_token(struct server *server, uint64_t share,
                                const struct accountd_oauth *oauth, struct slice user,
                                struct slice token, hash_done *done, void *arg);

#endif
