/*
 * authd/server.h - what all sessions of this authd share.
 */
#ifndef POSTHORN_AUTHD_SERVER_H
#define POSTHORN_AUTHD_SERVER_H

#include "authd/cache.h"
#include "authd/decoy.h"
#include "authd/login_delay.h"
#include "authd/throttle.h"
#include "lib/auth/hash_pool.h"
#include "lib/auth/mechanisms.h"
#include "lib/ipc/peer.h"
#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

enum { AUTHD_OPERS = 3 };
/* admin.totp */
enum second_step { SECOND_STEP_OFF, SECOND_STEP_ON, SECOND_STEP_REQUIRED };

struct server {
    struct loop *loop;
    int run_dirfd;                        /* of our own sockets */
    uid_t owner;                          /* who has started the suite */
    struct ipc_async *accounts;           /* accountd */
    struct ipc_async *opers[AUTHD_OPERS]; /* operd: one connection is served in turn */
    unsigned next_oper;
    struct ipc_async *stores; /* local-deliver, keeper of the store */
    struct hash_pool *pool;
    struct hash_pool *external; /* directories and mail servers (external.h) */
    struct hash_pool *pam;      /* NULL: auth.pam is off */
    struct cache *cache;
    struct throttle *throttle;
    struct login_delay *login_delay; /* of POP3 */
    struct admin_tokens *admin_tokens;
    struct decoy *decoy;
    struct password_policy policy;
    struct mechanisms *mechanisms;
    struct store_dirs dirs; /* O_PATH */
    bool plain_on_loopback, rehash;
    enum second_step admin_totp;
    int64_t exchange_timeout_ms;
    unsigned sessions, sessions_max;
    /* A newer authd takes the new sessions: end with the last of ours, but not before the parents
     * have gone over, for what they have sent us is ours. */
    bool draining;
    struct attach_server *attach;
    struct watch *watch;
    struct guard *guard;
    struct visits *visits;
    struct session *watched; /* those of users who have logged in (authd/watch.h) */
    unsigned parents;        /* while draining: still connected */
    unsigned rehashes;       /* under way */
    _Atomic uint64_t *logins, *failures, *cache_hits, *dropped;
};

/* authd/session.c */
bool server_is_drained(const struct server *server);

#endif
