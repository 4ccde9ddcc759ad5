/*
 * lib/queue/queue_edit.h - the recipients of a queued message as the administrator has changed
 * them.
 *
 * Message and envelope on disk are immutable; a change is one record in ID.log (QUEUE_LOG_EDIT). A
 * recipient that is removed gets nothing any more, whether the envelope names it or the expansion
 * of another one leads there; one that is added is as good as one of the envelope.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_EDIT_H
#define POSTHORN_LIB_QUEUE_QUEUE_EDIT_H

#include "lib/queue/envelope.h"
#include "lib/queue/queue_log.h"

/* The envelope with the log's changes: *edited borrows all strings, `rcpts` is allocated and to be
 * freed with xfree(). At most QUEUE_RCPTS_MAX; none at all if all were removed. */
void queue_edit_apply(const struct queue_envelope *envelope, const struct queue_log *log,
                      struct queue_envelope *edited);
/* The last change that names this final address removes it. */
bool queue_edit_removed(const struct queue_log *log, struct slice address);
/* Addresses compare whole, the domain without case. */
bool queue_edit_same(struct slice a, struct slice b);

#endif
