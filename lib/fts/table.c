/*
 * lib/fts/table.c - the database of one folder's full-text index: the one user of SQLite.
 *
 * Trusts the file to have been written by a session of the same mailbox, not to be undamaged:
 * lib/fts/vfs checks every page, SQLite what it finds in them.
 */
#include "lib/fts/table.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/fts/gram.h"
#include "lib/fts/vfs.h"

#define UIDS_FIRST 256
#define BATCHES_MAX 1000000
#define GRAM_BITS 17 /* of a block's id; the others are its batch's */
_Static_assert(GRAM_NUMBERS <= 1u << GRAM_BITS, "a block's id");

/* Statements that are run many times, prepared at first use. */
enum statement { ADD_BLOCK, ADD_ALWAYS, SOME_BLOCKS, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [ADD_BLOCK] = "INSERT INTO blocks(id, block) VALUES(?1, ?2)",
    [ADD_ALWAYS] = "INSERT INTO always(uid) VALUES(?1)",
    [SOME_BLOCKS] = "SELECT id, block FROM blocks WHERE id BETWEEN"
                    " ifnull((SELECT id FROM blocks WHERE id BETWEEN ?3 AND ?1"
                    " ORDER BY id DESC LIMIT 1), ?1)"
                    " AND ?2 ORDER BY id",
};

struct table {
    struct vfs vfs;
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS];
    bool blocks_taken; /* a cursor has SOME_BLOCKS */
};

/* Private to the connection. cache_size: KiB, negative. secure_delete would write each freed page
 * once more with zeros. */
static const char settings[] = "PRAGMA page_size=4096;"
                               "PRAGMA cache_size=-512;"
                               "PRAGMA journal_mode=TRUNCATE;"
                               "PRAGMA synchronous=FULL;"
                               "PRAGMA temp_store=MEMORY;"
                               "PRAGMA secure_delete=OFF;"
                               "PRAGMA cell_size_check=ON;";
_Static_assert(VFS_PAGE == 4096, "as in the settings");

/* A block's id is its batch's number and that of its first gram: blocks are written in that order,
 * which fills pages, and a batch is dropped as one piece. */
static const char schema[] =
    "CREATE TABLE blocks(id INTEGER PRIMARY KEY, block BLOB NOT NULL);"
    "CREATE TABLE batches(id INTEGER PRIMARY KEY, messages INTEGER NOT NULL, uids BLOB NOT NULL);"
    "CREATE TABLE always(uid INTEGER PRIMARY KEY);"
    "CREATE TABLE about(version INTEGER, uidvalidity INTEGER, last_uid INTEGER, messages INTEGER);"
    "INSERT INTO about VALUES(0, 0, 0, 0);";

/* ---- errors ---- */

static int
errno_of(const struct table *table, int rc)
{
    if (table->vfs.damaged)
        return EBADMSG;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ENOSPC;
    case SQLITE_NOMEM:
        return ENOMEM;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return table->vfs.error != 0 ? table->vfs.error : EIO;
    default:
        return EBADMSG; /* CORRUPT, NOTADB, and ERROR: a table that is not there */
    }
}

static int
failed(const struct table *table, int rc)
{
    errno = errno_of(table, rc);
    return -1;
}

static int
run(struct table *table, const char *sql)
{
    int rc = sqlite3_exec(table->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : failed(table, rc);
}

/* ---- opening ---- */

/* The file lies where another session of the user, perhaps one that was taken over, may write:
 * nothing in its schema runs by itself. */
static void
distrust_schema(sqlite3 *db)
{
    /* options of this connection; each call can fail only for an unknown option */
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
}

static struct table *
open_connection(int dirfd, int fd, bool read_only)
{
    static bool configured;
    struct table *table = xcalloc(1, sizeof(*table));
    int reserved = VFS_RESERVED, rc;

    if (!configured) {
        /* before first use: they cannot fail then. Our processes have one thread. */
        (void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        configured = true;
    }
    rc = vfs_open(&table->vfs, dirfd, fd, read_only, &table->db);
    if (rc != SQLITE_OK)
        goto fail;
    distrust_schema(table->db);
    rc = sqlite3_file_control(table->db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (rc == SQLITE_OK && run(table, settings) == 0)
        return table;
fail:
    (void)failed(table, rc);
    table_close(&table);
    return NULL;
}

static int
read_row(struct table *table, struct table_row *row)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(table->db, "SELECT * FROM about", -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *row = (struct table_row){.version = (uint32_t)sqlite3_column_int64(statement, 0),
                                  .uidvalidity = (uint32_t)sqlite3_column_int64(statement, 1),
                                  .last_uid = (uint32_t)sqlite3_column_int64(statement, 2),
                                  .messages = (uint32_t)sqlite3_column_int64(statement, 3)};
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc == SQLITE_ROW ? 0 : failed(table, rc);
}

struct table *
table_open(int dirfd, int fd, bool read_only, struct table_row *row)
{
    struct table *table;

    if (read_only && vfs_journal_is_hot(dirfd)) {
        errno = EAGAIN;
        return NULL;
    }
    table = open_connection(dirfd, fd, read_only);
    if (table != NULL && read_row(table, row) < 0)
        table_close(&table);
    return table;
}

struct table *
table_create(int dirfd, int fd, const struct table_row *row)
{
    struct table *table;

    /* The journal first: it must not be rolled back into the new database. */
    if ((unlinkat(dirfd, VFS_JOURNAL, 0) < 0 && errno != ENOENT) || ftruncate(fd, 0) < 0)
        return NULL;
    table = open_connection(dirfd, fd, false);
    if (table == NULL)
        return NULL;
    if (table_begin(table) < 0 || run(table, schema) < 0 || table_commit(table, row) < 0)
        table_close(&table);
    return table;
}

void
table_close(struct table **tablep)
{
    struct table *table = *tablep;
    int saved = errno;

    if (table == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(table->prepared[i]); /* says again what step said */
    vfs_close(&table->vfs, &table->db);
    xfree(tablep);
    errno = saved;
}

/* ---- statements ---- */

static int
prepare(struct table *table, const char *sql, sqlite3_stmt **statement)
{
    int rc = SQLITE_OK;

    if (*statement == NULL)
        rc = sqlite3_prepare_v3(table->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return rc == SQLITE_OK ? 0 : failed(table, rc);
}

/* With these numbers as its first parameters. NULL: it failed. */
static sqlite3_stmt *
with_numbers(struct table *table, sqlite3_stmt **statement, const char *sql, const int64_t *numbers,
             int count)
{
    if (prepare(table, sql, statement) < 0)
        return NULL;
    for (int i = 0; i < count; i++)
        (void)sqlite3_bind_int64(*statement, i + 1, numbers[i]); /* positions that exist */
    return *statement;
}

static int
step_and_reset(struct table *table, sqlite3_stmt *statement)
{
    int rc;

    if (statement == NULL)
        return -1;
    rc = sqlite3_step(statement);
    (void)sqlite3_reset(statement); /* says again what step said */
    return rc == SQLITE_DONE ? 0 : failed(table, rc);
}

/* A statement of its own, for what is done once in a batch. */
static int
run_once(struct table *table, const char *sql, const int64_t *numbers, int count, struct slice blob)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    (void)with_numbers(table, &statement, sql, numbers, count);
    if (statement != NULL && blob.ptr != NULL) /* it exists, and stays */
        (void)sqlite3_bind_blob(statement, count + 1, blob.ptr, (int)blob.len, SQLITE_STATIC);
    rc = step_and_reset(table, statement);
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc;
}

static struct slice
column_blob(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column); /* before its length is asked for */

    return slice_make(bytes, (size_t)sqlite3_column_bytes(statement, column));
}

/* ---- the whole ---- */

int
table_begin(struct table *table)
{
    return run(table, "BEGIN IMMEDIATE");
}

int
table_commit(struct table *table, const struct table_row *row)
{
    const int64_t numbers[] = {row->version, row->uidvalidity, row->last_uid, row->messages};

    return run_once(table,
                    "UPDATE about SET version = ?1, uidvalidity = ?2, last_uid = ?3, messages = ?4",
                    numbers, ARRAY_LEN(numbers), slice_of(NULL)) == 0
               ? run(table, "COMMIT")
               : -1;
}

int
table_add_always(struct table *table, uint32_t uid)
{
    const int64_t number = uid;

    return step_and_reset(table, with_numbers(table, &table->prepared[ADD_ALWAYS],
                                              statements[ADD_ALWAYS], &number, 1));
}

void
table_uids_append(struct table_uids *out, uint32_t uid)
{
    if (out->count == out->cap) {
        out->cap = out->cap == 0 ? UIDS_FIRST : 2 * out->cap;
        out->uids = xreallocarray(out->uids, out->cap, sizeof(*out->uids));
    }
    out->uids[out->count++] = uid;
}

int
table_always(struct table *table, struct table_uids *out)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    if (prepare(table, "SELECT uid FROM always ORDER BY uid", &statement) < 0)
        return -1;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        table_uids_append(out, (uint32_t)sqlite3_column_int64(statement, 0));
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc == SQLITE_DONE ? 0 : failed(table, rc);
}

/* ---- batches ---- */

int
table_batches(struct table *table, struct table_batches *out)
{
    sqlite3_stmt *statement = NULL;
    size_t cap = 0;
    int rc;

    *out = (struct table_batches){NULL, 0};
    if (prepare(table, "SELECT id, messages FROM batches ORDER BY id", &statement) < 0)
        return -1;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && out->count < BATCHES_MAX) {
        if (out->count == cap) {
            cap = cap == 0 ? 16 : 2 * cap;
            out->list = xreallocarray(out->list, cap, sizeof(*out->list));
        }
        out->list[out->count++] =
            (struct table_batch){(uint32_t)sqlite3_column_int64(statement, 0),
                                 (uint32_t)sqlite3_column_int64(statement, 1)};
    }
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc == SQLITE_DONE ? 0 : failed(table, rc);
}

int
table_add_batch(struct table *table, const struct table_batch *batch, struct slice uids)
{
    const int64_t numbers[] = {batch->id, batch->messages};

    return run_once(table, "INSERT INTO batches(id, messages, uids) VALUES(?1, ?2, ?3)", numbers,
                    ARRAY_LEN(numbers), uids);
}

int
table_batch_uids(struct table *table, uint32_t id, struct strbuf *out)
{
    const int64_t number = id;
    sqlite3_stmt *statement = NULL;
    int rc = SQLITE_ERROR;

    if (with_numbers(table, &statement, "SELECT uids FROM batches WHERE id = ?1", &number, 1) ==
        NULL)
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW && strbuf_append(out, column_blob(statement, 0)))
        rc = SQLITE_OK;
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc == SQLITE_OK ? 0 : failed(table, rc);
}

static int64_t
block_id(uint32_t batch, uint32_t gram)
{
    return (int64_t)batch << GRAM_BITS | gram;
}

int
table_drop_batch(struct table *table, uint32_t id)
{
    const int64_t number = id, blocks[] = {block_id(id, 0), block_id(id, GRAM_NUMBERS)};

    return run_once(table, "DELETE FROM blocks WHERE id BETWEEN ?1 AND ?2", blocks,
                    ARRAY_LEN(blocks), slice_of(NULL)) == 0
               ? run_once(table, "DELETE FROM batches WHERE id = ?1", &number, 1, slice_of(NULL))
               : -1;
}

/* ---- blocks ---- */

int
table_add_block(struct table *table, uint32_t batch, uint32_t gram, struct slice block)
{
    const int64_t id = block_id(batch, gram);
    sqlite3_stmt *add =
        with_numbers(table, &table->prepared[ADD_BLOCK], statements[ADD_BLOCK], &id, 1);

    if (add != NULL) /* it exists, and stays */
        (void)sqlite3_bind_blob(add, 2, block.ptr, (int)block.len, SQLITE_STATIC);
    return step_and_reset(table, add);
}

struct table_cursor
table_blocks(struct table *table, uint32_t batch, uint32_t first, uint32_t last)
{
    const int64_t ids[] = {block_id(batch, first), block_id(batch, last), block_id(batch, 0)};
    struct table_cursor cursor = {.table = table, .rc = SQLITE_OK};
    sqlite3_stmt *own = NULL; /* only while another cursor is open */
    sqlite3_stmt **statement = table->blocks_taken ? &own : &table->prepared[SOME_BLOCKS];

    cursor.statement = with_numbers(table, statement, statements[SOME_BLOCKS], ids, ARRAY_LEN(ids));
    if (cursor.statement == NULL)
        cursor.rc = errno;
    else
        table->blocks_taken = true;
    return cursor;
}

void
table_end_blocks(struct table_cursor *cursor)
{
    struct table *table = cursor->table;
    sqlite3_stmt *statement = cursor->statement;

    if (statement == NULL)
        return;
    cursor->statement = NULL;
    if (statement != table->prepared[SOME_BLOCKS]) {
        (void)sqlite3_finalize(statement); /* says again what step said */
        return;
    }
    (void)sqlite3_reset(statement);
    table->blocks_taken = false;
}

int
table_next_block(struct table_cursor *cursor, uint32_t *gram, struct slice *block)
{
    int rc;

    if (cursor->statement == NULL) {
        errno = cursor->rc;
        return cursor->rc == SQLITE_OK ? 0 : -1;
    }
    rc = sqlite3_step(cursor->statement);
    if (rc == SQLITE_ROW) {
        *gram = (uint32_t)sqlite3_column_int64(cursor->statement, 0) & ((1u << GRAM_BITS) - 1);
        *block = column_blob(cursor->statement, 1);
        return 1;
    }
    if (rc != SQLITE_DONE)
        (void)failed(cursor->table, rc);
    cursor->rc = rc == SQLITE_DONE ? 0 : errno;
    table_end_blocks(cursor);
    errno = cursor->rc;
    return rc == SQLITE_DONE ? 0 : -1;
}
