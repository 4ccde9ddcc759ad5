/*
 * lib/fts/table.h - the database of one folder's full-text index: the one user of SQLite.
 *
 * Batches of messages, and for each batch blocks that say which of them have which gram; beside
 * them the UIDs that are always candidates, and one row about the whole. What is in a block is
 * lib/fts/batch's business. Commits are durable and atomic (rollback journal, synchronous=FULL):
 * a crash leaves the last commit, which the next writer finds or rolls back to.
 */
#ifndef POSTHORN_LIB_FTS_TABLE_H
#define POSTHORN_LIB_FTS_TABLE_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define TABLE_NAME "posthorn.fts"
#define TABLE_VERSION 2 /* of what is below */

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
void table_uids_append(struct table_uids *out, uint32_t uid);

/* Over the open file `fd` in `dirfd`, both borrowed; the caller has it locked, exclusively unless
 * read_only. NULL with errno: EBADMSG: damaged, ENOSPC, ENOMEM, EAGAIN: a writer has to roll back
 * first, EIO. */
struct table *table_open(int dirfd, int fd, bool read_only, struct table_row *row);
/* The same for a file without content, or whose content does not matter. */
struct table *table_create(int dirfd, int fd, const struct table_row *row);
void table_close(struct table **tablep); /* undoes what was not committed */

/* All below: 0, or -1 with errno as above. */
int table_begin(struct table *table);
int table_commit(struct table *table, const struct table_row *row);

int table_add_always(struct table *table, uint32_t uid);
int table_always(struct table *table, struct table_uids *out); /* appended, ascending */

/* Batches are numbered from 1; later messages are in later batches. */
struct table_batch {
    uint32_t id, messages;
};
struct table_batches { /* ascending; free(list) */
    struct table_batch *list;
    size_t count;
};
int table_batches(struct table *table, struct table_batches *out);
/* `uids`: which messages they are, as lib/fts/batch writes it. */
int table_add_batch(struct table *table, const struct table_batch *batch, struct slice uids);
int table_batch_uids(struct table *table, uint32_t id, struct strbuf *out); /* appended */
int table_drop_batch(struct table *table, uint32_t id);                     /* and its blocks */
/* The block that begins with `gram`, and goes on to where the next one begins. */
#define TABLE_BLOCK_MAX 4000 /* bytes: fills a page */
int table_add_block(struct table *table, uint32_t batch, uint32_t gram, struct slice block);

/* The blocks of a batch in which the grams from `first` to `last` are, ascending:
 *     cursor = table_blocks(table, batch, first, last);
 *     while ((rc = table_next_block(&cursor, &gram, &block)) > 0)
 *         ...                           -- `block` until the next call
 * 0: that was all; -1 with errno. Either way the cursor is closed; table_end_blocks closes one that
 * was not read to its end. */
struct table_cursor {
    struct table *table;
    void *statement; /* NULL: closed */
    int rc;
};
struct table_cursor table_blocks(struct table *table, uint32_t batch, uint32_t first,
                                 uint32_t last);
int table_next_block(struct table_cursor *cursor, uint32_t *gram, struct slice *block);
void table_end_blocks(struct table_cursor *cursor);

#endif
