/*
 * lib/auth/outside_accounts.h - who we are at a directory while it looks for a user's entry, and at
 * a server that introspects tokens.
 */
#ifndef POSTHORN_LIB_AUTH_OUTSIDE_ACCOUNTS_H
#define POSTHORN_LIB_AUTH_OUTSIDE_ACCOUNTS_H

#include "lib/conf/secret_file.h"

#define OUTSIDE_ACCOUNTS_MAX 64

struct outside_account {
    char *host, *name, *password;
};
struct outside_accounts {
    struct outside_account list[OUTSIDE_ACCOUNTS_MAX];
    size_t count;
};

/* Lines "HOST NAME PASSWORD" of the file at `place`, which nobody but its owner may read; one that
 * is not there has none. 0, or -1 with one line in `error`. */
int outside_accounts_read(struct outside_accounts *accounts, const struct secret_place *place,
                          struct strbuf *error);
/* NULL: anonymous. */
const struct outside_account *outside_accounts_find(const struct outside_accounts *accounts,
                                                    const char *host);

#endif
