/*
 * stsd/mission.h - one sending of reports: those of a day, some domains at a time.
 */
#ifndef POSTHORN_STSD_MISSION_H
#define POSTHORN_STSD_MISSION_H

#include "stsd/reporter.h"

struct mission;
TAILQ_HEAD(mission_list, mission);

struct mission_plan {
    struct loop *loop;
    const struct reporter_options *options;
    struct mission_list *list; /* that it is in while it runs, or NULL */
    struct tally *tally;       /* stays as it is until the end, but for what is added */
    bool owns_tally;           /* frees it */
    struct slice domain;       /* empty: all */
    bool again;                /* also those that are settled */
    bool whole_day;            /* domains are settled by it */
    /* Comes once, from the loop: an object for each place, lib/ipc/stsd.h. The mission is over. */
    void (*done)(void *arg, struct slice objects);
    void *arg;
};

struct mission *mission_start(const struct mission_plan *plan);
void mission_stop(struct mission **missionp); /* without done() */
void mission_stop_all(struct mission_list *list);

#endif
