/*
 * local-deliver/keeper.h - the store's control socket: users' directories for accountd and authd.
 */
#ifndef POSTHORN_LOCAL_DELIVER_KEEPER_H
#define POSTHORN_LOCAL_DELIVER_KEEPER_H

#include "lib/sys/daemon.h"

struct keeper;

/* Serves the "control" listener; finishes removals that an earlier run left half done. */
struct keeper *keeper_new(struct daemon *d, int store_dirfd);
void keeper_free(struct keeper **keeperp);

#endif
