/*
 * lib/sys/stats_dir.h - the counters of all services: the files below run/stats one after the
 * other.
 *
 * Any process of a service may write anything into its own block: names and values are hostile,
 * but names are text (lib/sys/stats.h) and there are at most STATS_COUNTERS_MAX a service.
 */
#ifndef POSTHORN_LIB_SYS_STATS_DIR_H
#define POSTHORN_LIB_SYS_STATS_DIR_H

#include "lib/sys/stats.h"

#define STATS_SERVICES_MAX 128
#define STATS_SESSIONS "port_sessions" /* connections now */
#define STATS_USERS "users_connected"  /* different users among them */

struct stats_sample {
    const char *service;
    int64_t born_ms; /* of the block (stats_born_ms) */
    const char *counter;
    uint64_t value;
};

/* Lets the group read the block of `service` and find it (figured's; by root's rights). 0, or -1
 * with errno. */
int stats_dir_share(int run_dirfd, const char *service, gid_t group);

/* A descriptor of run/stats to read names from; `run` is the path of run/. -1 with errno. */
int stats_dir_open(const char *run);
/* Calls each() for every counter, services in the order of their names. Behind them come, made of
 * the table of sessions (lib/sys/session_table.h), STATS_SESSIONS.LABEL and STATS_USERS. `only`
 * (may be NULL): this service alone. failed() (may be NULL) is told of blocks that cannot be read.
 * Returns how many services there were, or -1 with errno. */
int stats_dir_each(int dirfd, const char *only,
                   void (*each)(void *arg, const struct stats_sample *sample),
                   void (*failed)(void *arg, const char *service, int error), void *arg);

#endif
