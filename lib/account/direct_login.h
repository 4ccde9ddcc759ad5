/*
 * lib/account/direct_login.h - the domain that a client belongs to by where it connected: the
 * address, or the host name that it asked for in TLS (DIR-10). Bare user names are of that domain.
 *
 * Rows: ACCOUNT_TABLE_META "login\0WORD" -> domain, made from the properties login_ip and
 * login_host. A row whose domain does not name the word any more counts as none.
 */
#ifndef POSTHORN_LIB_ACCOUNT_DIRECT_LOGIN_H
#define POSTHORN_LIB_ACCOUNT_DIRECT_LOGIN_H

#include "lib/account/edit.h"

#define DIRECT_LOGIN_WORDS_MAX 8 /* of each kind, of a domain */

/* The domain is appended to `domain`: that of `host`, else that of `ip`; each may be empty, both
 * are what somebody says. Nothing where there is none. 0, or -1 with errno. */
int direct_login_find(struct account_base *base, struct slice host, struct slice ip,
                      struct strbuf *domain);
/* Before the domain's record is stored: its words in their one form, none that is another
 * domain's; and their rows. 0, or -1 with edit->result. */
int direct_login_put(struct account_edit *edit, struct slice domain, struct record *record);

#endif
