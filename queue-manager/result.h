/*
 * queue-manager/result.h - an agent's result, checked against its job and applied to the message.
 */
#ifndef POSTHORN_QUEUE_MANAGER_RESULT_H
#define POSTHORN_QUEUE_MANAGER_RESULT_H

#include "queue-manager/agent.h"

/* Each of the job's targets has its outcome afterwards; what the result leaves out is deferred. 0,
 * or -1: the result names what the job does not have. Some outcomes may be set all the same; the
 * others stay IN_JOB. */
int result_apply(const struct job *job, const struct queue_result *result);

#endif
