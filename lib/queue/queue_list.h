/*
 * lib/queue/queue_list.h - queued messages as objects: what `posthorn queue list` and `show` print.
 *
 * Read from the directories, so that it works with and without a running queue manager.
 *
 * A message has the fields id, state (the directory), status, received, last_attempt, next_attempt
 * (RFC 3339, or empty), attempts, size (bytes of content), sender, recipients (those that are not
 * finished, separated by spaces, at most QUEUE_LIST_RCPTS), recipient_count, reason. A recipient
 * has address, original, status, dsn, reason, remote, time.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_LIST_H
#define POSTHORN_LIB_QUEUE_QUEUE_LIST_H

#include "lib/queue/spool.h"

#define QUEUE_LIST_PAGE 200
#define QUEUE_LIST_RCPTS 50
#define QUEUE_LIST_BYTES (6u << 20)

/* Appends the messages whose ids come after `cursor` ("": from the start), oldest first, at most
 * QUEUE_LIST_PAGE, to `objects`. True: there are more, `last` is where to go on. */
bool queue_list_page(const struct spool *spool, const char *cursor, struct strbuf *objects,
                     char last[QUEUE_ID_SIZE]);
/* One message, then its recipients, at most 1000. 0, or -1 with errno: ENOENT. */
int queue_list_show(const struct spool *spool, const char *id, struct strbuf *objects);

#endif
