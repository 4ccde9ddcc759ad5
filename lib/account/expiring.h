/*
 * lib/account/expiring.h - users whose password has to be changed before long (DIR-48).
 */
#ifndef POSTHORN_LIB_ACCOUNT_EXPIRING_H
#define POSTHORN_LIB_ACCOUNT_EXPIRING_H

#include "lib/account/account.h"

#define EXPIRING_STAGES_MAX 8
#define EXPIRING_STEP 5000 /* entries looked at in one call */

/* So many days before the end of a password its user is warned. */
struct expiring_stages {
    unsigned days[EXPIRING_STAGES_MAX];
    size_t count;
};

struct expiring_user {
    struct slice address, full_name;
    struct slice sender; /* whose address system messages in the domain come from; may be empty */
    int64_t end_ms;      /* of the password */
    unsigned days;       /* of the stage */
};

/* Calls each() for users for whom a stage has begun after `since_ms` and not after `until_ms`, and
 * whose password is still good then: of several stages the last. Users who cannot log in, have no
 * password here, or have to change it anyway are left out. `from`: the key to go on with; `next`
 * becomes the one for the next call, empty at the end. Stops after EXPIRING_STEP entries, or `max`
 * users. 0, or -1 with errno. */
int expiring_some(struct account_base *base, const struct expiring_stages *stages, int64_t since_ms,
                  int64_t until_ms, struct slice from, size_t max,
                  void (*each)(void *arg, const struct expiring_user *user), void *arg,
                  struct strbuf *next);

#endif
