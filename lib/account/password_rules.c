/*
 * lib/account/password_rules.c - what holds for the password of one user. No I/O.
 */
#include "lib/account/password_rules.h"

#include "lib/base/clock.h"
#include "lib/mail/timestamp.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define TO_SECONDS_LEN 19 /* "2026-11-23T10:00:00", what is compared of a time */

static unsigned
number(const struct record *domain, enum account_property of_domain, const struct record *user,
       enum account_property of_user)
{
    bool own = record_get(user, of_user).len > 0;

    return (unsigned)(own ? record_u64(user, of_user) : record_u64(domain, of_domain));
}

static bool
flag(const struct record *domain, enum account_property of_domain, const struct record *user,
     enum account_property of_user)
{
    bool own = record_get(user, of_user).len > 0;

    return own ? record_bool(user, of_user) : record_bool(domain, of_domain);
}

struct password_rules
password_rules_of(const struct record *domain, const struct record *user)
{
    return (struct password_rules){
        .policy = {.min_length = number(domain, DOMAIN_PASSWORD_LENGTH, user, USER_PASSWORD_LENGTH),
                   .classes = number(domain, DOMAIN_PASSWORD_CLASSES, user, USER_PASSWORD_CLASSES),
                   .history = number(domain, DOMAIN_PASSWORD_HISTORY, user, USER_PASSWORD_HISTORY),
                   .no_name = flag(domain, DOMAIN_PASSWORD_NO_NAME, user, USER_PASSWORD_NO_NAME)},
        .max_age_days = number(domain, DOMAIN_PASSWORD_MAX_AGE, user, USER_PASSWORD_MAX_AGE),
        .change_first =
            flag(domain, DOMAIN_PASSWORD_CHANGE_FIRST, user, USER_PASSWORD_CHANGE_FIRST),
    };
}

struct password_rules
password_rules_of_admins(void)
{
    return (struct password_rules){
        .policy = {.min_length = PASSWORD_ADMIN_LENGTH, .no_name = true}};
}

/* Of an account that came without the time of its password that of the account counts. */
static bool
is_too_old(const struct record *user, unsigned max_age_days, int64_t now_ms)
{
    struct strbuf limit = strbuf_new(64);
    struct slice set = record_get(user, USER_PASSWORD_CHANGED);
    bool old = false;

    if (set.len == 0)
        set = record_get(user, USER_CREATED);
    if (set.len > 0 && clock_rfc3339(now_ms - max_age_days * DAY_MS, &limit))
        old = slice_cmp(slice_sub(set, 0, TO_SECONDS_LEN),
                        slice_sub(strbuf_slice(&limit), 0, TO_SECONDS_LEN)) <= 0;
    strbuf_free(&limit);
    return old;
}

enum password_state
password_state_of(const struct record *domain, const struct record *user, int64_t now_ms)
{
    struct password_rules rules;

    if (record_get(user, USER_PASSWORD).len == 0 || record_is(user, USER_AUTH, "external"))
        return PASSWORD_STATE_GOOD;
    if (record_bool(user, USER_PASSWORD_CHANGE_DUE))
        return PASSWORD_STATE_DUE;
    rules = password_rules_of(domain, user);
    return rules.max_age_days > 0 && is_too_old(user, rules.max_age_days, now_ms)
               ? PASSWORD_STATE_OLD
               : PASSWORD_STATE_GOOD;
}

int64_t
password_end_ms(const struct record *domain, const struct record *user)
{
    struct password_rules rules = password_rules_of(domain, user);
    struct slice set = record_get(user, USER_PASSWORD_CHANGED);
    int64_t set_ms;

    if (set.len == 0)
        set = record_get(user, USER_CREATED);
    if (rules.max_age_days == 0 || record_get(user, USER_PASSWORD).len == 0 ||
        record_is(user, USER_AUTH, "external") || timestamp_parse(set, &set_ms) < 0)
        return 0;
    return set_ms + rules.max_age_days * DAY_MS;
}
