/*
 * queue-manager/round.h - the end of a round of attempts: what is told, logged, removed, deferred.
 */
#ifndef POSTHORN_QUEUE_MANAGER_ROUND_H
#define POSTHORN_QUEUE_MANAGER_ROUND_H

#include "queue-manager/queue.h"

struct rounds *rounds_new(struct queue *q);
void rounds_free(struct rounds **rp);
/* Every target of the message has its outcome (open_count is 0, no job is out): it is worked off in
 * the turn. Calling it again is fine. */
void rounds_end(struct rounds *r, struct message *m);
/* Some targets are finished while others wait: put on record at the end of the turn. */
void rounds_log(struct rounds *r, struct message *m);
void rounds_turn(struct rounds *r);

#endif
