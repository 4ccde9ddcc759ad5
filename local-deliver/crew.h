/*
 * local-deliver/crew.h - the worker processes: started, replaced when they die, stopped.
 */
#ifndef POSTHORN_LOCAL_DELIVER_CREW_H
#define POSTHORN_LOCAL_DELIVER_CREW_H

#include "local-deliver/worker.h"

struct crew;

/* Forks local.workers workers that inherit the sandbox. `w` is the pattern for each. */
struct crew *crew_start(struct daemon *d, const struct worker *w);
/* Tells all to end after their batch, waits at most 10 s, ends the rest. */
void crew_stop(struct crew **crewp);

#endif
