/*
 * queue-manager/pressure.h - keeps watch over what would run out: room on the disks, and the length
 * of the queue. Says so to smtpd (lib/queue/queue_pressure.h), the log and the postmaster.
 */
#ifndef POSTHORN_QUEUE_MANAGER_PRESSURE_H
#define POSTHORN_QUEUE_MANAGER_PRESSURE_H

#include "lib/conf/instance.h"
#include "queue-manager/queue.h"

/* The queue and every storage directory that is there, each file system once. Before the sandbox:
 * the descriptors (O_PATH) open nothing more. Lives as long as the process. */
void pressure_places_open(struct pressure_places *places, const struct instance *inst);

/* Looks at once, and then every second. */
struct pressure *pressure_new(struct queue *q);
void pressure_free(struct pressure **pp);

#endif
