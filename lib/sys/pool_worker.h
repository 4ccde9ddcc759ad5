/*
 * lib/sys/pool_worker.h - what parent and worker of a pool say to each other. For lib/sys/pool.
 *
 * One socket pair for each worker, both ends in the same program: structs as they are in memory.
 * Down: struct pool_handover with POOL_FDS_MAX descriptors or one less; while a session runs one
 * byte, POOL_REVOKED, says that it has to end because it holds what it may not any more. Up: one
 * byte, POOL_DONE, when a session that held no capability has ended and the next one may come. The
 * end of the downward direction means: no more sessions, and one that runs has to end.
 */
#ifndef POSTHORN_LIB_SYS_POOL_WORKER_H
#define POSTHORN_LIB_SYS_POOL_WORKER_H

#include "lib/sys/pool.h"

#define POOL_DONE 'D'
#define POOL_REVOKED 'R'

struct pool_handover {
    uint32_t label; /* index into ops->labels */
    uint16_t client_port, local_port;
    char session_id[16];
    char client_ip[INET6_ADDRSTRLEN];
    char local_ip[INET6_ADDRSTRLEN];
};

#define POOL_FDS_MAX 3 /* client, channel to authd, backend: the last may be missing */

/* In the parent: never blocks; the descriptors stay the caller's. 0, or -1 with errno. */
int pool_handover_send(int control_fd, const struct pool_handover *handover, const int *fds,
                       size_t fd_count);

/* In a child of the forker: the rest of the sandbox, then sessions until the parent closes
 * `control_fd`. */
_Noreturn void pool_worker_run(struct daemon *d, const struct pool_ops *ops,
                               const struct sandbox *box, int control_fd);

#endif
