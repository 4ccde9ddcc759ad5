/*
 * lib/ipc/authd_password.h - an LDAP session asks authd for another password of a user, who proves
 * to be it by the present one (RFC 3062). Conventions as in lib/ipc/authd.h.
 *
 * A wrong password is answered by FAIL, as a login would be; else the answer is PASSWORD_REPLY. Who
 * has logged in to the session stays who it is.
 */
#ifndef POSTHORN_LIB_IPC_AUTHD_PASSWORD_H
#define POSTHORN_LIB_IPC_AUTHD_PASSWORD_H

#include "lib/ipc/authd_call.h"

#define AUTHD_PASSWORD_NAME_MAX 1024
#define AUTHD_PASSWORD_BYTES_MAX 1024
#define AUTHD_PASSWORD_TEXT_MAX 1024

struct authd_password {
    bool tls;            /* the connection is protected */
    struct slice host;   /* as in struct authd_start */
    struct slice name;   /* as the client wrote it */
    struct slice old;    /* secret */
    struct slice wanted; /* secret; "": one is to be made up */
};
int authd_password_encode(struct strbuf *out, const struct authd_password *password);
int authd_password_decode(struct slice payload, struct authd_password *password);

enum authd_password_result {
    AUTHD_PASSWORD_DONE,
    AUTHD_PASSWORD_REFUSED,  /* it does not keep the rules: the text says which */
    AUTHD_PASSWORD_NOT_OURS, /* somebody else keeps it, or the account may not change it */
    AUTHD_PASSWORD_LATER
};
struct authd_password_reply {
    uint8_t result;       /* enum authd_password_result */
    struct slice text;    /* why not: one line */
    struct slice made_up; /* secret: the new one, if it was made up */
};
int authd_password_reply_encode(struct strbuf *out, uint32_t id,
                                const struct authd_password_reply *reply);
int authd_password_reply_decode(struct slice payload, struct authd_password_reply *reply);

/* The session's side, blocking. True: authd has answered with *reply; false: with *fail. Both are
 * borrowed until the next call on `auth`. */
bool authd_call_password(struct ipc_client *auth, const struct authd_password *password,
                         struct authd_password_reply *reply, struct authd_fail *fail);

#endif
