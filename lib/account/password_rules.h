/*
 * lib/account/password_rules.h - what holds for the password of one user: the user's own rules, and
 * the domain's where the user has none (DIR-46, DIR-48).
 *
 * They hold at once for everybody: other domain defaults are copied to a new user, these are looked
 * up whenever a password is set or used.
 */
#ifndef POSTHORN_LIB_ACCOUNT_PASSWORD_RULES_H
#define POSTHORN_LIB_ACCOUNT_PASSWORD_RULES_H

#include "lib/account/record.h"
#include "lib/auth/policy.h"

#define PASSWORD_ADMIN_LENGTH 8 /* characters of an administrator's password, who has no domain */

struct password_rules {
    struct policy policy;
    unsigned max_age_days; /* 0: it never has to be changed */
    bool change_first;     /* one that an administrator sets has to be changed */
};

/* `domain` and `user` are records of these kinds. */
struct password_rules password_rules_of(const struct record *domain, const struct record *user);
/* Those for administrators. */
struct password_rules password_rules_of_admins(void);

enum password_state {
    PASSWORD_STATE_GOOD,
    PASSWORD_STATE_DUE, /* to be changed before the first login */
    PASSWORD_STATE_OLD  /* past its age */
};
/* A user without a password has a good one: there is nothing to change. */
enum password_state password_state_of(const struct record *domain, const struct record *user,
                                      int64_t now_ms);

/* When the user's password will be too old (real time); 0: never, or there is none here. */
int64_t password_end_ms(const struct record *domain, const struct record *user);

#endif
