/*
 * queue-manager/deadline.h - until when a message is worth an attempt: the queue's lifetime and the
 * sender's DELIVERBY (RFC 2852).
 */
#ifndef POSTHORN_QUEUE_MANAGER_DEADLINE_H
#define POSTHORN_QUEUE_MANAGER_DEADLINE_H

#include "queue-manager/queue.h"

/* From when the lifetime counts: what was to be held, or waited for approval, came into being for
 * us when that was over. */
int64_t deadline_born_ms(const struct message *m);
/* The time that the sender gave for it is over: no further attempts (BY ...;R). */
bool deadline_stops(const struct message *m, int64_t now_ms);
/* It is over, and the sender wants to hear of the delay (BY ...;N) and has not yet. */
bool deadline_to_be_told(const struct message *m, int64_t now_ms);
/* At the end of a round: what is deferred fails, if the lifetime or the sender's time is over. */
void deadline_expire(const struct queue *q, struct message *m, int64_t now_ms);
/* When to try again after a round that ends now: by the settings, by no later than the lifetime's
 * end, and when the sender's time is over, so that it is told then. */
int64_t deadline_next_ms(const struct queue *q, const struct message *m, int64_t now_ms);

#endif
