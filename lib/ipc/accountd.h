/*
 * lib/ipc/accountd.h - what other programs ask accountd, the sole owner of the account base.
 *
 * Socket run/accountd.sock. Who may ask what goes by the peer's uid: smtpd RCPT, SPEND and SENDER
 * (EXPAND, with smtp.allow_vrfy_expn), queue-manager EXPAND and SENDERS, authd LOGIN, MEANS,
 * VISITS, FOLDERS and REHASH, local-deliver USAGE, MISSING and AUTO_REPLY, directoryd CONTACTS,
 * GROUPS_OF and CONTACT_EDIT, syncd SYNC, alertd BLOCKS, EXPIRING and ADDRESSEES, root (the command
 * line) ADMIN, authd for an administrator ADMIN and ADMIN_LOGIN, and for a user OWN_PASSWORD.
 * Encoders write one whole frame with request id 0 (the client fills it in); decoders check
 * everything and return 0, or -1: close the connection. Slices borrow from the payload.
 */
#ifndef POSTHORN_LIB_IPC_ACCOUNTD_H
#define POSTHORN_LIB_IPC_ACCOUNTD_H

#include "lib/ipc/frame.h"
#include "lib/ipc/object.h"

#define ACCOUNTD_SOCKET "accountd.sock"
#define ACCOUNTD_ADDRESS_MAX 1024 /* bytes of an address; UTF-8 */
#define ACCOUNTD_TEXT_MAX 1024
#define ACCOUNTD_CURSOR_MAX 2048 /* bytes of where a listing goes on */
#define ACCOUNTD_HOST_MAX 253
#define ACCOUNTD_BATCH_MAX 1000          /* addresses in one EXPAND */
#define ACCOUNTD_TARGETS_MAX 100000      /* results of one EXPAND, all addresses together */
#define ACCOUNTD_OBJECTS_MAX 1000        /* objects in one page of a listing */
#define ACCOUNTD_USAGES_MAX 2000         /* mailboxes in one USAGE report */
#define ACCOUNTD_SERVICE_MAX 16          /* bytes of a service's name */
#define ACCOUNTD_RECORD_MAX 4096         /* bytes of password records */
#define ACCOUNTD_PAYLOAD_MAX (12u << 20) /* of a reply */
#define ACCOUNTD_REQUEST_MAX (4u << 20)  /* of a request */

enum accountd_type {
    ACCOUNTD_RCPT = 1, /* may this recipient be accepted in the SMTP session? */
    ACCOUNTD_RCPT_REPLY,
    ACCOUNTD_EXPAND, /* recipients to mailboxes and remote addresses */
    ACCOUNTD_EXPAND_REPLY,
    ACCOUNTD_LOGIN, /* login name to account and password record */
    ACCOUNTD_LOGIN_REPLY,
    ACCOUNTD_REHASH, /* replace a password record after a successful login */
    ACCOUNTD_USAGE,  /* what mailboxes hold now: a report, no reply */
    ACCOUNTD_ADMIN,  /* one administrative operation */
    ACCOUNTD_ADMIN_REPLY,
    ACCOUNTD_OK,     /* reply without content */
    ACCOUNTD_SENDER, /* may this authenticated user use this envelope sender? */
    ACCOUNTD_SENDER_REPLY,
    ACCOUNTD_MISSING, /* a mailbox has no directory: a report, no reply */
    ACCOUNTD_FOLDERS, /* folders of others that a user may open */
    ACCOUNTD_FOLDERS_REPLY,
    ACCOUNTD_ACL, /* rights on a user's own folders */
    ACCOUNTD_ACL_REPLY,
    ACCOUNTD_WATCH, /* authd: answered when a change may end sessions */
    ACCOUNTD_CHANGED,
    ACCOUNTD_QUOTA, /* quotas that an administrator may set */
    ACCOUNTD_QUOTA_REPLY,
    ACCOUNTD_SPEND,      /* may this user send this much, and count it */
    ACCOUNTD_AUTO_REPLY, /* what a user's automatic reply says */
    ACCOUNTD_AUTO_REPLY_REPLY,
    ACCOUNTD_SENDERS, /* who system messages come from (lib/ipc/accountd_senders.h) */
    ACCOUNTD_SENDERS_REPLY,
    ACCOUNTD_MEANS, /* lib/ipc/accountd_means.h */
    ACCOUNTD_MEANS_REPLY,
    ACCOUNTD_CODE_USED,
    ACCOUNTD_BLOCK,  /* authd: nobody there may log in (lib/ipc/accountd_block.h); OK */
    ACCOUNTD_BLOCKS, /* authd: answered when there are changes */
    ACCOUNTD_BLOCKS_REPLY,
    ACCOUNTD_ADMIN_LOGIN, /* an administrator's name to the password record: a LOGIN_REPLY */
    ACCOUNTD_CONTACTS, /* directoryd: public contacts, and what changes of them (lib/ipc/contacts.h)
                        */
    ACCOUNTD_CONTACTS_REPLY,
    ACCOUNTD_CONTACT_EDIT, /* directoryd: add, set or del of a contact */
    ACCOUNTD_CONTACT_EDIT_REPLY,
    ACCOUNTD_OWN_PASSWORD, /* authd: the passwd of an ADMIN, for its own user: an ADMIN_REPLY */
    ACCOUNTD_GROUPS_OF,    /* directoryd: the groups that a user is in (lib/ipc/contacts.h) */
    ACCOUNTD_GROUPS_OF_REPLY,
    ACCOUNTD_SYNC,     /* syncd: an ADMIN without actor, and its reply */
    ACCOUNTD_EXPIRING, /* alertd: whose password ends before long (lib/ipc/accountd_expiring.h) */
    ACCOUNTD_EXPIRING_REPLY,
    ACCOUNTD_ADDRESSEES, /* alertd: who gets a message to everybody (accountd_addressees.h) */
    ACCOUNTD_ADDRESSEES_REPLY,
    ACCOUNTD_VISITS, /* authd: logins to mailboxes, removals (lib/ipc/accountd_doings.h); OK */
    ACCOUNTD_SENT,   /* smtpd: a message of a user: a report, no reply */
    ACCOUNTD_TOTP,   /* authd: is it the code of an administrator? (lib/ipc/accountd_totp.h) */
    ACCOUNTD_TOTP_REPLY,
    ACCOUNTD_UNSPEND, /* smtpd: what SPEND has counted did not get into the queue; no reply */
    ACCOUNTD_GREET,   /* alertd: new mailboxes to be greeted (lib/ipc/accountd_greet.h) */
    ACCOUNTD_GREET_REPLY,
};

/* ---- RCPT: asked by smtpd for each RCPT TO ---- */
struct accountd_rcpt {
    struct slice address;   /* as given, without angle brackets; "postmaster" alone is allowed */
    struct slice sender;    /* reverse path, may be empty */
    struct slice auth_user; /* canonical address of the authenticated user, or empty */
    uint64_t size;          /* declared with SIZE=, 0: unknown */
    bool trusted;           /* from a host that need not authenticate: its senders are believed */
};
enum accountd_verdict {
    ACCOUNTD_LOCAL,   /* a mailbox, alias, group or policy of ours takes it */
    ACCOUNTD_FOREIGN, /* not one of our domains: relaying is the caller's decision */
    ACCOUNTD_REFUSED, /* for good: 5xx with `dsn` and `text` */
    ACCOUNTD_DEFERRED /* for now: 4xx with `dsn` and `text` */
};
/* How much the user may send, as it is now; `limit` is the name of what says so. */
#define ACCOUNTD_NO_LIMIT UINT64_MAX
struct accountd_allowance {
    uint64_t max;
    struct slice limit;
    bool for_now; /* later it is more */
};
struct accountd_rcpt_reply {
    uint8_t verdict;   /* enum accountd_verdict */
    uint16_t code;     /* SMTP code when REFUSED or DEFERRED, e.g. 550, 452, 552 */
    struct slice dsn;  /* RFC 3463 code: "5.1.1", "5.2.2", "5.2.1" */
    struct slice text; /* one line for the reply */
    bool counted;      /* LOCAL, FOREIGN: the message is to be counted (SPEND); and then */
    struct accountd_allowance rcpts;       /* all recipients of the message, this one included */
    struct accountd_allowance class_rcpts; /* those that are LOCAL, or those that are FOREIGN */
    struct accountd_allowance bytes;       /* of the message */
};
int accountd_rcpt_encode(struct strbuf *out, const struct accountd_rcpt *req);
int accountd_rcpt_decode(struct slice payload, struct accountd_rcpt *req);
int accountd_rcpt_reply_encode(struct strbuf *out, uint32_t id, const struct accountd_rcpt_reply *);
int accountd_rcpt_reply_decode(struct slice payload, struct accountd_rcpt_reply *reply);

/* ---- SPEND: asked by smtpd when a message of a user whose RCPT replies said `counted` is whole,
 * and before it is accepted. Checked and counted at once: of two sessions that want the last of an
 * allowance one gets it. Reply is an accountd_rcpt_reply: LOCAL, it is counted. LOCAL with a text:
 * it is to be put on hold, for that reason. If the queue then fails UNSPEND takes it back, with
 * `held`: there was such a text. What an asker that dies between the two has had counted stays so
 * ---- */
#define ACCOUNTD_SUBJECT_MAX 256
struct accountd_spend {
    struct slice auth_user;
    uint64_t local_rcpts, remote_rcpts, bytes;
    struct slice subject; /* as in the header section, its beginning; may be empty */
};
int accountd_spend_encode(struct strbuf *out, const struct accountd_spend *req);
int accountd_spend_decode(struct slice payload, struct accountd_spend *req);
int accountd_unspend_encode(struct strbuf *out, const struct accountd_spend *req, bool held);
int accountd_unspend_decode(struct slice payload, struct accountd_spend *req, bool *held);

/* ---- EXPAND: asked by queue-manager, all recipients of a message in batches ---- */
enum accountd_target_kind {
    ACCOUNTD_TO_MAILBOX, /* address is the canonical mailbox user@domain */
    ACCOUNTD_TO_REMOTE,  /* address goes to remote-deliver */
    ACCOUNTD_TO_FAILURE, /* code and text say why: bounce (5.x.x) or try later (4.x.x) */
    ACCOUNTD_TO_NOBODY,  /* a mailbox that forwards and keeps nothing: no mail goes there */
    ACCOUNTD_SHOWN,      /* no target: the group `address` (as the header may have it) is shown by
                            the addresses in `text`, a line (LF) each */
};
#define ACCOUNTD_SHOWN_MAX 32768 /* bytes of these; a group with more is shown as itself */
struct accountd_target {
    uint16_t source; /* index of the address in the request */
    uint8_t kind;    /* enum accountd_target_kind */
    struct slice address;
    struct slice via;  /* "" direct; "alias", "group NAME", "forward": for the log and for DSNs */
    struct slice path; /* mailbox: directory below store/, "DOMAIN/xx/USER" */
    uint64_t quota_bytes, quota_messages; /* mailbox: 0 is unlimited */
    uint8_t warning_limit;                /* mailbox: percent of a quota; 0: no warning */
    bool auto_reply;                      /* mailbox: mail to it may be answered: ask AUTO_REPLY */
    struct slice dsn, text;               /* failure; SHOWN: text */
    struct slice
        sender; /* remote: reverse path to use (lib/mail/srs.h), or empty: the mail's own */
    struct slice notice; /* failure: who is told of it besides the sender, or empty (DIR-09) */
};
/* One address of the request, who submitted the mail (a public folder takes it from those with the
 * right to write alone) and who sent it (forwarded mail has another sender). */
struct accountd_recipient {
    struct slice address;
    struct slice auth_user; /* canonical, or empty */
    struct slice sender;    /* reverse path of the mail, or empty */
    bool by_rule;           /* the administrator's rule sends it there: no right is asked for */
};
/* The request: `count` addresses. The same mailbox is listed once for each source that leads to it;
 * the queue removes duplicates. Loops and nesting are resolved (and cut) by accountd. */
int accountd_expand_encode(struct strbuf *out, const struct accountd_recipient *recipients,
                           uint32_t count);
/* Calls each(arg, i, recipient); -1 stops. */
int accountd_expand_decode(struct slice payload,
                           int (*each)(void *arg, uint32_t i,
                                       const struct accountd_recipient *recipient),
                           void *arg);
int accountd_expand_reply_encode(struct strbuf *out, uint32_t id,
                                 const struct accountd_target *targets, uint32_t count);
int accountd_expand_reply_decode(struct slice payload,
                                 int (*each)(void *arg, const struct accountd_target *target),
                                 void *arg);

/* ---- LOGIN: asked by authd ---- */
enum accountd_right {
    ACCOUNTD_MAY_SMTP = 1 << 0,
    ACCOUNTD_MAY_POP3 = 1 << 1,
    ACCOUNTD_MAY_IMAP = 1 << 2,
    ACCOUNTD_MAY_WEB = 1 << 3,
    ACCOUNTD_MAY_FTP = 1 << 4,
    ACCOUNTD_MAY_REMOVE_MAIL = 1 << 5,
    ACCOUNTD_MAY_CHANGE_MAIL = 1 << 6, /* off: the mailbox is read-only */
    ACCOUNTD_POP3_MARKS_SEEN = 1 << 7, /* no right: what POP3 fetched becomes \Seen */
    ACCOUNTD_POP3_DELAYED = 1 << 8,    /* no right: pop3.login_delay holds for the user */
    ACCOUNTD_MAY_NETDISK = 1 << 9,
    ACCOUNTD_MAY_PUSH = 1 << 10,
    ACCOUNTD_MAY_CHANGE_PROFILE = 1 << 11,
    ACCOUNTD_MAY_FETCH_POP3 = 1 << 12,
    ACCOUNTD_MAY_CONTACTS = 1 << 13, /* off: no login to LDAP */
    ACCOUNTD_MAY_ARCHIVE_QUERY = 1 << 14,
    ACCOUNTD_MAY_CALENDAR = 1 << 15,
    ACCOUNTD_MORE_MEANS = 1 << 16, /* no right: ask MEANS (lib/ipc/accountd_means.h) */
    ACCOUNTD_MAY_NOTES = 1 << 17,
    ACCOUNTD_MAY_NOTIFY = 1 << 18,
    ACCOUNTD_MAY_SHORT_MESSAGES = 1 << 19,
    ACCOUNTD_HAS_TOTP = 1 << 20, /* no right: of ADMIN_LOGIN, there is an authenticator */
};
enum accountd_login_state {
    ACCOUNTD_LOGIN_OK, /* account exists and may log in */
    ACCOUNTD_LOGIN_UNKNOWN,
    ACCOUNTD_LOGIN_DISABLED, /* disabled, pending, suspended or expired */
    ACCOUNTD_LOGIN_LATER,    /* the base failed, or the mailbox is being moved: try again */
    ACCOUNTD_LOGIN_PASSWORD  /* exists, and its password has to be changed before any login */
};
struct accountd_login {
    struct slice name; /* as typed; bare names belong to the primary domain (DIR-02), or to that */
    struct slice local_ip; /* which has the address that the client connected to, */
    struct slice host;     /* or the host name that it asked for, as the session says (DIR-10) */
    struct slice service;  /* "smtp", "imap", "pop3", "ldap": whose access list is told; or empty */
};
struct accountd_login_reply {
    uint8_t state;         /* enum accountd_login_state */
    struct slice user;     /* canonical user@domain; UNKNOWN: what it would be, or empty */
    struct slice path;     /* "DOMAIN/xx/USER" below store/ */
    struct slice password; /* record: "{SCHEME}data"; several records separated by a space */
    uint32_t rights;       /* enum accountd_right */
    uint64_t quota_bytes, quota_messages;
    struct slice full_name;
    bool has_folders;              /* there may be folders of others for this user: ask FOLDERS */
    struct slice password_changed; /* when it was set last: another value, another password */
    struct slice place;  /* ID of the storage directory that the mailbox is to be in; "": any */
    struct slice access; /* who may come to that service (lib/auth/access_list.h); "": everybody */
};
int accountd_login_encode(struct strbuf *out, const struct accountd_login *req);
int accountd_login_decode(struct slice payload, struct accountd_login *req);
int accountd_login_reply_encode(struct strbuf *out, uint32_t id,
                                const struct accountd_login_reply *);
int accountd_login_reply_decode(struct slice payload, struct accountd_login_reply *reply);

/* ---- ADMIN_LOGIN: asked by authd for a login to admind. OK or UNKNOWN; `user` is the canonical
 * name, which has no "@" ---- */
int accountd_admin_login_encode(struct strbuf *out, struct slice name);
int accountd_admin_login_decode(struct slice payload, struct slice *name);

/* ---- FOLDERS: the folders of others that a user may open, asked by authd after the proof ---- */
#define ACCOUNTD_FOLDERS_MAX 256 /* for one user; more are not shown */
#define ACCOUNTD_FOLDER_NAME_MAX 800
struct accountd_folder {
    struct slice name; /* as the user sees it, UTF-8: "@News", "~bob@d.test/Work" */
    struct slice path; /* store path of the owner, "DOMAIN/xx/USER" */
    struct slice dir;  /* directory of the one folder below PATH/mail; "": all of PATH/mail */
    uint32_t rights;   /* enum imap_right, RIGHT_LOOKUP or more */
    uint64_t quota_bytes, quota_messages; /* of the owner; 0 is unlimited */
};
int accountd_folders_encode(struct strbuf *out, struct slice user);
int accountd_folders_decode(struct slice payload, struct slice *user);
int accountd_folders_reply_encode(struct strbuf *out, uint32_t id,
                                  const struct accountd_folder *folders, uint32_t count);
/* Fills `folders`. */
int accountd_folders_reply_decode(struct slice payload,
                                  struct accountd_folder folders[ACCOUNTD_FOLDERS_MAX],
                                  uint32_t *count);

/* ---- WATCH: answered at once if there is something newer than change number `known` (0: whatever
 * it is), else with the next change ---- */
#define ACCOUNTD_CHANGED_MAX 128 /* names in one answer */
#define ACCOUNTD_WATCHERS_MAX 16 /* authds: one, and older ones that still have sessions */
struct accountd_changed {
    uint64_t number;     /* of the last change: `known` of the next WATCH */
    bool folders;        /* somebody may have lost a right on a folder */
    bool everybody;      /* any account may have changed */
    struct slice *users; /* those that changed: canonical, or "@domain"; decode: caller's array */
    uint32_t user_count;
};
int accountd_watch_encode(struct strbuf *out, uint64_t known);
int accountd_watch_decode(struct slice payload, uint64_t *known);
int accountd_changed_encode(struct strbuf *out, uint32_t id,
                            const struct accountd_changed *changed);
int accountd_changed_decode(struct slice payload, struct accountd_changed *changed,
                            struct slice users[ACCOUNTD_CHANGED_MAX]);

/* ---- ACL: a user's session asks about the rights on a folder or changes them, by way of authd,
 * which alone says who the user is. On a folder of another user that takes the right "a" ---- */
enum accountd_acl_op {
    ACCOUNTD_ACL_GET,
    ACCOUNTD_ACL_SET,    /* `who` has exactly `rights` */
    ACCOUNTD_ACL_ADD,    /* these too */
    ACCOUNTD_ACL_REMOVE, /* these no more */
    /* These three follow what the owner did to a folder. */
    ACCOUNTD_ACL_RENAME, /* the folder and those below it; `who` is the new name */
    ACCOUNTD_ACL_DROP,   /* the folder is no more */
    /* The folder is new, and has the rights of the one above it. `who`: the nearest one above that
     * was there before, those between are new like it; empty: there are none between. */
    ACCOUNTD_ACL_CREATE,
};
#define ACCOUNTD_ACL_MAX 1000 /* entries of one folder */
#define ACCOUNTD_ACL_AWAY 100 /* a result: nobody could tell, try later */
struct accountd_acl {
    uint8_t op;          /* enum accountd_acl_op */
    struct slice actor;  /* who asks: canonical address; empty from the session */
    struct slice owner;  /* canonical address; empty from the session: its user */
    struct slice folder; /* UTF-8 */
    struct slice who;    /* as typed: a mailbox, "@domain", "anyone" */
    uint32_t rights;     /* enum imap_right */
};
struct accountd_acl_entry {
    struct slice who;
    uint32_t rights;
};
/* `type`: ACCOUNTD_ACL or AUTHD_ACL. */
int accountd_acl_encode(struct strbuf *out, uint16_t type, const struct accountd_acl *req);
int accountd_acl_decode(struct slice payload, struct accountd_acl *req);
struct accountd_acl_reply {
    uint32_t result;                          /* 0: done */
    struct slice text;                        /* else: why not, one line */
    const struct accountd_acl_entry *entries; /* encode: GET's; decode: the caller's array */
    uint32_t count;
};
int accountd_acl_reply_encode(struct strbuf *out, uint16_t type, uint32_t id,
                              const struct accountd_acl_reply *reply);
int accountd_acl_reply_decode(struct slice payload, struct accountd_acl_reply *reply,
                              struct accountd_acl_entry entries[ACCOUNTD_ACL_MAX]);

/* ---- QUOTA: a session asks about a quota or sets it, by way of authd, which alone says who the
 * user is. That takes an administrator whose own mailbox is the user's ---- */
struct accountd_quota {
    bool set;           /* to these: */
    uint64_t bytes;     /* 0: unlimited */
    uint64_t messages;  /* 0: unlimited */
    struct slice actor; /* who asks: canonical address; empty from the session */
    struct slice root;  /* "" the actor's own, "@News" a public folder, "~bob@d.test" a mailbox */
};
enum accountd_quota_result {
    ACCOUNTD_QUOTA_DONE,
    ACCOUNTD_QUOTA_REFUSED, /* no administrator of that, or there is no such thing */
    ACCOUNTD_QUOTA_AWAY,    /* nobody could tell, try later */
    ACCOUNTD_QUOTA_BEYOND,  /* an administrator of that, but the domain may not give it out */
};
struct accountd_quota_reply {
    uint8_t result; /* enum accountd_quota_result; DONE: */
    uint64_t used_bytes, used_messages;
    uint64_t quota_bytes, quota_messages; /* 0: unlimited */
};
/* `type`: ACCOUNTD_QUOTA or AUTHD_QUOTA. */
int accountd_quota_encode(struct strbuf *out, uint16_t type, const struct accountd_quota *req);
int accountd_quota_decode(struct slice payload, struct accountd_quota *req);
int accountd_quota_reply_encode(struct strbuf *out, uint16_t type, uint32_t id,
                                const struct accountd_quota_reply *reply);
int accountd_quota_reply_decode(struct slice payload, struct accountd_quota_reply *reply);

/* ---- REHASH: only if the record is still `old_record` ---- */
struct accountd_rehash {
    struct slice user, old_record, new_record;
};
int accountd_rehash_encode(struct strbuf *out, const struct accountd_rehash *req);
int accountd_rehash_decode(struct slice payload, struct accountd_rehash *req);

/* ---- USAGE: local-deliver after each batch; accountd keeps it in memory for RCPT ---- */
struct accountd_usage {
    struct slice path;
    uint64_t bytes, messages;
    bool came; /* the message was put there just now */
};
struct accountd_delivery { /* of the message that these mailboxes are about */
    struct slice sender;   /* reverse path, may be empty */
    struct slice queue_id;
    uint64_t bytes;
    int64_t time_ms;
};
#define ACCOUNTD_QUEUE_ID_MAX 64
int accountd_usage_encode(struct strbuf *out, const struct accountd_delivery *delivery,
                          const struct accountd_usage *list, uint32_t count);
/* *delivery is filled in before the first each(). */
int accountd_usage_decode(struct slice payload, struct accountd_delivery *delivery,
                          int (*each)(void *arg, const struct accountd_usage *usage), void *arg);

/* ---- MISSING: local-deliver found no directory for this mailbox. If the account base says that
 * the user lives there the directory is made, in turn with what else is to be done to that path
 * ---- */
struct accountd_missing {
    struct slice user, path;
};
int accountd_missing_encode(struct strbuf *out, const struct accountd_missing *report);
int accountd_missing_decode(struct slice payload, struct accountd_missing *report);

/* ---- AUTO_REPLY: local-deliver has mail for a user that names these addresses as its recipients.
 * Is the user, under any name, among them, and what is the answer? ---- */
#define ACCOUNTD_NAMED_MAX 32768
struct accountd_auto_reply {
    struct slice user;  /* canonical */
    struct slice named; /* addresses, each with a line end behind it */
};
struct accountd_auto_reply_reply {
    bool wanted;                         /* replies are on, and the user is named */
    struct slice full_name, text, until; /* as in the account; may be empty */
};
int accountd_auto_reply_encode(struct strbuf *out, const struct accountd_auto_reply *req);
int accountd_auto_reply_decode(struct slice payload, struct accountd_auto_reply *req);
int accountd_auto_reply_reply_encode(struct strbuf *out, uint32_t id,
                                     const struct accountd_auto_reply_reply *reply);
int accountd_auto_reply_reply_decode(struct slice payload, struct accountd_auto_reply_reply *reply);

/* ---- SENDER: may `auth_user` send as `sender`? Reply is an accountd_rcpt_reply ---- */
struct accountd_sender {
    struct slice auth_user, sender;
};
int accountd_sender_encode(struct strbuf *out, const struct accountd_sender *req);
int accountd_sender_decode(struct slice payload, struct accountd_sender *req);

/* ---- ADMIN: objects are lists of name = value pairs; names come from lib/account/schema ---- */
struct accountd_admin {
    struct slice
        verb; /* "add" "del" "set" "rename" "list" "show" "passwd" "recount" "export" ... */
    struct slice kind;   /* "domain" "user" "alias" "group" "member" "domain-alias" "admin" */
    struct slice name;   /* the object's name; "" with list */
    struct slice cursor; /* "" or the cursor of the last page */
    /* The administrator for whom it is done, whose rights accountd checks, and where he is: a
     * client address. "": the local command line, which may do everything; it runs as root or as
     * the owner of the suite, by the kernel's word. */
    struct slice actor, origin;
    const struct object_field *fields; /* encode: given; decode: filled array of the caller */
    uint32_t field_count;
};
/* Results have the numbers of the API: 0 success, 1 bad parameters, others by verb (ADM-22..36).
 * "manages" of an admin: may he change what is in the field "domain"? */
#define ACCOUNTD_NOT_MANAGED 2 /* no */
#define ACCOUNTD_NO_RIGHT 101  /* the actor may not do this, or is no administrator */
#define ACCOUNTD_AWAY 102      /* from authd: accountd gave no answer */
/* In the place of an administrator's name, from authd: whoever came over run/admin.sock and is root
 * or the suite's owner, "uid 0". May do everything. */
#define ACCOUNTD_LOCAL_ACTOR "uid "
#define ACCOUNTD_ORIGIN_MAX 64
/* Of a new password. */
#define ACCOUNTD_PASSWORD_REFUSED 5 /* it is not good enough, the text says why */
#define ACCOUNTD_PASSWORD_LATER 6   /* too much to hash at once */
/* `type`: also ACCOUNTD_SYNC, and ACCOUNTD_OWN_PASSWORD: passwd of a user, whose `actor` is the
 * user, with new_password; "": one is made up. The reply's one object has password_changed, and
 * password if it was made up. */
/* `type`: ACCOUNTD_ADMIN or AUTHD_ADMIN. */
int accountd_admin_encode_as(struct strbuf *out, uint16_t type, const struct accountd_admin *req);
static inline int
accountd_admin_encode(struct strbuf *out, const struct accountd_admin *req)
{
    return accountd_admin_encode_as(out, ACCOUNTD_ADMIN, req);
}
int accountd_admin_decode(struct slice payload, struct accountd_admin *req,
                          struct object_field fields[OBJECT_FIELDS_MAX]);
struct accountd_admin_reply {
    uint32_t result;     /* 0: done */
    struct slice text;   /* what went wrong and what to do, one line */
    struct slice cursor; /* not empty: more pages */
    struct slice data;   /* objects: lib/ipc/object.h; export: text */
};
int accountd_admin_reply_encode_as(struct strbuf *out, uint16_t type, uint32_t id,
                                   const struct accountd_admin_reply *reply);
static inline int
accountd_admin_reply_encode(struct strbuf *out, uint32_t id,
                            const struct accountd_admin_reply *reply)
{
    return accountd_admin_reply_encode_as(out, ACCOUNTD_ADMIN_REPLY, id, reply);
}
int accountd_admin_reply_decode(struct slice payload, struct accountd_admin_reply *reply);
#endif
