/*
 * lib/figures/figure_ring.h - what the counters did, by minute, hour and day, in files of fixed
 * size.
 *
 * One file for each step below db/figures: a ring of slots of 8 KiB, one slot a period, one number
 * for each series (lib/figures/figure_series.h). A slot bears its period and a checksum: one that
 * is torn, or left from an earlier turn of the ring, is not there. Periods count from 1970 in UTC.
 *
 *   minutes  3072 slots, 51 hours     24 MiB
 *   hours    1024 slots, 42 days       8 MiB
 *   days      512 slots                4 MiB
 */
#ifndef POSTHORN_LIB_FIGURES_FIGURE_RING_H
#define POSTHORN_LIB_FIGURES_FIGURE_RING_H

#include <stdbool.h>
#include <stdint.h>

#define FIGURES_DIR "figures" /* below db/ */
#define FIGURE_SERIES_MAX 1020

enum figure_step { FIGURE_MINUTE, FIGURE_HOUR, FIGURE_DAY, FIGURE_STEPS };

/* There is no number: nothing was read then, or the series was not there yet. */
#define FIGURE_NONE UINT64_MAX

struct figure_slot {
    int64_t period;
    uint64_t sequence;                  /* of the reading that was written last */
    uint32_t readings;                  /* how often the counters were read in it */
    uint64_t values[FIGURE_SERIES_MAX]; /* a counter: by how much it grew; a level: its highest */
};

const char *figure_step_name(enum figure_step step); /* "minute" */
int64_t figure_step_ms(enum figure_step step);
int64_t figure_step_slots(enum figure_step step); /* the ring reaches back so many periods */

struct figure_ring;

/* Opens the ring below db/figures; `writable` makes it if it is missing. NULL with errno. */
struct figure_ring *figure_ring_open(int dirfd, enum figure_step step, bool writable);
void figure_ring_close(struct figure_ring **ringp);
/* 0, or -1 with errno: ENOENT, there is nothing of that period. */
int figure_ring_read(const struct figure_ring *ring, int64_t period, struct figure_slot *out);
/* 0, or -1 with errno. Not flushed to disk: a power cut takes the last minutes. */
int figure_ring_write(const struct figure_ring *ring, const struct figure_slot *slot);

/* An empty slot of that period. */
void figure_slot_begin(struct figure_slot *slot, int64_t period);
/* Adds to a number that may be FIGURE_NONE; never reaches it. */
uint64_t figure_sum(uint64_t a, uint64_t b);
/* The higher one of two that may be FIGURE_NONE. */
uint64_t figure_max(uint64_t a, uint64_t b);

#endif
