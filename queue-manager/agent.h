/*
 * queue-manager/agent.h - one connected delivery agent: its slots and the jobs in them.
 */
#ifndef POSTHORN_QUEUE_MANAGER_AGENT_H
#define POSTHORN_QUEUE_MANAGER_AGENT_H

#include "queue-manager/destination.h"

#define AGENT_SLOTS_MAX 200 /* descriptors may wait for all of them in one peer's output */

struct job {
    uint64_t id; /* 0: the slot is free */
    struct message *message;
    struct destination *destination; /* remote only */
    const uint32_t *indices;         /* of targets, in the message's arena */
    uint32_t count;
};

struct agent {
    LIST_ENTRY(agent) link;
    struct ipc_peer *peer; /* NULL: the connection is lost */
    uint64_t peer_id;
    enum queue_agent kind;
    uint32_t slots, busy;
    uint64_t fetch_number; /* the customer's connection that it has, for which it works alone */
    struct job *jobs;      /* `slots` of them */
    struct lane lane;      /* local agents: what waits for this one */
};

struct agent *agent_new(struct ipc_peer *peer, const struct queue_hello *hello);
void agent_free(struct agent **ap);
/* For mail that anybody may deliver. */
bool agent_has_room(const struct agent *a);
/* Sends `count` targets of a message as one job; they become IN_JOB. 0, or -1: nothing was sent and
 * the targets are as before (errno: ENOENT, the file is gone; EMFILE and such: try later). */
int agent_give(struct queue *q, struct agent *a, struct message *m, struct destination *d,
               const uint32_t *indices, uint32_t count);
/* The job that a result names, or NULL if this agent has no such job. */
struct job *agent_job(struct agent *a, uint64_t job_id);
void agent_job_done(struct agent *a, struct job *job);

#endif
