/*
 * lib/account/account.h - the account base: finding who an address belongs to.
 *
 * Names and addresses come in as somebody typed them; keys and results are canonical
 * (lib/account/canonical.h). Not thread-safe; one owner.
 */
#ifndef POSTHORN_LIB_ACCOUNT_ACCOUNT_H
#define POSTHORN_LIB_ACCOUNT_ACCOUNT_H

#include "lib/account/account_db.h"
#include "lib/account/record.h"
#include "lib/account/store_path.h"
#include "lib/mail/srs.h"

#define ACCOUNT_ADDRESS_MAX 330 /* bytes of a canonical address */

struct account_base {
    struct account_db *db;     /* borrowed */
    char separator;            /* user+tag is user; 0: no subaddresses */
    const char *postmaster;    /* who gets mail for postmaster where no such entry is; borrowed */
    const char *hostname;      /* postmaster there is ours, too; borrowed; NULL: none */
    const struct srs_key *srs; /* of the senders of forwarded mail; borrowed; NULL: none is taken */
    bool srs_rewrites;         /* and new ones are made */
    bool old_names;            /* there are accounts with names in an old form (old_names.h) */
    struct strbuf primary;     /* name of the primary domain; empty in an empty base */
};

/* Reads the primary domain's name. 0, or -1 with errno. */
int account_base_init(struct account_base *base, struct account_db *db, const char *separator,
                      const char *postmaster);
void account_base_free(struct account_base *base);
int account_base_refresh(struct account_base *base); /* after each commit */

enum account_found {
    ACCOUNT_FOUND,   /* entry is a user, an alias or a group */
    ACCOUNT_UNKNOWN, /* our domain, but nothing of that name */
    ACCOUNT_FOREIGN, /* not one of our domains */
    ACCOUNT_TROUBLE  /* the database failed: errno */
};

struct account_hit {
    struct strbuf address; /* canonical local@domain, domain aliases resolved, tag taken off */
    struct strbuf key;     /* of the entry */
    struct record domain;  /* FOUND, UNKNOWN */
    struct record entry;   /* FOUND */
};
struct account_hit account_hit_new(void);
void account_hit_free(struct account_hit *hit);

/* `address` is local@domain, or "postmaster" alone. */
enum account_found account_find(struct account_base *base, struct slice address,
                                struct account_hit *hit);
/* The same without subaddresses and postmaster's privilege: the entry of exactly that name. */
enum account_found account_find_exact(struct account_base *base, struct slice address,
                                      struct account_hit *hit);
/* The user whom a login name means: bare names belong to the primary domain, aliases to their
 * mailbox. FOUND only for a user. */
enum account_found account_find_login(struct account_base *base, struct slice name,
                                      struct account_hit *hit);
/* The same with bare names belonging to `domain`. */
enum account_found account_find_login_in(struct account_base *base, struct slice name,
                                         struct slice domain, struct account_hit *hit);
/* Does this entry get the mail for postmaster? Mail for postmaster is always taken (RFC 5321
 * section 4.5.1), so it has to stay. */
bool account_is_postmaster(const struct account_base *base, struct slice address);
/* Does smtp.postmaster name an address of this domain, with the domain written out? */
bool account_postmaster_is_within(const struct account_base *base, struct slice domain);
/* The real domain behind a name or domain alias; its canonical name is appended to `name`. */
enum account_found account_find_domain(struct account_base *base, struct slice domain,
                                       struct record *record, struct strbuf *name);

/* "domain\0local" from a canonical address. */
void account_entry_key(struct slice address, struct strbuf *key);
/* and back */
void account_entry_address(struct slice key, struct strbuf *address);
static inline bool
account_has_store(enum account_kind kind)
{
    return kind == ACCOUNT_USER || kind == ACCOUNT_PUBLIC;
}

enum account_state {
    ACCOUNT_NORMAL,
    ACCOUNT_SUSPENDED, /* receives, does not log in */
    ACCOUNT_DISABLED   /* disabled, pending, or past its last day */
};
enum account_state account_user_state(const struct record *user, int64_t now_ms);
/* Automatic replies are on today. */
bool account_user_replies(const struct record *user, int64_t now_ms);
/* The user's access list (lib/auth/access_list.h) of a service by its name; "": there is none. */
struct slice account_user_access(const struct record *user, struct slice service);
uint32_t account_user_rights(const struct record *user); /* enum accountd_right */

#endif
