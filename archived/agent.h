/*
 * archived/agent.h - the conversation with queue-manager: takes jobs, archives them, answers.
 */
#ifndef POSTHORN_ARCHIVED_AGENT_H
#define POSTHORN_ARCHIVED_AGENT_H

#include "archived/writer.h"
#include "lib/sys/daemon.h"

struct agent;

/* Connects to queue-manager, again and again while it is away. `writer` is borrowed. */
struct agent *agent_start(struct daemon *d, struct writer *writer);
void agent_stop(struct agent **ap);

#endif
