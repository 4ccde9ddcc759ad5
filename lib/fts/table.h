/*
 * lib/fts/table.h - the database of one folder's full-text index: the one user of SQLite.
 *
 * A contentless FTS5 table holds for each gram the UIDs of the messages that have it, and nothing
 * else (detail=none); beside it lie the UIDs that are always candidates, and one row about the
 * whole. Commits are durable and atomic (rollback journal, synchronous=FULL): a crash leaves the
 * last commit, which the next writer finds or rolls back to.
 */
#ifndef POSTHORN_LIB_FTS_TABLE_H
#define POSTHORN_LIB_FTS_TABLE_H

#include <stdint.h>

#include "lib/base/slice.h"

#define TABLE_NAME "posthorn.fts"

struct table;

struct table_row {        /* about the whole */
    uint32_t version;     /* of what is in it; another one: not for us */
    uint32_t uidvalidity; /* of the folder */
    uint32_t last_uid;    /* all messages up to here are in it */
    uint32_t messages;    /* so many, those counted that were expunged since */
};

struct table_uids { /* grows; free(uids) */
    uint32_t *uids;
    size_t count, cap;
};

/* Over the open file `fd` in `dirfd`, both borrowed; the caller has it locked, exclusively unless
 * read_only. NULL with errno: EBADMSG: damaged, ENOSPC, ENOMEM, EAGAIN: a writer has to roll back
 * first, EIO. */
struct table *table_open(int dirfd, int fd, bool read_only, struct table_row *row);
/* The same for a file without content, or whose content does not matter. */
struct table *table_create(int dirfd, int fd, const struct table_row *row);
void table_close(struct table **tablep); /* undoes what was not committed */

/* All below: 0, or -1 with errno as above. */
int table_begin(struct table *table);
int table_add(struct table *table, uint32_t uid, struct slice grams); /* a space behind each */
int table_add_always(struct table *table, uint32_t uid);
int table_commit(struct table *table, const struct table_row *row);

/* Appends the UIDs that match an FTS5 expression, in ascending order. */
int table_match(struct table *table, struct slice expression, struct table_uids *out);
int table_always(struct table *table, struct table_uids *out);

#endif
