/*
 * queue-manager/agents.h - all connected agents, and which of them should get what.
 */
#ifndef POSTHORN_QUEUE_MANAGER_AGENTS_H
#define POSTHORN_QUEUE_MANAGER_AGENTS_H

#include "queue-manager/agent.h"

#define AGENTS_LOCAL_MAX 64 /* local agents among which mailboxes are spread */

struct agents {
    LIST_HEAD(agent_list, agent) list;
    struct agent *locals[AGENTS_LOCAL_MAX];
    uint32_t local_count;
    uint32_t remote_slots; /* of all remote agents */
    uint32_t archive_count;
    uint64_t seed;
    int64_t local_since_ms, remote_since_ms,
        archive_since_ms; /* since when there is none of the kind (monotonic) */
};

void agents_init(struct agents *all);
void agents_clear(struct agents *all); /* frees them */
/* The set of local agents must not change while their lanes hold shares. */
void agents_add(struct agents *all, struct agent *a);
void agents_remove(struct agents *all, struct agent *a);

/* Position in `locals` of the one that has the mailbox. There is at least one. */
uint32_t agents_local_of(const struct agents *all, struct slice path);
/* A remote agent with a free slot: the one that served the destination last, else the idlest. NULL:
 * all are busy. */
struct agent *agents_remote_for(const struct agents *all, const struct destination *d);
bool agents_remote_room(const struct agents *all);
/* An archive agent with a free slot, or NULL. */
struct agent *agents_archive(const struct agents *all);

#endif
