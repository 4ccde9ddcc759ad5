/*
 * master/socket_set.h - the listening sockets of one service, bound once and kept over restarts.
 */
#ifndef POSTHORN_MASTER_SOCKET_SET_H
#define POSTHORN_MASTER_SOCKET_SET_H

#include "master/config.h"

struct bound_socket {
    char label[SERVICE_NAME_MAX + 1];
    char where[80]; /* "127.0.0.1:30025", "[::1]:30025", "authd.sock" */
    int fd;
};

struct socket_set {
    struct bound_socket *items;
    size_t count;
};

#define SOCKET_SETS_HELD 2

/* Binds everything that `row` listens on; what one of the sets in `have` (each may be NULL) has
 * already is taken from there, on a descriptor of its own. NULL with lines in `errors`: which one
 * failed and why. */
struct socket_set *socket_set_open(const struct config *config, const struct service_row *row,
                                   int run_dirfd,
                                   const struct socket_set *const have[SOCKET_SETS_HELD],
                                   struct strbuf *errors);
void socket_set_free(struct socket_set **setp); /* closes; the daemons' own copies live on */
/* After a reload: removes names that `old` (or NULL) has and `set` has not, and gives the socket
 * the mode and the group that `row` asks for now. */
void socket_set_replace(const struct socket_set *set, const struct socket_set *old,
                        const struct config *config, const struct service_row *row, int run_dirfd);
/* Takes the Unix sockets' names away, for a service that is stopped. */
void socket_set_unlink(const struct socket_set *set, int run_dirfd);

#endif
