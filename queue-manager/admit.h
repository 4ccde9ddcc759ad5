/*
 * queue-manager/admit.h - whether a message that has been read may become active now.
 */
#ifndef POSTHORN_QUEUE_MANAGER_ADMIT_H
#define POSTHORN_QUEUE_MANAGER_ADMIT_H

#include "queue-manager/queue.h"

enum { ADMITTED, ADMIT_WAITS };

/* ADMITTED: the message is in active/. ADMIT_WAITS: it is in deferred/ and has its place among
 * those that wait, because it is for later or its sender has much under way; or it is in hold/. -1
 * with errno: it is where it was. Needs envelope and log; finds the sender. */
int admit(struct queue *q, struct message *m, enum spool_state from);

#endif
