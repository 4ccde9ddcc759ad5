/*
 * lib/account/account_db.c - the account base's tables on lib/db: one file, keys led by the table's
 * letter. Touches only the database files in the current directory.
 */
#include "lib/account/account_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/db/db.h"

struct account_db {
    struct db *db;
    uint64_t generation;
    const struct account_db_observer *observer; /* NULL: nobody */
};

struct account_rows {
    struct db_cursor *cursor;
    char prefix[ACCOUNT_KEY_MAX + 1];
    char from[ACCOUNT_KEY_MAX + 1];
    size_t prefix_len;
};

struct full_key {
    char bytes[ACCOUNT_KEY_MAX + 1];
    size_t len;
};

static int
full_key(enum account_table table, struct slice key, struct full_key *out)
{
    if (key.len > ACCOUNT_KEY_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    out->bytes[0] = (char)table;
    if (key.len > 0)
        memcpy(out->bytes + 1, key.ptr, key.len);
    out->len = key.len + 1;
    return 0;
}

struct account_db *
account_db_open(uint64_t cache_bytes, int lock_wait_ms, void (*message)(const char *text),
                struct strbuf *error)
{
    const struct db_options options = {.home = ".",
                                       .file = "accounts.db",
                                       .cache_bytes = cache_bytes,
                                       .lock_wait_ms = lock_wait_ms,
                                       .message = message};
    struct db *inner = db_open(&options, error);
    struct account_db *db;

    if (inner == NULL)
        return NULL;
    db = xcalloc(1, sizeof(*db));
    db->db = inner;
    return db;
}

void
account_db_close(struct account_db **dbp)
{
    if (*dbp == NULL)
        return;
    db_close(&(*dbp)->db);
    xfree(dbp);
}

bool
account_db_broken(const struct account_db *db)
{
    return db_broken(db->db);
}

int
account_db_checkpoint(struct account_db *db)
{
    return db_checkpoint(db->db);
}

void
account_db_observe(struct account_db *db, const struct account_db_observer *observer)
{
    db->observer = observer;
}

static void
tell_change(const struct account_db *db, enum account_table table, struct slice key)
{
    if (db->observer != NULL)
        db->observer->changed(db->observer->arg, table, key);
}

static void
tell_end(const struct account_db *db, bool committed)
{
    if (db->observer != NULL)
        db->observer->ended(db->observer->arg, committed);
}

int
account_db_begin(struct account_db *db)
{
    return db_begin(db->db);
}

int
account_db_commit(struct account_db *db)
{
    int rc;

    db->generation++;
    rc = db_commit(db->db);
    tell_end(db, rc == 0);
    return rc;
}

int
account_db_commit_figures(struct account_db *db)
{
    return db_commit(db->db);
}

int
account_db_commit_done(struct account_db *db)
{
    return db_commit_unflushed(db->db);
}

void
account_db_abort(struct account_db *db)
{
    db_abort(db->db);
    tell_end(db, false);
}

uint64_t
account_db_generation(const struct account_db *db)
{
    return db->generation;
}

int
account_db_get(struct account_db *db, enum account_table table, struct slice key,
               struct slice *value)
{
    struct full_key full;

    return full_key(table, key, &full) < 0
               ? -1
               : db_get(db->db, slice_make(full.bytes, full.len), value);
}

int
account_db_put(struct account_db *db, enum account_table table, struct slice key,
               struct slice value)
{
    struct full_key full;

    tell_change(db, table, key);
    return full_key(table, key, &full) < 0
               ? -1
               : db_put(db->db, slice_make(full.bytes, full.len), value);
}

int
account_db_del(struct account_db *db, enum account_table table, struct slice key)
{
    struct full_key full;

    tell_change(db, table, key);
    return full_key(table, key, &full) < 0 ? -1 : db_del(db->db, slice_make(full.bytes, full.len));
}

struct account_rows *
account_db_rows(struct account_db *db, enum account_table table, struct slice prefix,
                struct slice from)
{
    struct account_rows *rows = xcalloc(1, sizeof(*rows));
    struct full_key full_prefix, full_from;

    if (slice_cmp(from, prefix) < 0)
        from = prefix;
    if (full_key(table, prefix, &full_prefix) == 0 && full_key(table, from, &full_from) == 0) {
        memcpy(rows->prefix, full_prefix.bytes, full_prefix.len);
        rows->prefix_len = full_prefix.len;
        memcpy(rows->from, full_from.bytes, full_from.len);
        rows->cursor = db_cursor_open(db->db, slice_make(rows->from, full_from.len));
    }
    if (rows->cursor == NULL)
        xfree(&rows);
    return rows;
}

int
account_rows_next(struct account_rows *rows, struct slice *key, struct slice *value)
{
    int rc = db_cursor_next(rows->cursor, key, value);

    if (rc != 1)
        return rc;
    if (!slice_starts(*key, slice_make(rows->prefix, rows->prefix_len)))
        return 0;
    *key = slice_sub(*key, 1, key->len);
    return 1;
}

void
account_rows_close(struct account_rows **rowsp)
{
    if (*rowsp == NULL)
        return;
    db_cursor_close(&(*rowsp)->cursor);
    xfree(rowsp);
}
