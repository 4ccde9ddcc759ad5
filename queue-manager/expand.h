/*
 * queue-manager/expand.h - from envelope recipients to targets, by asking accountd in batches.
 */
#ifndef POSTHORN_QUEUE_MANAGER_EXPAND_H
#define POSTHORN_QUEUE_MANAGER_EXPAND_H

#include "queue-manager/queue.h"

struct expansion *expansion_new(struct queue *q, int run_dirfd);
void expansion_free(struct expansion **xp);
/* Puts a message in line; schedule_message() or rounds_end() gets it when its targets are known. */
void expansion_add(struct expansion *x, struct message *m);
/* Sends what is in line, many messages with one question. */
void expansion_turn(struct expansion *x);

#endif
