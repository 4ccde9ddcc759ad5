/*
 * lib/db/db.h - an ordered, transactional key-value file: the one wrapper of Berkeley DB.
 *
 * The environment belongs to one process, kept so by a lock file, and to one thread of it: Berkeley
 * DB then needs no lock tables, so a transaction may be of any size. Every open runs recovery. All
 * files lie in `home`, which may be "." (works below directories that the process cannot search).
 * At most one transaction is open at a time; every call made while it is belongs to it.
 */
#ifndef POSTHORN_LIB_DB_DB_H
#define POSTHORN_LIB_DB_DB_H

#include <stdint.h>

#include "lib/base/strbuf.h"

struct db;
struct db_cursor;

struct db_options {
    const char *home;
    const char *file;     /* name of the database below home */
    uint64_t cache_bytes; /* pages kept in memory */
    int lock_wait_ms;     /* how long to wait for another owner to end */
    /* What Berkeley DB has to say (damage, disk errors); may be NULL. */
    void (*message)(const char *text);
};

/* NULL with a line in `error`: "in use by process 123", "recovery failed: ...". */
struct db *db_open(const struct db_options *options, struct strbuf *error);
void db_close(struct db **dbp); /* takes a checkpoint; an open transaction is undone */

/* 0, or -1 with errno. After a commit returned 0 the changes are on disk. A failed commit has
 * changed nothing. */
int db_begin(struct db *db);
int db_commit(struct db *db);
/* The same without the flush: a crash of the machine may take it back, but never alone; what was
 * committed before it stays, and the next db_commit makes it durable along with itself. */
int db_commit_unflushed(struct db *db);
void db_abort(struct db *db);
bool db_in_transaction(const struct db *db);

/* *value is borrowed until the next call on db. ENOENT: no such key. */
int db_get(struct db *db, struct slice key, struct slice *value);
int db_put(struct db *db, struct slice key, struct slice value); /* replaces */
int db_del(struct db *db, struct slice key);                     /* ENOENT */

/* Keys from `from` on, in the order of their bytes. The cursor sees changes made meanwhile; close
 * it before the transaction ends. *key and *value are borrowed until the next call on the cursor.
 */
struct db_cursor *db_cursor_open(struct db *db, struct slice from);
/* 1: a row; 0: the end; -1 with errno. */
int db_cursor_next(struct db_cursor *cursor, struct slice *key, struct slice *value);
void db_cursor_close(struct db_cursor **cursorp);

/* Writes changed pages to the file so that old log files can go. Cheap when little was changed. */
int db_checkpoint(struct db *db);
/* True once a disk error made the environment unusable: the process has to end and recover. */
bool db_broken(const struct db *db);

#endif
