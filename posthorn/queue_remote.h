/*
 * posthorn/queue_remote.h - the queue of a server elsewhere. Functions that return int give CLI_OK,
 * or CLI_FAILED after the message.
 */
#ifndef POSTHORN_POSTHORN_QUEUE_REMOTE_H
#define POSTHORN_POSTHORN_QUEUE_REMOTE_H

#include <stdio.h>

#include "lib/ipc/queue_manager.h"
#include "posthorn/queue_pick.h"

/* Runs each() for the messages that were picked, with one object (lib/ipc/object.h), borrowed;
 * until it says false. */
int queue_remote_each(struct cli *cli, const struct queue_pick *pick,
                      bool (*each)(void *arg, struct slice object), void *arg);
/* The message, then its recipients. */
int queue_remote_show(struct cli *cli, const char *id, struct strbuf *objects);
int queue_remote_content(struct cli *cli, const char *id, FILE *out);
/* hold, release, delete, flush. Adds the messages that it was done for to *count. */
int queue_remote_change(struct cli *cli, const struct queue_control *req, uint64_t *count);

#endif
