/*
 * lib/sys/keeper.h - worker processes beside an event loop, and the one that keeps them alive.
 *
 * front --socket i--> worker i, each a SOCK_SEQPACKET pair: a packet is a whole message or nothing,
 * so a worker that dies leaves no half of one behind. The keeper holds the workers' ends too, so
 * that a new worker goes on where the dead one stopped. The workers are forked before the front
 * holds any secret, and what the front opens later they never see.
 */
#ifndef POSTHORN_LIB_SYS_KEEPER_H
#define POSTHORN_LIB_SYS_KEEPER_H

#include "lib/base/slice.h"
#include "lib/sys/daemon.h"

#define KEEPER_WORKERS_MAX 64

struct keeper_plan {
    const char *keeper_role, *worker_role; /* in the process table: "hash keeper" */
    struct sandbox box; /* of each worker; where it parses what strangers write, without `dirs` */
    unsigned width;     /* workers, 1 to KEEPER_WORKERS_MAX */
    /* Serves packets from `fd` until it ends; then _exit(EX_OK), and the keeper ends too. */
    void (*work)(void *arg, int fd);
    void *arg;
    struct slice lost; /* the packet that the front gets when a worker has died */
    const int *keep;   /* more descriptors for the workers */
    size_t keep_count;
};

/* Forks the keeper, which forks the workers and replaces each that dies. Fills in the front's ends,
 * non-blocking; when one of them ends, the keeper is gone. To be called before the daemon's own
 * sandbox; exits with a message on failure. */
void keeper_start(const struct daemon *d, const struct keeper_plan *plan,
                  int fds[KEEPER_WORKERS_MAX]);

#endif
