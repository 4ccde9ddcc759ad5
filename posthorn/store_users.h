/*
 * posthorn/store_users.h - whose mail a command is about: mailboxes and public folders of the
 * account base.
 */
#ifndef POSTHORN_POSTHORN_STORE_USERS_H
#define POSTHORN_POSTHORN_STORE_USERS_H

#include "lib/account/schema.h"
#include "posthorn/command.h"

struct store_user {
    enum account_kind kind; /* ACCOUNT_USER or ACCOUNT_PUBLIC */
    char *address;          /* canonical */
    char *mailbox_path;     /* storage directory that it is to be in; "": any */
    uint64_t quota_bytes, quota_messages;
};
struct store_users {
    struct store_user *list;
    size_t count, cap;
};

/* Asks accountd for one of that address, or all (NULL). CLI_OK, or CLI_FAILED after the message. */
int store_users_get(struct cli *cli, const char *address, struct store_users *users);
/* Those of that address behind the ones that are there. As above. */
struct accounts;
int store_users_add(struct cli *cli, struct accounts *accounts, const char *address,
                    struct store_users *users);
void store_users_free(struct store_users *users);

#endif
