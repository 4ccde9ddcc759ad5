/*
 * authd/ldap_accounts.h - who authd is at a directory while it looks for a user's entry.
 */
#ifndef POSTHORN_AUTHD_LDAP_ACCOUNTS_H
#define POSTHORN_AUTHD_LDAP_ACCOUNTS_H

#include "lib/base/strbuf.h"

#define LDAP_ACCOUNTS_MAX 64

struct ldap_account {
    char *host, *name, *password;
};
struct ldap_accounts {
    struct ldap_account list[LDAP_ACCOUNTS_MAX];
    size_t count;
};

/* Lines "HOST NAME PASSWORD" of the file `path`, which nobody but its owner may read; one that is
 * not there has none. 0, or -1 with one line in `error`. */
int ldap_accounts_read(struct ldap_accounts *accounts, const char *path, struct strbuf *error);
/* NULL: anonymous. */
const struct ldap_account *ldap_accounts_find(const struct ldap_accounts *accounts,
                                              const char *host);

#endif
