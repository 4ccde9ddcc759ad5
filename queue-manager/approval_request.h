/*
 * queue-manager/approval_request.h - asks approvers: a mail with the message attached and two
 * addresses, each a signed decision.
 */
#ifndef POSTHORN_QUEUE_MANAGER_APPROVAL_REQUEST_H
#define POSTHORN_QUEUE_MANAGER_APPROVAL_REQUEST_H

#include "queue-manager/queue.h"

/* Writes some of the requests to those approvers of m->asking who have to decide: so much that the
 * loop can wait for it. Those that an earlier try of this round's end has sent (m->told), or that
 * are in the queue since before a crash, are passed over. 1: call again at the next turn; 0: all
 * are written; -1 with errno: begin anew. */
int approval_requests_write(struct queue *q, struct message *m);
/* Commits what was written. 0, or -1 with errno: write again what was not sent (m->told). */
int approval_requests_send(struct queue *q, struct message *m);
/* Takes back what was written and not sent. */
void approval_requests_free(struct message *m);

#endif
