/*
 * lib/fts/batch.h - batches of messages in the index: written, merged, and searched.
 *
 * A batch is what one session adds at a time. Batches of like size are merged as more come, so that
 * a folder has few, and each message is written again a few times at most: what a search reads
 * grows with the folder, not with how often mail came.
 */
#ifndef POSTHORN_LIB_FTS_BATCH_H
#define POSTHORN_LIB_FTS_BATCH_H

#include "lib/fts/gram.h"
#include "lib/fts/postings.h"
#include "lib/fts/table.h"

#define BATCH_MESSAGES_MAX 10000u /* added at a time */

/* Adds the messages `uids`, ascending, above all that are in the table; number i of `postings` is
 * uids[i]. 0, or -1 with errno as from lib/fts/table. */
int batch_write(struct table *table, const struct postings *postings, const uint32_t *uids,
                uint32_t count);

/* Appends, ascending, the messages that have all grams of a search string that are asked for.
 * 0, or -1 with errno: EBADMSG: damaged; others as from lib/fts/table. */
int batch_match(struct table *table, const struct gram_set *needle, struct table_uids *out);

#endif
