/*
 * lib/account/sending.c - whom a mailbox may send to, and from whom it takes mail. No I/O.
 */
#include "lib/account/sending.h"

static const enum account_property sends[] = {
    [SENDING_DOMAIN] = USER_SEND_DOMAIN,
    [SENDING_SYSTEM] = USER_SEND_SYSTEM,
    [SENDING_REMOTE] = USER_SEND_REMOTE,
};
static const enum account_property receives[] = {
    [SENDING_DOMAIN] = USER_RECEIVE_DOMAIN,
    [SENDING_SYSTEM] = USER_RECEIVE_SYSTEM,
    [SENDING_REMOTE] = USER_RECEIVE_REMOTE,
};

static bool
is_listed(struct slice list, struct slice domain)
{
    struct slice word;

    while ((word = property_next_word(&list)).len > 0)
        if (slice_eq_nocase(word, domain))
            return true;
    return false;
}

static const char *
denied(const struct record *user, enum account_property rule, enum account_property exceptions,
       struct slice domain)
{
    bool allowed = record_bool(user, rule),
         excepted = is_listed(record_get(user, exceptions), domain);

    if (allowed != excepted)
        return NULL;
    return account_properties[excepted ? exceptions : rule].name;
}

const char *
sending_denied(const struct record *user, enum sending_way way, struct slice domain)
{
    return denied(user, sends[way], USER_SEND_EXCEPTIONS, domain);
}

bool
receiving_is_limited(const struct record *user)
{
    bool limited = record_get(user, USER_RECEIVE_EXCEPTIONS).len > 0;

    for (size_t i = 0; i < ARRAY_LEN(receives); i++)
        limited |= !record_bool(user, receives[i]);
    return limited;
}

const char *
receiving_denied(const struct record *user, enum sending_way way, struct slice domain)
{
    return denied(user, receives[way], USER_RECEIVE_EXCEPTIONS, domain);
}
