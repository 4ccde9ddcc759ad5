/*
 * queue-manager/control.h - what the command line asks for: list, show, flush, hold, release,
 * delete.
 */
#ifndef POSTHORN_QUEUE_MANAGER_CONTROL_H
#define POSTHORN_QUEUE_MANAGER_CONTROL_H

#include "queue-manager/queue.h"

/* It changes nothing. */
bool control_is_question(const struct queue_control *req);
/* Carries out the request and writes the reply's frame. */
void control_run(struct queue *q, const struct queue_control *req, uint32_t id, struct strbuf *out);

#endif
