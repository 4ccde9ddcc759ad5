/*
 * lib/sys/pool_worker.h - what parent and worker of a pool say to each other. For lib/sys/pool.
 *
 * One socket pair for each worker, both ends in the same program: structs as they are in memory.
 * Down: struct pool_handover with its descriptors; while a session runs one byte, POOL_REVOKED,
 * says that it has to end because it holds what it may not any more. Up: one byte, POOL_PROVED,
 * when a session's client has shown itself to be honest; POOL_DONE, when a session that held no
 * capability has ended and the next one may come; or struct pool_request,
 * which is answered by one byte, POOL_SUCCESSOR, with a descriptor unless there is no successor.
 * The end of the downward direction means: no more sessions, and one that runs has to end.
 */
#ifndef POSTHORN_LIB_SYS_POOL_WORKER_H
#define POSTHORN_LIB_SYS_POOL_WORKER_H

#include "lib/sys/pool.h"

#define POOL_PROVED 'P'
#define POOL_DONE 'D'
#define POOL_REVOKED 'R'
#define POOL_SUCCESSOR 'S'

enum pool_fd {
    POOL_FD_CLIENT,
    POOL_FD_AUTH,
    POOL_FD_BACKEND,
    POOL_FD_FILTER,
    POOL_FD_KEY,
    POOL_FD_AHEAD,
    POOL_FDS_MAX
};

struct pool_handover {
    uint32_t port; /* index into ops->ports */
    uint16_t client_port, local_port;
    char session_id[16];
    char client_ip[INET6_ADDRSTRLEN];
    char local_ip[INET6_ADDRSTRLEN];
    bool present[POOL_FDS_MAX]; /* which descriptors come with it, in this order */
    bool is_greeted, is_pressed, is_known;
    char proxy_ip[INET6_ADDRSTRLEN]; /* of the load balancer that the client came by, or empty */
    bool continues;                  /* a connection that session previous_id had before */
    char previous_id[16];
    bool is_local; /* over a Unix socket, by a process of that user */
    uid_t local_uid;
    struct pool_carried carried;
};

struct pool_request { /* for a successor */
    uint8_t relay;    /* the worker stays between it and the client */
    struct pool_carried carried;
};

/* Sends one message with at most POOL_FDS_MAX descriptors, which stay the caller's; never blocks.
 * 0, or -1 with errno. */
int pool_message_send(int control_fd, const void *message, size_t len, const int *fds,
                      size_t fd_count);

/* In a child of the forker: the rest of the sandbox, then sessions until the parent closes
 * `control_fd`. */
_Noreturn void pool_worker_run(struct daemon *d, const struct pool_ops *ops,
                               const struct sandbox *box, int control_fd);

#endif
