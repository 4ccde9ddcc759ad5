/*
 * lib/store/work.h - what this process has asked of the disk so far, for the log.
 *
 * Counted by lib/store itself, at the few places where a mailbox becomes slow; a session is a
 * process of its own.
 */
#ifndef POSTHORN_LIB_STORE_WORK_H
#define POSTHORN_LIB_STORE_WORK_H

#include <stdint.h>

struct store_work {
    uint64_t flushes, flush_us; /* of journals, and how long they took together */
    uint64_t messages_read;     /* files of messages that were opened */
    uint64_t cache_misses;      /* values that had to be computed from a message */
};

/* Never NULL; the counters only grow. */
struct store_work *store_work(void);

#endif
