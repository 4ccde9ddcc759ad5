/*
 * lib/account/expiry.c - users whose last day has passed. Reads the database, changes nothing.
 */
#include "lib/account/expiry.h"

#include "lib/base/mem.h"

static bool
has_expired(const struct record *entry, int64_t since_ms, int64_t now_ms)
{
    return entry->kind == ACCOUNT_USER && account_user_state(entry, since_ms) != ACCOUNT_DISABLED &&
           account_user_state(entry, now_ms) == ACCOUNT_DISABLED;
}

int
expiry_each(struct account_base *base, int64_t since_ms, int64_t now_ms,
            void (*each)(void *arg, struct slice user), void *arg)
{
    struct account_rows *rows =
        account_db_rows(base->db, ACCOUNT_TABLE_ENTRIES, SLICE(""), SLICE(""));
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct record entry = record_new(ACCOUNT_USER);
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        if (record_load(&entry, value) < 0) {
            rc = -1;
        } else if (has_expired(&entry, since_ms, now_ms)) {
            strbuf_clear(&address);
            account_entry_address(key, &address);
            each(arg, strbuf_slice(&address));
        }
    }
    account_rows_close(&rows);
    record_free(&entry);
    strbuf_free(&address);
    return rc;
}
