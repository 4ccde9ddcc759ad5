/*
 * lib/account/manages.c - who is an administrator, of which type, and of what. Reads the database,
 * changes nothing. There are few administrators: all are looked at.
 */
#include "lib/account/manages.h"

#include <errno.h>

#include "lib/account/canonical.h"
#include "lib/ipc/accountd.h"

/* A role that has anything less than a domain administrator is none. */
static bool
is_within(const struct record *admin, struct slice domain)
{
    return account_rights_super(admin) ||
           (record_is(admin, ADMIN_TYPE, "domain") && account_rights_cover(admin, domain));
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
                account_rights_have(&record, ACCOUNT_RIGHT_USERS) &&
                account_rights_cover(&record, domain);
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
    if (slice_starts(name, SLICE(ACCOUNTD_LOCAL_ACTOR))) { /* no administrator's name has a space */
        (void)strbuf_append(&actor->name, slice_sub(name, 0, CANONICAL_LOCAL_MAX));
        record_set(&actor->record, ADMIN_TYPE, SLICE("super"));
        return 0;
    }
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
    return account_rights_super(&actor->record);
}

bool
account_actor_has(const struct account_actor *actor, enum account_right right)
{
    return account_rights_have(&actor->record, right);
}

bool
account_actor_covers(const struct account_actor *actor, struct slice domain)
{
    return account_rights_cover(&actor->record, domain);
}

bool
account_actor_covers_all(const struct account_actor *actor)
{
    return account_rights_cover_all(&actor->record);
}
