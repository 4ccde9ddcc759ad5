/*
 * archived/recovery.h - the state of the archive at a start: where the chain ends, what is half
 * done.
 */
#ifndef POSTHORN_ARCHIVED_RECOVERY_H
#define POSTHORN_ARCHIVED_RECOVERY_H

#include "lib/archive/days.h"

/* The last line. */
struct chain_end {
    uint64_t number; /* 0: there is none */
    char hash[CHAIN_HASH_LEN + 1];
};

/* Cuts off a line that was not finished, moves files below tmp/ that have a line to their day and
 * removes the others. `last` gets the last day, or "". 0, or -1 with errno. */
int recovery_run(int rootfd, int tmpfd, struct chain_end *end, char last[ARCHIVE_DAY_SIZE]);

#endif
