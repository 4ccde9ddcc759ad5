/*
 * lib/account/manages.c - whether the owner of a mailbox is an administrator, and of what. Reads
 * the database, changes nothing. There are few administrators: all are looked at.
 */
#include "lib/account/manages.h"

static bool
is_within(const struct record *admin, struct slice domain)
{
    struct slice rest = record_get(admin, ADMIN_DOMAINS), word;

    if (record_is(admin, ADMIN_TYPE, "super"))
        return true;
    while ((word = property_next_word(&rest)).len > 0)
        if (slice_eq(word, domain))
            return true;
    return false;
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
                slice_eq(record_get(&record, ADMIN_MAILBOX), mailbox) && is_within(&record, domain);
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
    struct record record = record_new(ACCOUNT_ADMIN);
    struct slice value;
    int rc = account_db_get(base->db, ACCOUNT_TABLE_ADMINS, name, &value);

    if (rc == 0 && record_load(&record, value) < 0)
        rc = -1;
    if (rc == 0)
        rc = is_within(&record, domain);
    record_free(&record);
    return rc;
}
