/*
 * queue-manager/admin.h - what an administrator does to one message: try now, hold, release,
 * delete, edit.
 *
 * A message in memory is only marked; it leaves when its jobs are done. One that is not is moved,
 * changed or removed at once.
 */
#ifndef POSTHORN_QUEUE_MANAGER_ADMIN_H
#define POSTHORN_QUEUE_MANAGER_ADMIN_H

#include "queue-manager/queue.h"

#define ADMIN_REASON_MAX 200 /* bytes of a reason for holding */

/* All give NULL if it is done, else why not (static). `id` is a valid queue id. */
const char *admin_retry(struct queue *q, const char *id);
/* `reason`: shown with the held message; longer ones are cut. */
const char *admin_hold(struct queue *q, const char *id, struct slice reason);
/* At `at_ms` (since 1970), at once if that is 0 or past: what is on hold, or waits for its time. */
const char *admin_release(struct queue *q, const char *id, int64_t at_ms);
const char *admin_delete(struct queue *q, const char *id);
/* Takes `removed` out and puts `added` in (either may be empty) for a message on hold or deferred,
 * on disk before return. */
const char *admin_edit(struct queue *q, const char *id, struct slice removed, struct slice added);

#endif
