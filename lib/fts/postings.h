/*
 * lib/fts/postings.h - the batch at hand: for each gram the messages that have it, in memory.
 *
 * A byte or so for each gram of each message, in chains of small blocks, and 12 bytes for each gram
 * there is.
 */
#ifndef POSTHORN_LIB_FTS_POSTINGS_H
#define POSTHORN_LIB_FTS_POSTINGS_H

#include "lib/fts/gram.h"
#include "lib/fts/posting_list.h"

#define POSTINGS_BYTES ((size_t)4 << 20) /* of blocks; then it is full */

struct postings;

struct postings *postings_new(void);
void postings_free(struct postings **pp);

/* Message number `message` has this gram; numbers do not descend. */
void postings_add(struct postings *p, uint32_t gram, uint32_t message);
/* One more message is still possible: it takes GRAM_NUMBERS blocks (2.4 MiB) at most. */
bool postings_full(const struct postings *p);

/* Sets a bit for each message that has the gram, `base` places further on. False: none has. */
bool postings_read(const struct postings *p, uint32_t gram, uint32_t base,
                   struct posting_bits *bits);

#endif
