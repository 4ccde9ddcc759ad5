/*
 * lib/account/edit.h - changing the account base: add, set, remove and rename, each checked whole.
 *
 * Every call belongs to the transaction that the caller has opened: on failure the caller aborts it
 * and nothing has happened. Results have the numbers of the administrative API (ADM-22 to 36); the
 * text says in one line what is wrong and what to do.
 */
#ifndef POSTHORN_LIB_ACCOUNT_EDIT_H
#define POSTHORN_LIB_ACCOUNT_EDIT_H

#include "lib/account/account.h"
#include "lib/ipc/object.h"

enum {
    ACCOUNT_DONE = 0,
    ACCOUNT_BAD_PARAMETER = 1,
    ACCOUNT_EXTERNAL_PASSWORD = 50, /* a password is to be changed that is not kept here (AUT-05) */
    ACCOUNT_DATABASE_ERROR = 100
};

#define ACCOUNT_NESTING_MAX 64 /* groups within groups */

struct account_result {
    uint32_t code;
    struct strbuf text;
};
struct account_result account_result_new(void);
void account_result_free(struct account_result *result);
/* Sets code and text; always -1. */
__attribute__((format(printf, 3, 4))) int account_fail(struct account_result *result, uint32_t code,
                                                       const char *format, ...);
int account_fail_db(struct account_result *result); /* from errno */

struct account_edit {
    struct account_base *base;
    int64_t now_ms;
    bool restoring;        /* import: properties that are otherwise GIVEN are taken as they are */
    bool password_checked; /* a password that is set was held against the dictionary */
    bool by_owner;         /* and its user has chosen it */
    struct account_result *result;
};

/* 0, or -1 with edit->result. `name` is the object's name as somebody typed it. */
int account_add(struct account_edit *edit, enum account_kind kind, struct slice name,
                const struct object_field *fields, uint32_t count);
int account_set(struct account_edit *edit, enum account_kind kind, struct slice name,
                const struct object_field *fields, uint32_t count);
int account_del(struct account_edit *edit, enum account_kind kind, struct slice name);
int account_rename(struct account_edit *edit, enum account_kind kind, struct slice name,
                   struct slice new_name);
/* The mailbox gets the domain's defaults, default_NAME, of these NAMEs, or of "all" but where it
 * lies and who knows its password. */
int account_take_defaults(struct account_edit *edit, struct slice name, struct slice properties);
int account_member_add(struct account_edit *edit, struct slice group, struct slice member);
int account_member_del(struct account_edit *edit, struct slice group, struct slice member);
/* Its members are these from now on, separated like the words of a property; nobody twice. */
int account_members_set(struct account_edit *edit, struct slice group, struct slice members);
/* The user's password record is `record` now, if it is `old` (empty: whatever it is). ACCOUNT code
 * 4: it is not. */
int account_password(struct account_edit *edit, enum account_kind kind, struct slice name,
                     struct slice old, struct slice record);
/* An administrator's authenticator is this one from now on. */
struct account_totp {
    struct slice state; /* of ADMIN_TOTP */
    struct slice key;   /* sealed */
    uint64_t used;      /* step of the last code that was taken */
};
int account_admin_totp(struct account_edit *edit, struct slice name,
                       const struct account_totp *totp);
/* `member` (a mailbox or @domain of ours) goes into the list `list` ("read", "write", "delete") of
 * a public folder and out of the two others; "" for `list`: out of all. */
int account_public_grant(struct account_edit *edit, struct slice name, struct slice list,
                         struct slice member);
/* Everything goes, except what the store has to do. For import --replace. */
int account_clear(struct account_edit *edit);

#endif
