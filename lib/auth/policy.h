/*
 * lib/auth/policy.h - what a new password has to be like (DIR-46), and the old ones that it may not
 * be again.
 *
 * Whoever sets a password asks policy_check() first, then has it checked against the present and
 * the old records by the hash workers (policy_old_next() takes them apart), for that takes a hash
 * each.
 */
#ifndef POSTHORN_LIB_AUTH_POLICY_H
#define POSTHORN_LIB_AUTH_POLICY_H

#include "lib/auth/record.h"
#include "lib/base/strbuf.h"

#define POLICY_LENGTH_MAX 128 /* characters that a policy may ask for */
#define POLICY_CLASSES 4      /* small letters, capital letters, digits, all others */
#define POLICY_HISTORY_MAX 16 /* passwords, the present one included */
#define POLICY_NAME_MIN 3     /* characters of a name that may not be a part of the password */

struct policy {
    unsigned min_length; /* characters; 0: any */
    unsigned classes;    /* how many of POLICY_CLASSES have to be in it; 0: any */
    unsigned history;    /* how many passwords may not be used again; 0: any may */
    bool no_name;        /* the user's name may not be in it */
};

/* `user`: a canonical address, or an administrator's name. 0, or -1 with one line in `why`, which
 * never tells the password: too short, too simple, with the name in it, not usable at all. */
int policy_check(const struct policy *policy, struct slice user, struct slice password,
                 struct strbuf *why);

/* The form in which words of the dictionary and passwords are compared: small letters (Unicode's
 * case folding). Appends to `out`, secret. 0, or -1: not UTF-8, or it does not fit. */
int policy_fold(struct slice password, struct strbuf *out);

/* Takes the next old password off a history, newest first: `record` is what a hash worker can
 * verify. False: no more. */
bool policy_old_next(struct slice *rest, struct slice *record);
/* Appends to `out` the history after `record` stopped being the present password: at most `keep`,
 * newest first, the part that decides of each, as much as fits into out->max. */
void policy_old_push(struct slice history, struct slice record, unsigned keep, struct strbuf *out);

#endif
