/*
 * accountd/server.h - what the files of accountd share: the account base and those who ask.
 */
#ifndef POSTHORN_ACCOUNTD_SERVER_H
#define POSTHORN_ACCOUNTD_SERVER_H

#include "lib/account/account.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/peer.h"
#include "lib/sys/daemon.h"

struct server {
    struct daemon *daemon;
    struct account_base base;
    struct account_hit hit, second_hit; /* of the request at hand: kept for their memory */
    struct ipc_server *ipc;
    struct usage *usage;
    struct store *store;     /* NULL: standalone */
    struct parking *parking;
    struct loop_timer *checkpoint;
    _Atomic uint64_t *requests, *changes;
};

/* One frame that came in. */
struct request {
    struct server *server;
    struct ipc_peer *peer;
    struct frame_header header;
    struct slice payload;
    bool waited; /* it was parked before: now answer with what is known */
};

enum outcome {
    REQUEST_DONE,
    REQUEST_PARKED, /* parking_add took a copy: it will be run again */
    REQUEST_BAD     /* close the connection */
};

/* Opens the base in the current directory and takes connections. Exits with a message on error. */
void server_start(struct server *server, struct daemon *daemon);
void server_stop(struct server *server);
/* Runs a request (again). */
void server_run(struct request *request);
/* After each commit: what hangs on the base follows. */
void server_changed(struct server *server);

/* request.c: each answers one type. */
enum outcome request_rcpt(struct request *request);
enum outcome request_expand(struct request *request);
enum outcome request_login(struct request *request);
enum outcome request_rehash(struct request *request);
enum outcome request_usage(struct request *request);
enum outcome request_sender(struct request *request);
/* admin.c */
enum outcome request_admin(struct request *request);
void admin_peer_gone(struct ipc_peer *peer);

#endif
