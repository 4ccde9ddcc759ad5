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
#include "lib/fts/vfs.h"

#define UIDS_FIRST 256

struct table {
    struct vfs vfs;
    sqlite3 *db;
    sqlite3_stmt *add, *add_always;
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

/* pgsz: a block and its row fill a page of 4088 bytes. hashsize: bytes of new grams that are held
 * in memory. Small segments are merged sixteen at a time, which writes each gram about twice. */
static const char schema[] =
    "CREATE VIRTUAL TABLE grams USING fts5(text, content='', columnsize=0, detail=none,"
    " tokenize='posthorn');"
    "INSERT INTO grams(grams, rank) VALUES('pgsz', 4000);"
    "INSERT INTO grams(grams, rank) VALUES('hashsize', 4194304);"
    "INSERT INTO grams(grams, rank) VALUES('automerge', 16);"
    "INSERT INTO grams(grams, rank) VALUES('crisismerge', 32);"
    "CREATE TABLE always(uid INTEGER PRIMARY KEY);"
    "CREATE TABLE about(version INTEGER, uidvalidity INTEGER, last_uid INTEGER, messages INTEGER);"
    "INSERT INTO about VALUES(0, 0, 0, 0);";

/* ---- the tokenizer: grams come ready-made, a space behind each ---- */

static int
tokenizer_new(void *arg, const char **args, int count, Fts5Tokenizer **out)
{
    (void)arg;
    (void)args;
    (void)count;
    *out = (Fts5Tokenizer *)xmalloc(1); /* there is no state, but SQLite wants an address */
    return SQLITE_OK;
}

static void
tokenizer_free(Fts5Tokenizer *tokenizer)
{
    free(tokenizer);
}

static int
tokenize(Fts5Tokenizer *tokenizer, void *arg, int flags, const char *text, int len,
         int (*token)(void *, int, const char *, int, int, int))
{
    (void)tokenizer;
    (void)flags;
    for (int from = 0, to; from < len; from = to + 1) {
        const char *space = memchr(text + from, ' ', (size_t)(len - from));
        int rc = SQLITE_OK;

        to = space == NULL ? len : (int)(space - text);
        if (to > from)
            rc = token(arg, 0, text + from, to - from, from, to);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

static int
register_tokenizer(sqlite3 *db)
{
    fts5_tokenizer methods = {
        .xCreate = tokenizer_new, .xDelete = tokenizer_free, .xTokenize = tokenize};
    sqlite3_stmt *statement = NULL;
    fts5_api *api = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_pointer(statement, 1, (void *)&api, "fts5_api_ptr", NULL);
    if (rc == SQLITE_OK)
        (void)sqlite3_step(statement); /* it fills in `api` or not */
    (void)sqlite3_finalize(statement); /* says again what step said */
    if (rc != SQLITE_OK)
        return rc;
    return api == NULL ? SQLITE_ERROR
                       : api->xCreateTokenizer(api, "posthorn", NULL, &methods, NULL);
}

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
    if (rc == SQLITE_OK)
        rc = register_tokenizer(table->db);
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
    (void)sqlite3_finalize(table->add); /* says again what step said */
    (void)sqlite3_finalize(table->add_always);
    vfs_close(&table->vfs, &table->db);
    xfree(tablep);
    errno = saved;
}

/* ---- writing ---- */

int
table_begin(struct table *table)
{
    return run(table, "BEGIN IMMEDIATE");
}

static int
prepare(struct table *table, const char *sql, sqlite3_stmt **statement)
{
    int rc = SQLITE_OK;

    if (*statement == NULL)
        rc = sqlite3_prepare_v3(table->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return rc == SQLITE_OK ? 0 : failed(table, rc);
}

static int
step_and_reset(struct table *table, sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);

    (void)sqlite3_reset(statement); /* says again what step said */
    return rc == SQLITE_DONE ? 0 : failed(table, rc);
}

int
table_add(struct table *table, uint32_t uid, struct slice grams)
{
    if (prepare(table, "INSERT INTO grams(rowid, text) VALUES(?1, ?2)", &table->add) < 0)
        return -1;
    /* positions that exist, text that stays */
    (void)sqlite3_bind_int64(table->add, 1, uid);
    (void)sqlite3_bind_text(table->add, 2, grams.ptr, (int)grams.len, SQLITE_STATIC);
    return step_and_reset(table, table->add);
}

int
table_add_always(struct table *table, uint32_t uid)
{
    if (prepare(table, "INSERT INTO always(uid) VALUES(?1)", &table->add_always) < 0)
        return -1;
    (void)sqlite3_bind_int64(table->add_always, 1, uid); /* that position exists */
    return step_and_reset(table, table->add_always);
}

static int
write_row(struct table *table, const struct table_row *row)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    if (prepare(table,
                "UPDATE about SET version = ?1, uidvalidity = ?2, last_uid = ?3, messages = ?4",
                &statement) < 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, row->version); /* positions that exist */
    (void)sqlite3_bind_int64(statement, 2, row->uidvalidity);
    (void)sqlite3_bind_int64(statement, 3, row->last_uid);
    (void)sqlite3_bind_int64(statement, 4, row->messages);
    rc = step_and_reset(table, statement);
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc;
}

int
table_commit(struct table *table, const struct table_row *row)
{
    return write_row(table, row) == 0 ? run(table, "COMMIT") : -1;
}

/* ---- reading ---- */

static void
uids_append(struct table_uids *out, uint32_t uid)
{
    if (out->count == out->cap) {
        out->cap = out->cap == 0 ? UIDS_FIRST : 2 * out->cap;
        out->uids = xreallocarray(out->uids, out->cap, sizeof(*out->uids));
    }
    out->uids[out->count++] = uid;
}

/* Runs a statement whose rows are UIDs; `text` is its parameter. */
static int
collect(struct table *table, const char *sql, struct slice text, struct table_uids *out)
{
    sqlite3_stmt *statement = NULL;
    int rc;

    if (prepare(table, sql, &statement) < 0)
        return -1;
    if (text.len > 0)
        (void)sqlite3_bind_text(statement, 1, text.ptr, (int)text.len, SQLITE_STATIC); /* exists */
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        uids_append(out, (uint32_t)sqlite3_column_int64(statement, 0));
    (void)sqlite3_finalize(statement); /* says again what step said */
    return rc == SQLITE_DONE ? 0 : failed(table, rc);
}

int
table_match(struct table *table, struct slice expression, struct table_uids *out)
{
    return collect(table, "SELECT rowid FROM grams WHERE grams MATCH ?1 ORDER BY rowid", expression,
                   out);
}

int
table_always(struct table *table, struct table_uids *out)
{
    return collect(table, "SELECT uid FROM always ORDER BY uid", slice_of(NULL), out);
}
