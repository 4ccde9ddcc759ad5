/*
 * lib/account/public.c - public folders: who may do what. Reads the database, changes nothing.
 */
#include "lib/account/public.h"

#include "lib/account/listed.h"
#include "lib/account/public_list.h"
#include "lib/base/mem.h"

uint32_t
public_rights(const struct record *folder, struct slice user)
{
    uint32_t rights = 0;

    for (size_t i = 0; i < PUBLIC_LISTS; i++)
        if (listed(record_get(folder, public_lists[i].property), user))
            rights |= public_lists[i].rights;
    return rights;
}

/* The entry that a row "@\0p domain\0local" is about. 1: loaded, 0: it is not there, -1. */
static int
load(struct account_base *base, struct slice key, struct record *folder)
{
    struct slice value;

    if (account_db_get(base->db, ACCOUNT_TABLE_ENTRIES, key, &value) < 0)
        return -1;
    return record_load(folder, value) < 0 ? -1 : folder->kind == ACCOUNT_PUBLIC;
}

int
public_each(struct account_base *base,
            int (*each)(void *arg, struct slice address, const struct record *folder), void *arg)
{
    static const char prefix[] = {'@', '\0', PUBLIC_REF};
    struct strbuf address = strbuf_new(ACCOUNT_ADDRESS_MAX), copy = strbuf_new(ACCOUNT_KEY_MAX);
    struct record folder = record_new(ACCOUNT_PUBLIC);
    struct account_rows *rows = account_db_rows(base->db, ACCOUNT_TABLE_REFS,
                                                slice_make(prefix, sizeof(prefix)), SLICE(""));
    struct slice key, value;
    int rc = rows == NULL ? -1 : 1;

    while (rc == 1 && (rc = account_rows_next(rows, &key, &value)) == 1) {
        strbuf_clear(&copy);
        strbuf_clear(&address);
        (void)strbuf_append(&copy, slice_sub(key, sizeof(prefix), key.len));
        account_entry_address(strbuf_slice(&copy), &address);
        rc = load(base, strbuf_slice(&copy), &folder);
        if (rc == 1 && each(arg, strbuf_slice(&address), &folder) < 0)
            rc = 0;
        else if (rc == 0)
            rc = 1;
    }
    account_rows_close(&rows);
    record_free(&folder);
    strbuf_free(&copy);
    strbuf_free(&address);
    return rc < 0 ? -1 : 0;
}
