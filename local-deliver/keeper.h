/*
 * local-deliver/keeper.h - the store's control socket: users' directories for accountd and authd.
 */
#ifndef POSTHORN_LOCAL_DELIVER_KEEPER_H
#define POSTHORN_LOCAL_DELIVER_KEEPER_H

#include "lib/store/store_dirs.h"
#include "lib/sys/daemon.h"

struct keeper;

struct keeper_peers {
    uid_t account, auth; /* who may ask */
};

/* Looks the users up: before the sandbox, which has no /etc/passwd. Exits on error. */
struct keeper_peers keeper_find_peers(const struct daemon *d);
/* Serves the "control" listener; finishes removals that an earlier run left half done. */
struct keeper *keeper_new(struct daemon *d, const struct store_dirs *dirs,
                          const struct keeper_peers *peers);
void keeper_free(struct keeper **keeperp);

#endif
