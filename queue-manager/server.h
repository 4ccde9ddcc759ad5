/*
 * queue-manager/server.h - the socket run/queue.sock: agents and the command line.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SERVER_H
#define POSTHORN_QUEUE_MANAGER_SERVER_H

#include "queue-manager/queue.h"

struct server;

struct server_uids {
    uid_t local, remote, archive; /* who may be a local, a remote, an archive agent */
    uid_t auth;                   /* who says whose mail a session may fetch */
    uid_t alert;                  /* may ask for figures; (uid_t)-1: nobody */
    uid_t owner;                  /* in command */
};
struct server *server_new(struct queue *q, int listen_fd, const struct server_uids *uids);
void server_free(struct server **sp);

#endif
