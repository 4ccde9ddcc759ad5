/*
 * lib/fts/posting_list.h - which messages of a batch have one gram, as bytes.
 *
 * The messages of a batch are numbered from 0. In memory a list is a bit for each of them; on disk
 * it is the distances between those that have the gram, as LEB128 (the first one's number plus one
 * comes first), or, where that would not be shorter, the bits. So a list never takes more than an
 * eighth of a byte for each message of its batch, and its length says which of the two it is.
 */
#ifndef POSTHORN_LIB_FTS_POSTING_LIST_H
#define POSTHORN_LIB_FTS_POSTING_LIST_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define POSTING_MESSAGES_MAX 16384 /* in one batch */

struct posting_bits {
    uint64_t words[POSTING_MESSAGES_MAX / 64];
};

static inline void
posting_bits_set(struct posting_bits *bits, uint32_t message)
{
    bits->words[message / 64] |= UINT64_C(1) << message % 64;
}

/* Appends the list of the messages that have a bit, of the first `count`. */
void posting_list_write(const struct posting_bits *bits, uint32_t count, struct strbuf *out);

/* Sets a bit for each message of a list that was written with this `count`, `base` places further
 * on; base + count <= POSTING_MESSAGES_MAX. False: the list is damaged, the bits are anything. */
bool posting_list_read(struct slice list, uint32_t count, uint32_t base, struct posting_bits *bits);

/* One number as LEB128. Reading takes it off *in; false: damaged. */
void posting_number_write(uint32_t number, struct strbuf *out);
bool posting_number_read(struct slice *in, uint32_t *number);

#endif
