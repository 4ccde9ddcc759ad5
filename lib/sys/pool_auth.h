/*
 * lib/sys/pool_auth.h - the parent's connection to authd: tells it of each new session.
 *
 * While authd is away the newest sessions wait; it gets them when it is back. A session that finds
 * no room has a dead channel, and its logins fail for the moment.
 */
#ifndef POSTHORN_LIB_SYS_POOL_AUTH_H
#define POSTHORN_LIB_SYS_POOL_AUTH_H

#include "lib/auth/blocked_set.h"
#include "lib/ipc/authd.h"
#include "lib/sys/loop.h"

struct pool_auth;

/* end() runs when authd says that a session has to end. `blocked` (borrowed; NULL: nobody wants to
 * know) is kept as authd's blocks are, and while authd is away as they were. */
struct pool_auth *pool_auth_new(struct loop *loop, int run_dirfd, struct blocked_set *blocked,
                                void (*end)(void *arg, struct slice session_id), void *arg);
void pool_auth_free(struct pool_auth **authp);
/* Gives authd's end of a session's channel away; closes `fd` in any case. */
void pool_auth_attach(struct pool_auth *auth, const struct authd_attach *attach, int fd);

#endif
