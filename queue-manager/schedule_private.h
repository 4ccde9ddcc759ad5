/*
 * queue-manager/schedule_private.h - the schedule from the inside: for schedule.c, line_up.c and
 * odmr.c, which are its parts.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SCHEDULE_PRIVATE_H
#define POSTHORN_QUEUE_MANAGER_SCHEDULE_PRIVATE_H

#include "queue-manager/agents.h"
#include "queue-manager/schedule.h"

struct schedule {
    struct queue *queue;
    struct agents agents;
    struct destinations *destinations;
    struct lane archive;
    struct odmr *odmr;
    struct loop_timer *sweep;
    bool agent_lost;
};

/* ---- line_up.c ---- */

/* All WAITING mailboxes of a message into the local agents' lanes; nothing without agents. */
void line_up_local(struct schedule *s, struct message *m);
/* What is delivered but for the archive shall not fill the memory: it waits on disk. */
bool line_up_archive_is_away(const struct schedule *s);

/* ---- schedule.c ---- */

/* One job from the lane's first share. False: this could not be sent now. */
bool schedule_give(struct schedule *s, struct agent *a, struct lane *lane, struct destination *d);
/* Everything in line there is deferred. */
void schedule_empty_lane(struct schedule *s, struct lane *lane, struct slice why);

#endif
