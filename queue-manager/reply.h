/*
 * queue-manager/reply.h - automatic replies of users, from local-deliver into the queue (DIR-34).
 */
#ifndef POSTHORN_QUEUE_MANAGER_REPLY_H
#define POSTHORN_QUEUE_MANAGER_REPLY_H

#include "queue-manager/agent.h"

/* Commits the reply to the queue, durably, unless one of this recipient to this message is there
 * already. 0, or -1: not a reply to a job that this agent has. A reply that cannot be written (disk
 * full) is lost with a word in the log: it is not worth the message that it answers. */
int reply_take(struct queue *q, struct agent *a, const struct queue_reply *reply);

#endif
