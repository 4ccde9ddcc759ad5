/*
 * remote-deliver/workers.h - the worker processes: started, replaced when they die, ended.
 */
#ifndef POSTHORN_REMOTE_DELIVER_WORKERS_H
#define POSTHORN_REMOTE_DELIVER_WORKERS_H

#include "lib/remote/remote_settings.h"
#include "lib/sys/daemon.h"
#include "remote-deliver/scratch.h"

struct workers;

/* Forks settings->workers agents, each in `box` and with a file of `scratch`, and keeps their
 * number. */
struct workers *workers_start(struct daemon *d, const struct remote_settings *settings,
                              const struct scratch *scratch, const struct sandbox *box);
/* Lets each finish the job in hand, for at most `wait_ms`. */
void workers_stop(struct workers **wp, int64_t wait_ms);

#endif
