/*
 * figured/book.h - turns readings of the counters into what happened in each minute, hour and day.
 *
 * What a counter grew by since the last reading is written to the period in which most of that time
 * lay, in all three rings (lib/figures/figure_ring.h). What was read last is on disk too, twice, so
 * that nothing is lost or counted twice when figured ends, by whatever means, while the services go
 * on. A block of another time (stats_born_ms) has begun at 0.
 */
#ifndef POSTHORN_FIGURED_BOOK_H
#define POSTHORN_FIGURED_BOOK_H

#include <stdint.h>

#include "lib/sys/stats_dir.h"

struct book;

/* Opens the files in db/figures, makes those that are missing, and puts right what a crash has left
 * half done. NULL with errno. */
struct book *book_open(int dirfd, int64_t now_ms);
void book_close(struct book **bookp);

/* One reading: begin, a sample for each counter, end. `now_ms` is since 1970 and may jump. */
void book_begin(struct book *book, int64_t now_ms);
void book_sample(struct book *book, const struct stats_sample *sample);
/* 0, or -1 with errno: it is not all on disk; the next reading has it. */
int book_end(struct book *book);

/* How many samples of this reading had no place (lib/figures/figure_series.h). */
uint64_t book_left_out(const struct book *book);

#endif
