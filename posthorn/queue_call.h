/*
 * posthorn/queue_call.h - one request to the queue manager.
 */
#ifndef POSTHORN_POSTHORN_QUEUE_CALL_H
#define POSTHORN_POSTHORN_QUEUE_CALL_H

#include <stdint.h>

#include "lib/ipc/queue_manager.h"
#include "posthorn/command.h"

/* Adds the messages that it was done for to *count. CLI_OK, or CLI_FAILED after the message. */
int queue_call(struct cli *cli, const struct queue_control *req, uint64_t *count);

#endif
