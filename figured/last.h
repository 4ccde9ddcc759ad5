/*
 * figured/last.h - what was read last, on disk in two copies that are written by turns.
 */
#ifndef POSTHORN_FIGURED_LAST_H
#define POSTHORN_FIGURED_LAST_H

#include <stdint.h>

#include "lib/figures/figure_ring.h"

struct last {
    uint64_t sequence; /* of the reading; 0: there was none */
    int64_t time_ms;   /* when, since 1970 */
    int64_t minute;    /* where it was written */
    struct {
        uint64_t value;
        int64_t born_ms; /* of the block; 0: never seen */
    } of[FIGURE_SERIES_MAX];
};

/* Opens the file below db/figures, makes it if it is missing. -1 with errno. */
int last_open(int dirfd);
/* One of the two copies (0, 1). 0, or -1: it is not whole. */
int last_read(int fd, int copy, struct last *out);
/* In place of the older copy. 0, or -1 with errno. */
int last_write(int fd, const struct last *last);

#endif
