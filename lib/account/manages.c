/*
 * lib/account/manages.c - who is an administrator, of which type, and of what. Reads the database,
 * changes nothing. There are few administrators: all are looked at.
 */
#include "lib/account/manages.h"

#include <errno.h>

#include "lib/account/canonical.h"

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

static bool
is_super(const struct record *admin)
{
    return record_is(admin, ADMIN_TYPE, "super");
}

static bool
has(const struct record *admin, enum account_right right)
{
    if (is_super(admin))
        return true;
    if (record_is(admin, ADMIN_TYPE, "domain"))
        return account_right_is_of_domain(right);
    return has_word(record_get(admin, ADMIN_RIGHTS), slice_of(rights[right].name));
}

/* Only a role may be bound to nothing: then it has its functions everywhere. */
static bool
covers_all(const struct record *admin)
{
    return is_super(admin) ||
           (record_is(admin, ADMIN_TYPE, "role") && record_get(admin, ADMIN_DOMAINS).len == 0);
}

static bool
covers(const struct record *admin, struct slice domain)
{
    return covers_all(admin) || has_word(record_get(admin, ADMIN_DOMAINS), domain);
}

/* A role that has anything less than a domain administrator is none. */
static bool
is_within(const struct record *admin, struct slice domain)
{
    return is_super(admin) || (record_is(admin, ADMIN_TYPE, "domain") && covers(admin, domain));
}

int
account_manages(struct account_base *base, struct slice mailbox, struct slice domain,
                struct strbuf *admin)
{
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_ADMINS, SLICE(""), SLICE(""));
    struct record record = record_new(ACCOUNT_ADMIN);
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;
    bool found = false;

    while (rc == 1 && !found) {
        rc = account_rows_next(rows, &key, &value);
        if (rc == 1 && record_load(&record, value) < 0)
            rc = -1;
        found = rc == 1 && mailbox.len > 0 &&
                slice_eq(record_get(&record, ADMIN_MAILBOX), mailbox) &&
                has(&record, ACCOUNT_RIGHT_USERS) && covers(&record, domain);
    }
    if (found)
        (void)strbuf_append(admin, key);
    account_rows_close(&rows);
    record_free(&record);
    return rc < 0 ? -1 : found;
}

int
account_admin_manages(struct account_base *base, struct slice name, struct slice domain)
{
    struct account_actor actor = account_actor_new();
    int rc = account_actor_load(base, name, &actor);

    if (rc == 0)
        rc = is_within(&actor.record, domain);
    account_actor_free(&actor);
    return rc;
}

/* ---- one administrator ---- */

struct account_actor
account_actor_new(void)
{
    return (struct account_actor){.name = strbuf_new(CANONICAL_LOCAL_MAX),
                                  .record = record_new(ACCOUNT_ADMIN)};
}

void
account_actor_free(struct account_actor *actor)
{
    strbuf_free(&actor->name);
    record_free(&actor->record);
}

int
account_actor_load(struct account_base *base, struct slice name, struct account_actor *actor)
{
    struct slice value;

    strbuf_clear(&actor->name);
    if (canonical_local(name, &actor->name) < 0) {
        errno = ENOENT;
        return -1;
    }
    if (account_db_get(base->db, ACCOUNT_TABLE_ADMINS, strbuf_slice(&actor->name), &value) < 0)
        return -1;
    return record_load(&actor->record, value);
}

bool
account_actor_is_super(const struct account_actor *actor)
{
    return is_super(&actor->record);
}

bool
account_actor_has(const struct account_actor *actor, enum account_right right)
{
    return has(&actor->record, right);
}

bool
account_actor_covers(const struct account_actor *actor, struct slice domain)
{
    return covers(&actor->record, domain);
}

bool
account_actor_covers_all(const struct account_actor *actor)
{
    return covers_all(&actor->record);
}
