/*
 * lib/account/account_db.h - where the account base keeps its rows: the seam for another database.
 *
 * Ordered tables of keys and values, transactions over all of them, nothing else.
 * account_db.c puts it on Berkeley DB; PostgreSQL or a directory can stand in behind the same
 * header. One transaction at a time; reads outside of one see what was committed.
 */
#ifndef POSTHORN_LIB_ACCOUNT_ACCOUNT_DB_H
#define POSTHORN_LIB_ACCOUNT_ACCOUNT_DB_H

#include <stdint.h>

#include "lib/base/strbuf.h"

enum account_table {
    ACCOUNT_TABLE_DOMAINS = 'd',  /* "domain" -> record: domain or domain alias */
    ACCOUNT_TABLE_ENTRIES = 'e',  /* "domain\0local" -> record: user, alias or group */
    ACCOUNT_TABLE_MEMBERS = 'm',  /* "domain\0local\0member address" -> record */
    ACCOUNT_TABLE_REFS = 'r',     /* "target address\0" letter "source key" -> empty */
    ACCOUNT_TABLE_SHARES = 's',   /* "domain\0local\0grantee\0folder" -> record */
    ACCOUNT_TABLE_ADMINS = 'a',   /* "name" -> record */
    ACCOUNT_TABLE_JOBS = 'j',     /* sequence number -> work for the store */
    ACCOUNT_TABLE_WORDS = 'w',    /* weak password, folded -> record */
    ACCOUNT_TABLE_META = 'x',     /* what there is one of */
    ACCOUNT_TABLE_CONTACTS = 'c', /* "book\0name" -> record; a book is a domain or "outside" */
    ACCOUNT_TABLE_CODES = 'k',    /* "domain\0local\0id" -> record */
    ACCOUNT_TABLE_FLOW = 'f',     /* "user@domain" -> what was sent in this hour and today */
    ACCOUNT_TABLE_AUDIT = 'u',    /* number -> a change that the log has not been told of */
    ACCOUNT_TABLE_BLOCKS = 'b',   /* kind and name -> a block (lib/auth/block_list.h) */
    ACCOUNT_TABLE_UNITS = 'o',    /* "domain\0name" -> record */
    ACCOUNT_TABLE_TOTALS = 'q',   /* "domain" -> what its mailboxes were given (totals.h) */
    ACCOUNT_TABLE_USUAL = 'n',    /* "user@domain" -> how much is usual (lib/account/usual.h) */
    ACCOUNT_TABLE_VISITS = 'v',   /* "domain\0local" -> the last visit (lib/account/visit.h) */
    ACCOUNT_TABLE_GREETINGS = 'g' /* "domain\0local" -> empty: a new mailbox, to be greeted */
};

#define ACCOUNT_KEY_MAX 1400

struct account_db;
struct account_rows;

/* Opens the database in the current directory. NULL with a line in `error`. `message` gets what the
 * database has to say. */
struct account_db *account_db_open(uint64_t cache_bytes, int lock_wait_ms,
                                   void (*message)(const char *text), struct strbuf *error);
void account_db_close(struct account_db **dbp);
bool account_db_broken(const struct account_db *db); /* only a restart can help */
int account_db_checkpoint(struct account_db *db);

/* Who wants to know what changes: called for each row that is put or deleted, and at the end of the
 * transaction, behind the commit, or when it was aborted. Borrowed. */
struct account_db_observer {
    void (*changed)(void *arg, enum account_table table, struct slice key);
    void (*ended)(void *arg, bool committed);
    void *arg;
};
void account_db_observe(struct account_db *db, const struct account_db_observer *observer);

/* 0, or -1 with errno. After a commit returned 0 it is on disk. */
int account_db_begin(struct account_db *db);
int account_db_commit(struct account_db *db);
/* The same when only ACCOUNT_TABLE_FLOW, _USUAL, _AUDIT, _BLOCKS, _VISITS, _GREETINGS or the last
 * use of a code was changed, which no export has: no generation, nobody's business. */
int account_db_commit_figures(struct account_db *db);
/* The same for a job that the store has done: not flushed (lib/db/db.h). Doing it again does no
 * harm while nothing later was committed, and what is makes this durable. */
int account_db_commit_done(struct account_db *db);
void account_db_abort(struct account_db *db);
/* Grows with each commit: who read in several steps can tell that nothing changed meanwhile. */
uint64_t account_db_generation(const struct account_db *db);

/* ENOENT: no such row. *value is borrowed until the next call. ENAMETOOLONG: no key can be so long.
 */
int account_db_get(struct account_db *db, enum account_table table, struct slice key,
                   struct slice *value);
int account_db_put(struct account_db *db, enum account_table table, struct slice key,
                   struct slice value);
int account_db_del(struct account_db *db, enum account_table table, struct slice key);

/* The rows whose key starts with `prefix`, in key order, from `from` on (or from the first). */
struct account_rows *account_db_rows(struct account_db *db, enum account_table table,
                                     struct slice prefix, struct slice from);
/* 1: a row, borrowed until the next call on `rows`; 0: the end; -1 with errno. */
int account_rows_next(struct account_rows *rows, struct slice *key, struct slice *value);
void account_rows_close(struct account_rows **rowsp);

#endif
