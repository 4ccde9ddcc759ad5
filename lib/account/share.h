/*
 * lib/account/share.h - folders that users share with each other: who gave whom which rights.
 *
 * One row for each folder and grantee: a mailbox, "@domain" for all of a domain, or "anyone". The
 * owner has all rights and no row. With a '-' in front the rights of the row are denied to that
 * grantee (RFC 4314 section 2, "negative rights"): what a user may do is what all rows together
 * give, without what any row denies.
 */
#ifndef POSTHORN_LIB_ACCOUNT_SHARE_H
#define POSTHORN_LIB_ACCOUNT_SHARE_H

#include "lib/account/edit.h"
#include "lib/mail/imap_rights.h"

#define SHARES_OF_OWNER_MAX 1000
#define SHARE_ANYONE SLICE("anyone") /* RFC 4314 section 2 */

struct share {
    struct slice owner, folder, grantee;
    uint32_t rights; /* enum imap_right */
};

/* Does a row of that grantee deny its rights? */
static inline bool
share_denies(struct slice grantee)
{
    return grantee.len > 0 && grantee.ptr[0] == '-';
}

/* Whom a row is about, without the '-'. */
static inline struct slice
share_identifier(struct slice grantee)
{
    return share_denies(grantee) ? slice_sub(grantee, 1, grantee.len) : grantee;
}

/* What `owner` (canonical) has given on `folder`; a NULL folder: on all. each() returns -1 to
 * stop. 0, or -1 with errno. */
int share_each_of_folder(struct account_base *base, struct slice owner, struct slice folder,
                         int (*each)(void *arg, const struct share *share), void *arg);
/* What `user` (canonical) may do there, by name, by domain or like anyone. 0, or -1 with errno. */
int share_rights(struct account_base *base, struct slice owner, struct slice folder,
                 struct slice user, uint32_t *rights);
/* What was given or denied to exactly this identifier. */
int share_each_of_grantee(struct account_base *base, struct slice identifier,
                          int (*each)(void *arg, const struct share *share), void *arg);

/* `grantee` as somebody typed it has exactly these rights now; none: the row goes. 0, or -1 with
 * edit->result. */
int account_share_set(struct account_edit *edit, struct slice owner, struct slice folder,
                      struct slice grantee, uint32_t rights);
/* "+" and "-" (RFC 4314 section 3.1): more or less than what is there. */
int account_share_change(struct account_edit *edit, struct slice owner, struct slice folder,
                         struct slice grantee, enum rights_change change, uint32_t rights);
/* The folder has another name, and those below it with it. */
int account_share_rename(struct account_edit *edit, struct slice owner, struct slice from,
                         struct slice to);
/* The folder is a new one: all have the rights there that they have in the one above it (RFC 4314
 * section 4, CREATE), and none from an older folder of that name. */
int account_share_inherit(struct account_edit *edit, struct slice owner, struct slice folder);
/* The folder is no more. */
int account_share_drop(struct account_edit *edit, struct slice owner, struct slice folder);
/* One object of an export. */
int account_share_restore(struct account_edit *edit, struct slice owner, struct slice grantee,
                          const struct object_field *fields, uint32_t count);

#endif
