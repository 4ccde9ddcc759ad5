/*
 * remote-deliver/agent.h - one worker process: takes jobs from queue-manager, one at a time.
 */
#ifndef POSTHORN_REMOTE_DELIVER_AGENT_H
#define POSTHORN_REMOTE_DELIVER_AGENT_H

#include "lib/sys/daemon.h"
#include "remote-deliver/delivery.h"

/* Works until `parent_fd` has an end of file, then until the job in hand is done. In a child, after
 * its sandbox. */
_Noreturn void agent_run(struct daemon *d, const struct remote_settings *settings,
                         const struct scratch *scratch, const struct counters *counters,
                         int parent_fd);

#endif
