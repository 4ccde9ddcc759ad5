/*
 * lib/sys/stats.h - counters and the process table of one service, in shared memory.
 *
 * A file below run/stats, mapped by every process of the service (before the sandbox) and by
 * `posthorn stats` and `posthorn status --sandbox`; written and read without locks (C11 atomics).
 * Counters are named at the first stats_counter() call, which is made at start-up, before fork.
 */
#ifndef POSTHORN_LIB_SYS_STATS_H
#define POSTHORN_LIB_SYS_STATS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stats;

#define STATS_COUNTERS_MAX 128
#define STATS_PROCESSES_MAX 16384
#define STATS_NAME_MAX 47 /* bytes of a counter's name */

/* Maps (creates) the block of `service` below the directory `stats_dirfd`. NULL with errno. */
struct stats *stats_open(int stats_dirfd, const char *service, bool writable);
void stats_close(struct stats **statsp);

/* The counter of that name, made if it is new: "messages_received". Never NULL: past the limit it
 * is a shared spare one. */
_Atomic uint64_t *stats_counter(struct stats *stats, const char *name);
/* The counter NAME.PART: of what there are several. */
_Atomic uint64_t *stats_counter_of(struct stats *stats, const char *name, const char *part);
static inline void
stats_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* This process's row: state text ("idle", "session"), what Landlock enforces. Freed at exit or
 * by the parent when it reaps the child. */
void stats_process_begin(struct stats *stats, const char *role);
void stats_process_state(struct stats *stats, const char *state);
void stats_process_landlock(struct stats *stats, int abi, unsigned layers);
void stats_process_end(struct stats *stats, pid_t pid);

/* Readers. */
struct stats_process {
    pid_t pid;
    int landlock_abi;
    unsigned landlock_layers;
    char role[24];
    char state[24];
};
size_t stats_processes(const struct stats *stats, struct stats_process *out, size_t max);
/* When the block was made, which is when all its counters were 0: another time is another block.
 * 0: not known. */
int64_t stats_born_ms(const struct stats *stats);
size_t stats_counters(const struct stats *stats,
                      void (*each)(void *arg, const char *name, uint64_t value), void *arg);

#endif
