/*
 * queue-manager/intake.h - where messages come from: new/ by the trigger, deferred/ by the clock.
 */
#ifndef POSTHORN_QUEUE_MANAGER_INTAKE_H
#define POSTHORN_QUEUE_MANAGER_INTAKE_H

#include "queue-manager/queue.h"

/* NULL with errno: new/ cannot be read. */
struct intake *intake_new(struct queue *q);
void intake_free(struct intake **ip);
/* There may be room in the active set again, or something more in new/ or deferred/. Cheap. */
void intake_resume(struct intake *in);
/* Takes up one message by name out of turn (flush ID). 0, or -1 with errno. */
int intake_one(struct intake *in, const char *id, enum spool_state from);
/* Looks into new/ soon, whether the trigger says so or not. */
void intake_look(struct intake *in);

/* Is there mail in new/ that has not been taken up? */
bool intake_is_behind(const struct intake *in);

#endif
