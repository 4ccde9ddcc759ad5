/*
 * lib/archive/chain.h - one line of the archive's chain: what was archived, bound to all before it.
 *
 *     NUMBER TIME ID CLASSES <SENDER> <RCPT>,<RCPT> SIZE SHA256 PREVIOUS
 *
 * One space between fields. NUMBER counts from 1 over all days; TIME is when it was archived (RFC
 * 3339, UTC); SHA256 is of the file ID.eml in the same directory, SIZE its bytes; PREVIOUS is the
 * SHA-256 of the line before without its newline, sixty-four zeros in the first. In addresses a
 * space, a control character and each of <>,% is written as %XX. "+NUMBER" as the last recipient:
 * so many more.
 */
#ifndef POSTHORN_LIB_ARCHIVE_CHAIN_H
#define POSTHORN_LIB_ARCHIVE_CHAIN_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define CHAIN_LINE_MAX (16u << 20)
#define CHAIN_HASH_LEN 64 /* hexadecimal digits */
#define CHAIN_HASH_NONE "0000000000000000000000000000000000000000000000000000000000000000"

struct chain_entry {
    uint64_t number;
    struct slice time, id, classes; /* encode: classes "local,incoming" */
    struct slice sender;            /* encode: plain; decode: as written, chain_plain() */
    struct slice rcpts;             /* encode: plain, each with a LF; decode: as written */
    uint64_t size;
    struct slice sha256, previous; /* CHAIN_HASH_LEN digits in lower case */
};

/* Appends the line, without a newline. Overflow is remembered by the buffer. */
void chain_encode(struct strbuf *out, const struct chain_entry *entry);
/* Takes a line without its newline apart; the slices borrow from it. 0, or -1: it is none. */
int chain_decode(struct slice line, struct chain_entry *entry);
/* A queue id, and so the beginning of a file's name: letters and digits alone. */
bool chain_is_id(struct slice text);
bool chain_are_classes(struct slice text); /* words with commas */
/* The next recipient of a decoded entry, with its brackets off: false at the end. */
bool chain_next_rcpt(struct slice *rcpts, struct slice *rcpt);
/* Appends an address as it was before it was written. */
void chain_plain(struct slice written, struct strbuf *out);

void chain_hex(const unsigned char digest[CHAIN_HASH_LEN / 2], char out[CHAIN_HASH_LEN + 1]);
/* The hash that the next line names. */
void chain_hash(struct slice line, char out[CHAIN_HASH_LEN + 1]);

#endif
