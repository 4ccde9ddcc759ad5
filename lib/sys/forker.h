/*
 * lib/sys/forker.h - the process that forks a pool's workers. For lib/sys/pool.
 *
 * It stands between parent and workers and is as small as a process can be: it was forked from the
 * parent at the start, is in the workers' sandbox already (empty root, their user, no capability,
 * their Landlock layer, their system calls and fork), and does nothing but fork. So a new worker
 * has little to give up and little to copy, the parent needs no privilege, and no rush of forks
 * delays accepting.
 */
#ifndef POSTHORN_LIB_SYS_FORKER_H
#define POSTHORN_LIB_SYS_FORKER_H

#include "lib/sys/pool.h"

/* Starts it, while still root; the listeners and what else only the parent needs it closes.
 * Returns the parent's end of its socket, or -1 with errno. The forker and all its workers end when
 * the parent closes that or ends. */
int forker_start(struct daemon *d, const struct pool_ops *ops);
/* Asks for a worker that serves `control_fd` (stays the caller's; non-blocking). 0, or -1 with
 * errno. A fork that fails shows as the end of that socket. */
int forker_ask(int forker_fd, int control_fd);

#endif
