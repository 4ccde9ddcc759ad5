/*
 * lib/account/totals.h - what the mailboxes of a domain were given together, held against what the
 * domain may give out (DIR-05).
 *
 * Counted is what may be filled, the quotas, not what is filled; a netdisk counts if its user has
 * one. The sums are rows of the account base, changed in the transaction of the change that they
 * are about: a crash or a refusal leaves both or neither. What exists stays, whatever the limits
 * are set to: only a new mailbox and a larger quota are held against them.
 */
#ifndef POSTHORN_LIB_ACCOUNT_TOTALS_H
#define POSTHORN_LIB_ACCOUNT_TOTALS_H

#include "lib/account/edit.h"

#define TOTALS_QUOTA_MIN (3u << 20) /* bytes; where a domain's min_quota_bytes is 0 */

/* A sum of 64-bit numbers: no overflow makes it small. */
struct totals_sum {
    uint64_t high, low;
};
struct account_totals {
    uint64_t mailboxes;
    struct totals_sum mailbox_bytes, netdisk_bytes; /* unlimited ones count nothing */
};
/* What one mailbox counts; all 0 for one that is not there. */
struct totals_share {
    uint64_t mailboxes; /* 0 or 1 */
    uint64_t mailbox_bytes, netdisk_bytes;
    bool mailbox_unlimited, netdisk_unlimited;
};

struct totals_share totals_share_of(const struct record *user);
uint64_t totals_number(struct totals_sum sum); /* at most UINT64_MAX */

/* The sums of a domain; zeros for one without mailboxes. 0, or -1 with errno. */
int account_totals_get(struct account_base *base, struct slice domain,
                       struct account_totals *totals);

/* Result numbers of what is refused. */
struct totals_codes {
    uint32_t number, storage;
};
/* In the domain of that name and record a mailbox goes from `before` to `after`. 0, or -1 with the
 * result: it is more than the domain may give out. */
int edit_totals_change(struct account_edit *edit, struct slice domain, const struct record *record,
                       struct totals_share before, struct totals_share after,
                       struct totals_codes codes);
/* The domain has another name. */
int edit_totals_rename(struct account_edit *edit, struct slice old_name, struct slice new_name);

/* Counts everything anew and corrects what is wrong: a base may come from a program that did not
 * count. Transaction of its own. Returns how many domains were wrong, or -1 with errno. */
int account_totals_recount(struct account_base *base);

#endif
