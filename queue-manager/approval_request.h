/*
 * queue-manager/approval_request.h - asks approvers: a mail with the message attached and two
 * addresses, each a signed decision.
 */
#ifndef POSTHORN_QUEUE_MANAGER_APPROVAL_REQUEST_H
#define POSTHORN_QUEUE_MANAGER_APPROVAL_REQUEST_H

#include "queue-manager/queue.h"

/* Commits a request to each approver of m->asking who has to decide. What an earlier try of this
 * round's end has committed (m->told) is passed over. 0, or -1 with errno. */
int approval_request_all(struct queue *q, struct message *m);

#endif
