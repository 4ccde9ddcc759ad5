/*
 * lib/store/journal_tail.h - where a journal ends, and what holds there: all that an appender
 * needs.
 */
#ifndef POSTHORN_LIB_STORE_JOURNAL_TAIL_H
#define POSTHORN_LIB_STORE_JOURNAL_TAIL_H

#include "lib/store/journal.h"

/* So many bytes may lie behind `settled`: whoever makes it more flushes, or settles what a dead
 * writer left, so that finding the tail stays cheap. */
#define JOURNAL_SPAN_MAX 65536u

/* Where a journal ends and what holds there. */
struct journal_tail {
    uint64_t end;                      /* after the last whole record */
    struct record_state state;         /* after it */
    uint64_t settled;                  /* what an appender writes into its record */
    bool unsettled;                    /* a lasting record is not known to be settled */
    struct record_state settled_state; /* after the last record before it: what may be announced */
};

/* Reads from `settled` on. A torn tail is cut back under the lock, which is taken for that; who may
 * not write looks for the last whole record from the start. EBADMSG: damaged; EAGAIN: it was just
 * replaced. */
int journal_tail_read(struct journal *j, struct journal_tail *tail);

/* True if a whole record ends at `size`, and all records from the last settled one to it are whole:
 * what does not check out before them was on disk once, and is damaged. */
bool journal_ends_whole(const struct journal *j, uint64_t size);

#endif
