/*
 * lib/ipc/local_deliver.h - local-deliver as keeper of the store. Socket run/store.sock.
 *
 * accountd and authd ask it to make, measure, rename and remove users' directories, for it alone
 * may write below store/ outside a session, and to read there what another user has authorized.
 * Paths are "DOMAIN/xx/USER", checked by the receiver.
 */
#ifndef POSTHORN_LIB_IPC_LOCAL_DELIVER_H
#define POSTHORN_LIB_IPC_LOCAL_DELIVER_H

#include "lib/ipc/frame.h"

#define STORE_SOCKET "store.sock"
#define STORE_PUBLIC_MARK "@" /* in front of USER: a public folder */
#define STORE_DIR_MAX 255     /* bytes of a folder's directory */
#define STORE_PATH_MAX 600
#define STORE_PLACE_MAX 32 /* bytes of a storage directory's ID */
#define STORE_CTL_PAYLOAD_MAX 8192
#define STORE_MAILBOX_ID_SIZE 24 /* with its NUL, as in lib/store/mailbox.h */

enum store_ctl_type {
    STORE_CREATE = 1, /* make the user's directory with its standard folders; idempotent */
    STORE_REMOVE,     /* moved aside at once, deleted in the background; idempotent */
    STORE_RENAME,     /* path -> new_path; idempotent */
    STORE_USAGE,
    STORE_CTL_REPLY,
    STORE_OPEN,    /* one folder's directory: the reply carries an O_PATH descriptor of it */
    STORE_RECOUNT, /* count again and correct what USAGE answers; takes its time */
    STORE_CHARGE,  /* somebody else changed a shared folder: count it for its owner */
    /* One folder inside a store, for somebody whom its owner lets; not idempotent. */
    STORE_FOLDER_CREATE,
    STORE_FOLDER_REMOVE, /* those below it stay */
    STORE_FOLDER_RENAME, /* those below it go along */
    STORE_URL,    /* struct store_url: the reply carries a pipe that a message text comes out of */
    STORE_COUNTS, /* messages in the standard folders */
};
/* CHARGE: what is added to the user's totals, or (negative) taken away. */
struct store_ctl_charge {
    int64_t bytes, messages;
    bool within_quota;                    /* EDQUOT if that is more than this: */
    uint64_t quota_bytes, quota_messages; /* 0: unlimited */
    bool new_uidvalidity;                 /* the reply tells one */
};
#define STORE_CHARGE_MAX (INT64_C(1) << 50) /* bytes, and messages, either way */
struct store_ctl {
    struct slice path, new_path; /* new_path: RENAME only */
    bool is_urgent;              /* CREATE: somebody waits for it */
    struct slice dir;            /* OPEN: name of the folder's directory below PATH/mail */
    struct slice place;          /* CREATE: ID of the only storage directory for it; "": any */
    struct slice folder;         /* FOLDER_*: its name, UTF-8 */
    struct slice new_folder;     /* FOLDER_RENAME */
    struct slice parent;         /* FOLDER_CREATE, FOLDER_RENAME: what gave the right to make it;
                                  * EACCES if another folder is nearer above the new one */
    struct store_ctl_charge charge;
};
/* COUNTS, in this order; a folder that is not there has none. */
enum store_counted {
    STORE_COUNT_INBOX,
    STORE_COUNT_SENT,
    STORE_COUNT_DRAFTS,
    STORE_COUNT_TRASH,
    STORE_COUNT_JUNK,
    STORE_COUNT_FOLDERS
};
struct store_folder_count {
    uint32_t unseen, total;
};
struct store_ctl_reply {
    uint32_t error;           /* 0 or an errno value; CREATE: ENODEV, ENOSPC of the place */
    uint64_t bytes, messages; /* USAGE, RECOUNT; URL: bytes to come out of the pipe */
    uint32_t uidvalidity;     /* CHARGE */
    char mailbox_id[STORE_MAILBOX_ID_SIZE]; /* FOLDER_CREATE, FOLDER_REMOVE: of the folder */
    struct store_folder_count counts[STORE_COUNT_FOLDERS]; /* COUNTS */
};
/* URL: what an authorized URL of the owner means (RFC 4467), judged and cut out by the receiver.
 * ENOENT whatever is wrong with it. Whether `reader` fits its access identifier is the sender's
 * business. */
#define STORE_URL_MAX 4096    /* bytes */
#define STORE_READER_MAX 1024 /* bytes */
struct store_url {
    struct slice path;   /* of the owner; empty: there is none, which takes as long to find out */
    struct slice reader; /* canonical address of who asks: each may have so many at once */
    struct slice url;
};
int store_url_encode(struct strbuf *out, const struct store_url *req);
int store_url_decode(struct slice payload, struct store_url *req);
int store_ctl_encode(struct strbuf *out, uint16_t type, const struct store_ctl *req);
int store_ctl_decode(struct slice payload, struct store_ctl *req);
int store_ctl_reply_encode(struct strbuf *out, uint32_t id, const struct store_ctl_reply *reply);
int store_ctl_reply_decode(struct slice payload, struct store_ctl_reply *reply);
/* What an error in a reply means, for a log. */
const char *store_ctl_error(uint32_t error);

/* Safe path? Exactly three parts, none empty, "." or "..", no NUL, no control character. */
bool store_path_valid(struct slice path);
/* The directory of one folder as the store writes it: a dot in front, no level. */
bool store_dir_valid(struct slice dir);
/* Of a public folder, which has no standard folders. `path` is valid. */
bool store_path_is_public(struct slice path);

#endif
