/*
 * authd/account.h - what accountd said about the user of one login, copied.
 */
#ifndef POSTHORN_AUTHD_ACCOUNT_H
#define POSTHORN_AUTHD_ACCOUNT_H

#include "lib/ipc/accountd.h"

struct account {
    bool has_totp; /* an administrator with an authenticator */
    bool known;
    bool later; /* accountd cannot tell now */
    bool enabled;
    bool password_over; /* not before the password was changed */
    bool has_folders;   /* there may be folders of others */
    bool more_means;    /* ask accountd what else proves who it is (authd/means.h) */
    uint32_t rights;    /* enum accountd_right */
    uint64_t quota_bytes, quota_messages;
    char *user; /* canonical; also of an unknown one if accountd has told it, else NULL */
    char *path, *full_name;
    char *password_changed;
    char *place;  /* storage directory that the mailbox is to be in; "": any */
    char *access; /* who may come to the service of the login (lib/auth/access_list.h) */
    char *record; /* secret */
};

/* Copies `reply` into *account, which is empty or cleared. -1: accountd sent what cannot be. */
int account_set(struct account *account, const struct accountd_login_reply *reply);
void account_clear(struct account *account); /* wipes */

#endif
