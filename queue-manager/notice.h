/*
 * queue-manager/notice.h - tells senders what became of their mail: bounces, delays, successes.
 */
#ifndef POSTHORN_QUEUE_MANAGER_NOTICE_H
#define POSTHORN_QUEUE_MANAGER_NOTICE_H

#include "queue-manager/queue.h"

/* At the end of a round: commits to the queue every notification that this round asks for, durably.
 * What has been sent for this message before (m->failures_told, m->successes_told) is not sent
 * again. 0, or -1 with errno (disk full): the caller tries again, before anything is logged. */
int notices_send(struct queue *q, struct message *m);
/* A delay notice is due in this round. */
bool notice_delay_due(const struct queue *q, const struct message *m, int64_t now_ms);

#endif
