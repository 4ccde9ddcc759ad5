/*
 * lib/auth/guess.h - who has failed how often within an interval: counts of names, in fixed memory.
 *
 * A name is a client's address or network, or a user. The interval slides in tenths. When a place
 * is needed the lowest count near it gives way, so that a flood of names with one failure each
 * pushes out its own kind and never a name that is close to its limit. Where names go in the table
 * is random: nobody can choose neighbours. No I/O.
 */
#ifndef POSTHORN_LIB_AUTH_GUESS_H
#define POSTHORN_LIB_AUTH_GUESS_H

#include <stdint.h>

#include "lib/base/slice.h"

#define GUESS_NAMES_MAX 65536 /* that are counted at once; 3 MiB */

struct guess_table;

struct guess_table *guess_table_new(int64_t interval_ms);
void guess_table_free(struct guess_table **tablep);
/* Counts one more failure and returns how many there were within the interval. */
unsigned guess_count(struct guess_table *table, struct slice name, int64_t now_mono_ms);
/* The same for `count` of them. */
unsigned guess_add(struct guess_table *table, struct slice name, unsigned count,
                   int64_t now_mono_ms);
/* These were none after all: they are taken from the newest counts. */
void guess_take_off(struct guess_table *table, struct slice name, unsigned count,
                    int64_t now_mono_ms);
/* The name starts anew. */
void guess_forget(struct guess_table *table, struct slice name);

#endif
