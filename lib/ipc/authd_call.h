/*
 * lib/ipc/authd_call.h - what a session asks authd, blocking: its side of lib/ipc/authd.h.
 *
 * The channel is the one that the pool's parent has attached (AUTHD_ATTACH). Frames may hold
 * passwords: the buffers are wiped.
 */
#ifndef POSTHORN_LIB_IPC_AUTHD_CALL_H
#define POSTHORN_LIB_IPC_AUTHD_CALL_H

#include "lib/ipc/authd.h"

struct ipc_client;
enum authd_step { AUTHD_STEP_CHALLENGE, AUTHD_STEP_OK, AUTHD_STEP_FAIL };
struct authd_result {
    enum authd_step step;
    struct slice challenge; /* CHALLENGE; also additional data of OK */
    struct authd_ok ok;     /* OK */
    int dir_fd;             /* OK of a mailbox service: owned by the caller; else -1 */
    struct authd_fail fail; /* FAIL; also when authd did not answer (TEMPORARY) */
};
/* Borrowed until the next call on `auth`. Never fails otherwise than by AUTHD_STEP_FAIL. */
void authd_call_start(struct ipc_client *auth, const struct authd_start *start,
                      struct authd_result *result);
void authd_call_step(struct ipc_client *auth, struct slice response, struct authd_result *result);
void authd_call_cancel(struct ipc_client *auth);
/* After an OK, folder_count times: the next one, borrowed until the next call, and its directory,
 * which the caller owns (-1: its rights need none). 0, or -1. */
int authd_call_folder(struct ipc_client *auth, struct authd_folder *folder, int *dir_fd);
/* Rights on the user's own folders. `entries` is the caller's. The reply is borrowed until the next
 * call. 0, or -1: authd or accountd is away. */
struct accountd_acl;
struct accountd_acl_reply;
struct accountd_acl_entry;
int authd_call_acl(struct ipc_client *auth, const struct accountd_acl *request,
                   struct accountd_acl_reply *reply, struct accountd_acl_entry *entries);
/* A quota that the user, as an administrator, asks about or sets. Without an answer the reply says
 * AWAY. */
struct accountd_quota;
struct accountd_quota_reply;
void authd_call_quota(struct ipc_client *auth, const struct accountd_quota *request,
                      struct accountd_quota_reply *reply);
/* A report is all that it is: what is lost is lost. NULL: likewise. */
void authd_tell_removed(struct ipc_client *auth, const struct authd_removed *removed);
/* 0, or -1 with errno (EBUSY also when authd or local-deliver is away). */
int authd_call_charge(struct ipc_client *auth, const struct authd_charge *charge,
                      uint32_t *uidvalidity);
/* 0 with *changed, borrowed until the next call; or -1 with errno, as above. */
int authd_call_folder_change(struct ipc_client *auth, const struct authd_folder_change *change,
                             struct authd_folder_changed *changed);
/* A descriptor to read *size bytes from, which the caller owns, or -1 with errno: ENOENT refused,
 * EBUSY later (also when authd is away). */
int authd_call_url(struct ipc_client *auth, struct slice url, uint64_t *size);
/* A connection to queue-manager (lib/ipc/queue_manager.h, "ATRN") that speaks for the user who has
 * logged in, and which the caller owns; -1: somebody is away. */
int authd_call_customer(struct ipc_client *auth);
/* An operation of the administrator who has logged in. The reply is borrowed until the next call on
 * `auth`. 0, or -1: authd or accountd is away. */
struct accountd_admin;
struct accountd_admin_reply;
int authd_call_admin(struct ipc_client *auth, const struct accountd_admin *request,
                     struct accountd_admin_reply *reply);
/* A token for that administrator into `token`, or with `ended` the end of that one. 0, or -1. */
int authd_call_token(struct ipc_client *auth, struct slice ended, struct strbuf *token);
/* Name and password in one (IMAP LOGIN, POP3 PASS). */
struct authd_login {
    struct slice name, password;
    bool tls;
    struct slice host; /* as of authd_start */
};
void authd_call_login(struct ipc_client *auth, const struct authd_login *login,
                      struct authd_result *result);

#endif
