/*
 * queue-manager/schedule.h - which target goes to which agent, and when.
 *
 * Local: the mailbox's hash chooses among the connected local agents, so that one mailbox is one
 * worker's and a batch there needs few flushes. Remote: destinations take turns; any agent with a
 * free slot serves, best the one that had the destination last and may still be connected to it.
 */
#ifndef POSTHORN_QUEUE_MANAGER_SCHEDULE_H
#define POSTHORN_QUEUE_MANAGER_SCHEDULE_H

#include "queue-manager/agent.h"

struct schedule *schedule_new(struct queue *q);
void schedule_free(struct schedule **sp);

/* Puts the WAITING targets of a message in line. Some may get their outcome at once (dead
 * destination): the caller looks at open_count afterwards. */
void schedule_message(struct schedule *s, struct message *m);
/* Takes everything of a message out of line: those targets become DEFERRED. Jobs go on. */
void schedule_withdraw(struct schedule *s, struct message *m, struct slice why);
/* Hands out what may be handed out. */
void schedule_turn(struct schedule *s);
/* A dead destination is alive again, or with an empty name all are. */
void schedule_flush(struct schedule *s, struct slice domain);

void schedule_agent_joined(struct schedule *s, struct agent *a);
/* The connection is gone (a->peer is NULL): its jobs are in doubt, the agent is freed in the turn.
 */
void schedule_agent_lost(struct schedule *s);
/* Applies a result. 0, or -1: the agent broke the protocol. */
int schedule_result(struct schedule *s, struct agent *a, const struct queue_result *result);

/* ATRN (odmr.h). */
struct odmr_request;
unsigned schedule_fetch(struct schedule *s, const struct odmr_request *request, int fd,
                        const char **text);
int schedule_connection_over(struct schedule *s, struct agent *a, uint64_t number);

struct schedule_figures {
    uint32_t local_agents, remote_agents, slots, busy;
};
void schedule_figures(const struct schedule *s, struct schedule_figures *out);

#endif
