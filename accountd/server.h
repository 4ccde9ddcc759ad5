/*
 * accountd/server.h - what the files of accountd share: the account base and those who ask.
 */
#ifndef POSTHORN_ACCOUNTD_SERVER_H
#define POSTHORN_ACCOUNTD_SERVER_H

#include "lib/account/account.h"
#include "lib/account/flow.h"
#include "lib/ipc/accountd.h"
#include "lib/ipc/peer.h"
#include "lib/sys/daemon.h"

#define SERVER_ROLES 7

struct role_uid {
    uid_t uid;
    unsigned roles; /* enum role in server.c */
};

/* The one import that may be under way: its text comes in several requests of one connection. */
struct import {
    uint64_t peer_id; /* 0: none */
    bool replace;
    struct strbuf text;
};

struct server {
    struct daemon *daemon;
    struct role_uid role_uids[SERVER_ROLES];
    struct account_base base;
    struct srs_key srs_key; /* what base.srs points to */
    /* of the request at hand: kept for their memory */
    struct account_hit hit, second_hit, sender_hit;
    struct ipc_server *ipc;
    struct ipc_peer *only_peer; /* standalone: the one connection; NULL: it has ended */
    struct new_passwords *passwords;
    struct usage *usage;
    struct audit *audit;
    struct store *store; /* NULL: standalone */
    struct parking *parking;
    struct import import;
    struct contacts *contacts;    /* NULL: standalone */
    struct changes *changes_told; /* what authd is told of */
    uint64_t folders_generation;  /* of the base, when it was found out whether folders exist */
    bool folders_known, folders_exist;
    struct expiry *expiry; /* NULL: standalone */
    struct flow *flow;     /* NULL: standalone */
    struct blocks *blocks;
    struct mass_mail *mass_mail; /* NULL: standalone */
    struct visits *visits;       /* NULL: standalone */
    struct recorder *recorder;
    struct doings *doings;
    struct loop_timer *checkpoint;
    _Atomic uint64_t *requests, *changes;
};

/* One frame that came in. */
struct request {
    struct server *server;
    struct ipc_peer *peer;
    struct frame_header header;
    struct slice payload;
    bool waited;  /* it was parked before: now answer with what is known */
    bool counted; /* RCPT: the user has limits, and these are left: */
    struct flow_allowances allowances;
};

enum outcome {
    REQUEST_DONE,
    REQUEST_PARKED, /* parking_add took a copy: it will be run again */
    REQUEST_BAD     /* close the connection */
};

/* Who is who, before the sandbox: it reads the list of users. */
void server_learn_roles(struct server *server, const struct daemon *daemon);
/* Opens the base in the current directory and takes connections. Exits with a message on error. */
void server_listen(struct server *server, struct daemon *daemon, int listen_fd);
/* The same for the one connection `fd` of the command line; ends the loop when that ends. */
void server_adopt(struct server *server, struct daemon *daemon, int fd);
void server_stop(struct server *server);
/* A peer that may be gone: NULL. */
struct ipc_peer *server_peer(const struct server *server, uint64_t peer_id);
/* Runs a request (again). */
void server_run(struct request *request);
/* The request comes from root or the suite's owner: a command line, which needs no administrator's
 * right. */
bool server_is_trusted(const struct request *request);
/* After each commit: what hangs on the base follows. */
void server_changed(struct server *server);

/* request.c: each answers one type. */
enum outcome request_rcpt(struct request *request);
enum outcome request_spend(struct request *request);
enum outcome request_unspend(struct request *request);
enum outcome request_expand(struct request *request);
enum outcome request_login(struct request *request);
enum outcome request_admin_login(struct request *request);
enum outcome request_rehash(struct request *request);
enum outcome request_missing(struct request *request);
enum outcome request_sender(struct request *request);
/* admin.c */
enum outcome request_admin(struct request *request);
void operation_import_peer_gone(struct server *server, uint64_t peer_id);

#endif
