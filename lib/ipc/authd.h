/*
 * lib/ipc/authd.h - authentication: the conversation between a session and authd.
 *
 * Socket run/authd.sock. The parent of a protocol daemon connects and sends ATTACH with one end of
 * a socket pair for each session that it starts: authd learns service and client address from the
 * parent, not from the session. On that channel the session relays SASL messages (secrets stay in
 * authd). A successful AUTH answers OK; for services with a mailbox the OK carries an O_PATH
 * descriptor of the user's `mail` directory, and FOLDER messages with one descriptor each follow
 * for the folders of others that the user may open. The session restricts itself to them by
 * Landlock before its first use.
 */
#ifndef POSTHORN_LIB_IPC_AUTHD_H
#define POSTHORN_LIB_IPC_AUTHD_H

#include "lib/ipc/frame.h"

#define AUTHD_SOCKET "authd.sock"
#define AUTHD_SASL_MAX 12288          /* bytes of one SASL message, decoded (RFC 4954 section 4) */
#define AUTHD_MECHANISM_MAX 32        /* RFC 4422 section 3.1: 20 */
#define AUTHD_PAYLOAD_MAX (512 << 10) /* of an answer: the longest is an ACL */
#define AUTHD_REQUEST_MAX 32768
#define AUTHD_HOST_MAX 253
#define AUTHD_FOLDERS_MAX 256  /* folders of others in one session */
#define AUTHD_TIMEOUT_MS 30000 /* a session waits for one answer; a hash queue and a delay fit */

enum authd_type {
    AUTHD_ATTACH = 1, /* parent: new session; carries the session's end of the channel */
    AUTHD_START,      /* session: mechanism and, if there is one, the initial response */
    AUTHD_STEP,       /* session: next client message */
    AUTHD_CANCEL,     /* session: the client sent "*" */
    AUTHD_CHALLENGE,  /* authd: relay to the client */
    AUTHD_OK,
    AUTHD_FAIL,
    AUTHD_END, /* authd, to a parent: the session with this id has to end */
    AUTHD_ACL, /* session of a logged-in user: struct accountd_acl without an owner */
    AUTHD_ACL_REPLY,
    AUTHD_FOLDER, /* authd, behind OK: one folder of somebody else, with its directory */
    AUTHD_CHARGE, /* session: what was changed in such a folder counts for its owner */
    AUTHD_CHARGED,
    AUTHD_QUOTA, /* session of a logged-in user: struct accountd_quota without an actor */
    AUTHD_QUOTA_REPLY,
    AUTHD_FOLDER_CHANGE, /* session: make, remove or rename a folder of another user's */
    AUTHD_FOLDER_CHANGED,
    AUTHD_URL, /* session: the text behind a URL that somebody has authorized (RFC 4467, 4468) */
    AUTHD_URL_REPLY,
    AUTHD_CUSTOMER, /* SMTP session of a logged-in user: a way to the mail that waits for it (ATRN)
                     */
    AUTHD_CUSTOMER_REPLY,
    AUTHD_ADMIN, /* session of an administrator: struct accountd_admin without actor and origin */
    AUTHD_ADMIN_REPLY,
    AUTHD_TOKEN, /* the same: a token to come back with; or, with one in it, its end */
    AUTHD_TOKEN_REPLY,
    AUTHD_WHO, /* directoryd: who has logged in to the LDAP session with this id? One bytes field */
    AUTHD_WHO_REPLY, /* canonical user@domain, or empty */
    AUTHD_PASSWORD,  /* session of LDAP: another password (lib/ipc/authd_password.h) */
    AUTHD_PASSWORD_REPLY,
    AUTHD_REMOVED, /* session of a mailbox: its user has removed messages: a report, no reply */
    AUTHD_FOLLOW_BLOCKS, /* parent: tell me which addresses are blocked; no field */
    AUTHD_BLOCKS,        /* authd, to a parent that follows: lib/ipc/blocked.h */
};

struct authd_attach {
    struct slice service; /* "smtp" "imap" "pop3" "admin" "ldap" */
    struct slice client_ip, local_ip;
    uint16_t client_port, local_port;
    struct slice session_id; /* for the log */
    bool is_local;           /* over a Unix socket, by a process of this user */
    uint32_t local_uid;
};
int authd_attach_encode(struct strbuf *out, const struct authd_attach *attach);
int authd_attach_decode(struct slice payload, struct authd_attach *attach);

struct authd_start {
    struct slice mechanism; /* "PLAIN"; POP3 USER/PASS and IMAP LOGIN are sent as PLAIN */
    bool has_initial;
    struct slice initial; /* decoded bytes */
    bool tls;             /* the connection is protected */
    struct slice binding; /* tls-exporter value, 32 bytes, or empty */
    struct slice host;    /* that the client asked for in TLS, or empty: only bare names heed it */
};
int authd_start_encode(struct strbuf *out, const struct authd_start *start);
int authd_start_decode(struct slice payload, struct authd_start *start);

/* STEP, CHALLENGE, END, URL, CUSTOMER, CUSTOMER_REPLY, WHO and WHO_REPLY: one bytes field. */
int authd_data_encode(struct strbuf *out, uint16_t type, uint32_t id, struct slice data);
int authd_data_decode(struct slice payload, struct slice *data);

struct authd_ok {
    struct slice user; /* canonical user@domain */
    struct slice data; /* additional data with success (SCRAM's v=...), may be empty */
    struct slice full_name;
    uint32_t rights; /* enum accountd_right */
    uint64_t quota_bytes, quota_messages;
    uint16_t folder_count; /* FOLDER frames that follow, at most AUTHD_FOLDERS_MAX */
};
int authd_ok_encode(struct strbuf *out, uint32_t id, const struct authd_ok *ok);
int authd_ok_decode(struct slice payload, struct authd_ok *ok);

/* ---- FOLDER: carries an O_PATH descriptor of the folder's directory, if there is a right among
 * RIGHTS_IN_DIRECTORY ---- */
struct authd_folder {
    struct slice name; /* as the user sees it, UTF-8 */
    uint32_t rights;   /* enum imap_right */
    uint64_t quota_bytes, quota_messages;
};
int authd_folder_encode(struct strbuf *out, uint32_t id, const struct authd_folder *folder);
int authd_folder_decode(struct slice payload, struct authd_folder *folder);

/* ---- CHARGE: local-deliver does it, the session has no way to the owner's totals ---- */
struct authd_charge {
    struct slice name;       /* of a FOLDER with a right that writes */
    int64_t bytes, messages; /* at most STORE_CHARGE_MAX (lib/ipc/local_deliver.h) either way */
    bool within_quota;       /* EDQUOT if that is more than the owner's quota */
    bool new_uidvalidity;    /* the answer tells one */
};
int authd_charge_encode(struct strbuf *out, const struct authd_charge *charge);
int authd_charge_decode(struct slice payload, struct authd_charge *charge);
struct authd_charged {
    uint32_t error; /* 0 or an errno value */
    uint32_t uidvalidity;
};
int authd_charged_encode(struct strbuf *out, uint32_t id, const struct authd_charged *charged);
int authd_charged_decode(struct slice payload, struct authd_charged *charged);

/* ---- REMOVED: for the list of what the user deleted (lib/ipc/authd_removed.c) ---- */
#define AUTHD_REMOVED_FOLDER_MAX 300 /* bytes; more is cut */
struct authd_removed {
    struct slice folder; /* as the user sees it */
    uint32_t messages;
    uint64_t bytes;
};
int authd_removed_encode(struct strbuf *out, const struct authd_removed *removed);
int authd_removed_decode(struct slice payload, struct authd_removed *removed);

/* ---- FOLDER_CHANGE: accountd says whether the user may, local-deliver does it, for the session
 * has no way to the store that the folder is in ---- */
enum authd_folder_op {
    AUTHD_FOLDER_CREATE, /* takes the right k on the nearest folder above that is there */
    AUTHD_FOLDER_REMOVE, /* x on it */
    AUTHD_FOLDER_RENAME, /* x on it, k on the nearest above `to`, of the same owner */
};
struct authd_folder_change {
    uint8_t op;            /* enum authd_folder_op */
    struct slice name, to; /* as the user sees them, UTF-8: "~bob@d.test/Work/New"; to: RENAME */
};
int authd_folder_change_encode(struct strbuf *out, const struct authd_folder_change *change);
int authd_folder_change_decode(struct slice payload, struct authd_folder_change *change);
struct authd_folder_changed {
    uint32_t error;          /* 0 or an errno value: EACCES, ENOENT also for what is not shown */
    uint32_t rights;         /* what the user has where folders were made, as on the one above */
    uint32_t there;          /* CREATE, RENAME: bytes of the new name, up to the end of the folder
                              * that was there before; those between were made, too */
    struct slice mailbox_id; /* of the new or removed folder; may be empty */
};
int authd_folder_changed_encode(struct strbuf *out, uint32_t id,
                                const struct authd_folder_changed *changed);
int authd_folder_changed_decode(struct slice payload, struct authd_folder_changed *changed);

/* ---- URL: local-deliver reads it, for the session has no way to the owner's mail. GRANTED comes
 * with the reading end of a pipe; less than `size` bytes in it: reading failed ---- */
#define AUTHD_URL_MAX 4096 /* bytes of a URL */
enum authd_url_result {
    AUTHD_URL_GRANTED,
    AUTHD_URL_REFUSED, /* one answer for what is wrong, not allowed, expired or not there */
    AUTHD_URL_LATER    /* too much at once, or somebody is away */
};
struct authd_url_reply {
    uint8_t result; /* enum authd_url_result */
    uint64_t size;  /* GRANTED: bytes */
};
int authd_url_reply_encode(struct strbuf *out, uint32_t id, const struct authd_url_reply *reply);
int authd_url_reply_decode(struct slice payload, struct authd_url_reply *reply);

enum authd_failure {
    AUTHD_BAD_CREDENTIALS, /* one answer for wrong password and unknown user */
    AUTHD_DISABLED,        /* right password, but the account or service is switched off */
    AUTHD_NEEDS_TLS,       /* mechanism not allowed on this connection */
    AUTHD_BAD_MECHANISM,
    AUTHD_BAD_MESSAGE, /* the client broke the mechanism's syntax */
    AUTHD_TEMPORARY,   /* accountd away, overload: try later */
    AUTHD_BLOCKED,     /* too many failures from there */
    AUTHD_CANCELLED,
    AUTHD_TOO_SOON, /* POP3: pop3.login_delay is not over */
    AUTHD_EXPIRED,  /* right password, but it has to be changed before any login */
    AUTHD_NO_TOTP   /* an administrator: right password, but admin.totp requires an authenticator */
};
struct authd_fail {
    uint8_t failure; /* enum authd_failure */
    struct slice text;
};
int authd_fail_encode(struct strbuf *out, uint32_t id, const struct authd_fail *fail);
int authd_fail_decode(struct slice payload, struct authd_fail *fail);

/* ---- sessions of service "admin": who logs in is an administrator. The mechanism
 * AUTHD_TOKEN_LOGIN with a token of an earlier session as initial response logs in without a
 * password, until the token has not been used for admin.session_timeout, or the password is
 * another, or authd is. With an authenticator a right password is answered by an empty CHALLENGE:
 * the STEP that follows has its code ---- */
/* AUTHD_LOCAL_LOGIN logs in whose process it is that came over the Unix socket, if that is root or
 * the owner of the suite: as "uid N", who may do everything. */
#define AUTHD_LOCAL_LOGIN "LOCAL"
#define AUTHD_TOKEN_LOGIN "TOKEN"
#define AUTHD_TOKEN_LEN 43                   /* characters of [0-9A-Za-z]: 256 bits */
#define AUTHD_ADMIN_REQUEST_MAX (256u << 10) /* of an ADMIN */

#endif
