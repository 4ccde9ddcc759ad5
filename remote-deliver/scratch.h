/*
 * remote-deliver/scratch.h - a file without a name for each agent, for messages that cannot be sent
 * as they are in the queue.
 */
#ifndef POSTHORN_REMOTE_DELIVER_SCRATCH_H
#define POSTHORN_REMOTE_DELIVER_SCRATCH_H

#include "lib/base/slice.h"

struct scratch {
    int write_fd, read_fd; /* the second may be handed on: it cannot write */
};

/* `count` of them, in the directory for unfinished files of the queue at `queue_path`. Before the
 * sandbox: nobody can open a file in it. Exits with a message when that fails. */
struct scratch *scratch_open(const char *queue_path, unsigned count);
/* Closes all of them but one, in the process of an agent. */
void scratch_keep_one(const struct scratch *all, unsigned count, unsigned which);
/* Makes the file empty. A failure is logged: it costs disk space until the next message, no more.
 */
void scratch_clear(const struct scratch *scratch);

#endif
