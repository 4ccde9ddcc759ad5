/*
 * archived/writer.h - writes messages and their records, each exactly once.
 *
 * A file is written below tmp/ and flushed, then its line is appended to the day's chain and
 * flushed, then the file is moved to its day. A start finds in tmp/ what a crash has left: what has
 * a line belongs into its day, what has none was never archived. So a file in a day has its line,
 * always.
 */
#ifndef POSTHORN_ARCHIVED_WRITER_H
#define POSTHORN_ARCHIVED_WRITER_H

#include <stdint.h>

#include "lib/base/slice.h"

struct writer;

struct writer_item {
    struct slice id; /* chain_is_id() */
    struct slice classes, sender;
    struct slice rcpts; /* each with a LF */
    int64_t received_ms;
    bool in_doubt; /* it may be there, since it was received */
    int fd;        /* of the message's file; the caller's */
    uint64_t offset, size;
    int error; /* result: 0, it is there and on disk, or errno */
};

/* `rootfd` is borrowed. Mends what a crash has left. NULL with errno. */
struct writer *writer_open(int rootfd);
void writer_free(struct writer **wp);
/* Archives all, with as few flushes as for one. 0, also with errors in items. -1 with errno: what
 * is on disk is not known, and only a new start can find out. */
int writer_put(struct writer *w, struct writer_item *items, size_t count);

#endif
