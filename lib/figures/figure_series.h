/*
 * lib/figures/figure_series.h - which place in the slots of lib/figures/figure_ring.h is whose.
 *
 * The file db/figures/series: FIGURE_SERIES_MAX entries of 128 bytes, each with a checksum. A
 * series is one counter of one service and keeps its place for ever; a place is given to another
 * only when all are taken and its series was not seen for longer than any ring reaches back.
 */
#ifndef POSTHORN_LIB_FIGURES_FIGURE_SERIES_H
#define POSTHORN_LIB_FIGURES_FIGURE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/figures/figure_ring.h"

/* Of one service: a process that talks to the network may make up names in its own block. */
#define FIGURE_SERIES_PER_SERVICE 128
#define FIGURE_NAME_MAX 100 /* bytes of "service/counter" with its end */

struct figure_series;

/* Opens the file below db/figures; `writable` makes it if it is missing. NULL with errno. */
struct figure_series *figure_series_open(int dirfd, bool writable);
void figure_series_close(struct figure_series **seriesp);

/* The place, 0 to FIGURE_SERIES_MAX - 1, or -1: there is no such series. */
int figure_series_find(const struct figure_series *series, const char *service,
                       const char *counter);
/* Finds it or makes it, on disk before return. `is_level`: a height (sessions now), no counter.
 * `day`: today. -1 with errno: ENOSPC, no place is left; EINVAL, no name; else not written. */
int figure_series_add(struct figure_series *series, const char *service, const char *counter,
                      bool is_level, int64_t day);
/* Is a place's series one of this service? */
bool figure_series_is_of(const struct figure_series *series, int place, const char *service);
/* "service/counter", or NULL: the place is free. */
const char *figure_series_name(const struct figure_series *series, int place);
bool figure_series_is_level(const struct figure_series *series, int place);

#endif
