/*
 * lib/account/rights.c - the functions that administrators have, by their record. No I/O.
 */
#include "lib/account/rights.h"

enum scope { IN_DOMAIN, IN_SYSTEM };

static const struct {
    const char *name;
    enum scope scope;
} rights[ACCOUNT_RIGHT_COUNT] = {
#define RIGHT(id, name, scope, help) [id] = {name, scope},
#include "lib/account/rights.def"
#undef RIGHT
};

const char *
account_right_name(enum account_right right)
{
    return rights[right].name;
}

int
account_right_find(struct slice name)
{
    for (int i = 0; i < ACCOUNT_RIGHT_COUNT; i++)
        if (slice_eq(name, slice_of(rights[i].name)))
            return i;
    return -1;
}

bool
account_right_is_of_domain(enum account_right right)
{
    return rights[right].scope == IN_DOMAIN;
}

static bool
has_word(struct slice list, struct slice wanted)
{
    struct slice word;

    while ((word = property_next_word(&list)).len > 0)
        if (slice_eq(word, wanted))
            return true;
    return false;
}

bool
account_rights_super(const struct record *admin)
{
    return record_is(admin, ADMIN_TYPE, "super");
}

bool
account_rights_have(const struct record *admin, enum account_right right)
{
    if (account_rights_super(admin))
        return true;
    if (record_is(admin, ADMIN_TYPE, "domain"))
        return account_right_is_of_domain(right);
    return has_word(record_get(admin, ADMIN_RIGHTS), slice_of(rights[right].name));
}

/* Only a role may be bound to nothing: then it has its functions everywhere. */
bool
account_rights_cover_all(const struct record *admin)
{
    return account_rights_super(admin) ||
           (record_is(admin, ADMIN_TYPE, "role") && record_get(admin, ADMIN_DOMAINS).len == 0);
}

bool
account_rights_cover(const struct record *admin, struct slice domain)
{
    return account_rights_cover_all(admin) || has_word(record_get(admin, ADMIN_DOMAINS), domain);
}
