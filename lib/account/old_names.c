/*
 * lib/account/old_names.c - names that were made when only ASCII letters were alike in both cases.
 * Changes only the database.
 */
#include "lib/account/old_names.h"

#include <stdlib.h>

#include "lib/account/canonical.h"
#include "lib/account/edit_internal.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

struct names {
    struct strbuf *keys;
    size_t count;
};

/* The key as it would be made today, from "domain\0local", or from a name alone. Whether it is
 * another one. */
static bool
new_key(struct slice key, struct strbuf *out)
{
    struct slice local = key, domain = SLICE("");
    bool has_domain = slice_index(key, '\0') < key.len;

    if (has_domain)
        domain = slice_split(&local, '\0');
    strbuf_clear(out);
    (void)strbuf_append(out, domain);
    if (has_domain)
        (void)strbuf_char(out, '\0');
    return !parse_is_ascii(local) && canonical_local(local, out) == 0 &&
           !slice_eq(strbuf_slice(out), key);
}

static int
find_old(struct account_base *base, enum account_table table, struct names *names)
{
    struct account_rows *rows = account_db_rows(base->db, table, SLICE(""), SLICE(""));
    struct strbuf form = strbuf_new(ACCOUNT_KEY_MAX);
    struct slice key, value;
    int rc = -1;

    *names = (struct names){0};
    while (rows != NULL && (rc = account_rows_next(rows, &key, &value)) == 1)
        if (new_key(key, &form)) {
            names->keys =
                xreallocarray(names->keys, names->count + 1, sizeof(*names->keys)); /* few */
            names->keys[names->count] = strbuf_new(ACCOUNT_KEY_MAX);
            (void)strbuf_append(&names->keys[names->count++], key);
        }
    account_rows_close(&rows);
    strbuf_free(&form);
    return rc;
}

/* Of accounts: a rename like any other. 1: done, 0: it cannot be, -1. */
static int
move_entry(struct account_edit *edit, struct slice key)
{
    struct strbuf form = strbuf_new(ACCOUNT_KEY_MAX), old_name = strbuf_new(ACCOUNT_ADDRESS_MAX),
                  name = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct record record = record_new(ACCOUNT_USER);
    struct slice bytes;
    int rc = -1;

    (void)new_key(key, &form);
    account_entry_address(key, &old_name);
    account_entry_address(strbuf_slice(&form), &name);
    if (account_db_get(edit->base->db, ACCOUNT_TABLE_ENTRIES, key, &bytes) == 0 &&
        record_load(&record, bytes) == 0) {
        rc = account_rename(edit, record.kind, strbuf_slice(&old_name), strbuf_slice(&name));
        rc = rc == 0 ? 1 : edit->result->code == ACCOUNT_DATABASE_ERROR ? -1 : 0;
    }
    record_free(&record);
    strbuf_free(&form);
    strbuf_free(&old_name);
    strbuf_free(&name);
    return rc;
}

/* Of other tables: the row, if nothing has the new key. */
static int
move_key(struct account_edit *edit, enum account_table table, struct slice key)
{
    struct strbuf form = strbuf_new(ACCOUNT_KEY_MAX), row = strbuf_new(RECORD_BYTES_MAX);
    struct account_db *db = edit->base->db;
    struct slice bytes;
    int rc = 0;

    (void)new_key(key, &form);
    if (account_db_get(db, table, strbuf_slice(&form), &bytes) < 0) {
        rc = account_db_get(db, table, key, &bytes);
        (void)strbuf_append(&row, rc == 0 ? bytes : SLICE(""));
        if (rc == 0)
            rc = account_db_del(db, table, key);
        if (rc == 0)
            rc = account_db_put(db, table, strbuf_slice(&form), strbuf_slice(&row));
        rc = rc == 0 ? 1 : -1;
    }
    strbuf_free(&form);
    strbuf_free(&row);
    return rc;
}

static int
move_table(struct account_edit *edit, enum account_table table, struct old_names *result)
{
    struct account_db *db = edit->base->db;
    struct names names;
    int rc = find_old(edit->base, table, &names);

    for (size_t i = 0; i < names.count; i++) {
        struct slice key = strbuf_slice(&names.keys[i]);
        int moved = rc < 0 ? -1 : account_db_begin(db);

        if (moved == 0) {
            moved =
                table == ACCOUNT_TABLE_ENTRIES ? move_entry(edit, key) : move_key(edit, table, key);
            if (moved <= 0)
                account_db_abort(db);
            else if (account_db_commit(db) < 0)
                moved = -1;
        }
        rc = moved < 0 ? -1 : 0;
        result->moved += moved > 0;
        result->left += moved == 0;
        strbuf_free(&names.keys[i]);
    }
    free(names.keys);
    return rc;
}

int
account_old_names_move(struct account_base *base, int64_t now_ms, struct old_names *result)
{
    struct account_result text = account_result_new(); /* the numbers say enough */
    struct account_edit edit = {.base = base, .now_ms = now_ms, .result = &text};
    int rc;

    *result = (struct old_names){0};
    base->old_names = true;
    rc = move_table(&edit, ACCOUNT_TABLE_ENTRIES, result);
    base->old_names = result->left > 0;
    if (rc == 0)
        rc = move_table(&edit, ACCOUNT_TABLE_ADMINS, result);
    if (rc == 0) /* behind the mailboxes, whose published profiles went along */
        rc = move_table(&edit, ACCOUNT_TABLE_CONTACTS, result);
    account_result_free(&text);
    return rc;
}
