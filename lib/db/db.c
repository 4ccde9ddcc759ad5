/*
 * lib/db/db.c - an ordered, transactional key-value file: the one wrapper of Berkeley DB 5.3.
 *
 * Trusts its own files; a damaged environment fails to open. Touches only files in `home`.
 */
#include "lib/db/db.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"

#define LOCK_RETRY_MS 20
#define LOG_FILE_BYTES (10u << 20)
#define LOG_BUFFER_BYTES (1u << 20)
#define CHECKPOINT_KBYTES 256 /* of log written since the last one */

struct db {
    DB_ENV *env;
    DB *handle;
    DB_TXN *txn; /* NULL: none is open */
    int lock_fd;
    bool broken;
    void (*message)(const char *text);
};

struct db_cursor {
    struct db *db;
    DBC *dbc;
    struct slice from; /* where the first call starts; borrowed until then */
    bool started;
};

/* ---- the lock file: one owner ---- */

/* A write lock on the whole file goes with the process, however it ends. */
static int
try_lock(int fd, pid_t *owner)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_SETLK, &lock) == 0)
        return 0;
    if (errno != EAGAIN && errno != EACCES)
        return -1;
    *owner = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
    errno = EAGAIN;
    return -1;
}

static int
lock_home(const struct db_options *options, struct strbuf *error)
{
    const struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
    int64_t deadline = clock_mono_ms() + options->lock_wait_ms;
    char path[4096];
    pid_t owner = 0;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/lock", options->home);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd >= 0 && try_lock(fd, &owner) < 0) {
        if (errno == EAGAIN && clock_mono_ms() < deadline) {
            (void)nanosleep(&pause, NULL); /* an early return only asks again sooner */
            continue;
        }
        if (errno == EAGAIN)
            (void)strbuf_printf(error, "the account base is in use by process %ld", (long)owner);
        else
            (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
        (void)close(fd);
        return -1;
    }
    if (fd < 0)
        (void)strbuf_printf(error, "%s: %s", path, strerror(errno));
    return fd;
}

/* ---- opening and closing ---- */

/* Berkeley DB's own codes are negative. */
static int
to_errno(struct db *db, int rc)
{
    if (rc == 0)
        return 0;
    if (rc == DB_RUNRECOVERY)
        db->broken = true;
    if (rc == DB_NOTFOUND || rc == DB_KEYEMPTY)
        errno = ENOENT;
    else
        errno = rc > 0 ? rc : EIO;
    return -1;
}

static void
on_message(const DB_ENV *env, const char *prefix, const char *text)
{
    struct db *db = env->app_private;

    (void)prefix; /* none is set */
    if (db->message != NULL)
        db->message(text);
}

static int
open_environment(struct db *db, const struct db_options *options)
{
    int rc = db_env_create(&db->env, 0);

    if (rc != 0)
        return rc;
    db->env->app_private = db;
    db->env->set_errcall(db->env, on_message);
    rc = db->env->set_cachesize(db->env, (u_int32_t)(options->cache_bytes >> 30),
                                (u_int32_t)(options->cache_bytes & ((1u << 30) - 1)), 1);
    if (rc == 0)
        rc = db->env->set_lg_max(db->env, LOG_FILE_BYTES);
    if (rc == 0)
        rc = db->env->set_lg_bsize(db->env, LOG_BUFFER_BYTES);
    if (rc == 0)
        rc = db->env->log_set_config(db->env, DB_LOG_AUTO_REMOVE, 1);
    if (rc == 0) /* private: the regions are our heap, not files that others could map */
        rc = db->env->open(
            db->env, options->home,
            DB_CREATE | DB_RECOVER | DB_PRIVATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL, 0600);
    if (rc == 0)
        rc = db_create(&db->handle, db->env, 0);
    if (rc == 0)
        rc = db->handle->open(db->handle, NULL, options->file, NULL, DB_BTREE,
                              DB_CREATE | DB_AUTO_COMMIT, 0600);
    return rc;
}

struct db *
db_open(const struct db_options *options, struct strbuf *error)
{
    struct db *db;
    int lock_fd = lock_home(options, error);
    int rc;

    if (lock_fd < 0)
        return NULL;
    db = xcalloc(1, sizeof(*db));
    db->lock_fd = lock_fd;
    db->message = options->message;
    rc = open_environment(db, options);
    if (rc != 0) {
        (void)strbuf_printf(error, "account base in %s: %s", options->home, db_strerror(rc));
        db_close(&db);
    }
    return db;
}

void
db_close(struct db **dbp)
{
    struct db *db = *dbp;

    if (db == NULL)
        return;
    if (db->txn != NULL)
        db_abort(db);
    /* Nothing is lost if the rest fails: the next open recovers. */
    if (db->handle != NULL)
        (void)db->handle->close(db->handle, 0);
    if (db->env != NULL && !db->broken)
        (void)db->env->txn_checkpoint(db->env, 0, 0, 0);
    if (db->env != NULL)
        (void)db->env->close(db->env, 0);
    (void)close(db->lock_fd);
    xfree(dbp);
}

/* ---- transactions ---- */

int
db_begin(struct db *db)
{
    assert_always(db->txn == NULL);
    return to_errno(db, db->env->txn_begin(db->env, NULL, &db->txn, 0));
}

static int
commit(struct db *db, uint32_t flags)
{
    DB_TXN *txn = db->txn;

    assert_always(txn != NULL);
    db->txn = NULL;
    return to_errno(db, txn->commit(txn, flags));
}

int
db_commit(struct db *db)
{
    return commit(db, DB_TXN_SYNC);
}

int
db_commit_unflushed(struct db *db)
{
    return commit(db, DB_TXN_WRITE_NOSYNC);
}

void
db_abort(struct db *db)
{
    DB_TXN *txn = db->txn;
    int saved = errno;

    assert_always(txn != NULL);
    db->txn = NULL;
    (void)to_errno(db, txn->abort(txn)); /* only a broken environment refuses: that is noted */
    errno = saved;
}

bool
db_in_transaction(const struct db *db)
{
    return db->txn != NULL;
}

/* ---- rows ---- */

static DBT
to_dbt(struct slice s)
{
    DBT dbt;

    memset(&dbt, 0, sizeof(dbt));
    dbt.data = (void *)(uintptr_t)s.ptr; /* only read: the library's interface lacks the const */
    dbt.size = (u_int32_t)s.len;
    return dbt;
}

int
db_get(struct db *db, struct slice key, struct slice *value)
{
    DBT k = to_dbt(key), v = to_dbt(slice_make(NULL, 0));
    int rc = db->handle->get(db->handle, db->txn, &k, &v, 0);

    *value = slice_make(v.data, rc == 0 ? v.size : 0);
    return to_errno(db, rc);
}

int
db_put(struct db *db, struct slice key, struct slice value)
{
    DBT k = to_dbt(key), v = to_dbt(value);

    return to_errno(db, db->handle->put(db->handle, db->txn, &k, &v, 0));
}

int
db_del(struct db *db, struct slice key)
{
    DBT k = to_dbt(key);

    return to_errno(db, db->handle->del(db->handle, db->txn, &k, 0));
}

struct db_cursor *
db_cursor_open(struct db *db, struct slice from)
{
    struct db_cursor *cursor = xcalloc(1, sizeof(*cursor));

    cursor->db = db;
    cursor->from = from;
    if (to_errno(db, db->handle->cursor(db->handle, db->txn, &cursor->dbc, 0)) < 0)
        xfree(&cursor);
    return cursor;
}

int
db_cursor_next(struct db_cursor *cursor, struct slice *key, struct slice *value)
{
    DBT k = to_dbt(cursor->from), v = to_dbt(slice_make(NULL, 0));
    int rc = cursor->dbc->get(cursor->dbc, &k, &v, cursor->started ? DB_NEXT : DB_SET_RANGE);

    cursor->started = true;
    if (rc == DB_NOTFOUND)
        return 0;
    if (to_errno(cursor->db, rc) < 0)
        return -1;
    *key = slice_make(k.data, k.size);
    *value = slice_make(v.data, v.size);
    return 1;
}

void
db_cursor_close(struct db_cursor **cursorp)
{
    if (*cursorp == NULL)
        return;
    (void)(*cursorp)->dbc->close((*cursorp)->dbc); /* reads only: nothing to lose */
    xfree(cursorp);
}

int
db_checkpoint(struct db *db)
{
    return to_errno(db, db->env->txn_checkpoint(db->env, CHECKPOINT_KBYTES, 0, 0));
}

bool
db_broken(const struct db *db)
{
    return db->broken;
}
