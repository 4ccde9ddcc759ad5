/*
 * lib/queue/queue_list.h - queued messages as objects: what `posthorn queue list` and `show` print.
 *
 * Read from the directories by the command line, so that it works with and without a running queue
 * manager and holds up nobody. A million messages are a million names in memory (34 bytes each);
 * files are opened one by one.
 *
 * A message has the fields id, state (the directory), status, received, last_attempt, next_attempt
 * (RFC 3339, or empty), attempts, size (bytes of content), sender, recipients (those that are not
 * finished, separated by spaces, at most QUEUE_LIST_RCPTS), recipient_count, reason, note. A
 * recipient has address, original, status, dsn, reason, remote, time.
 */
#ifndef POSTHORN_LIB_QUEUE_QUEUE_LIST_H
#define POSTHORN_LIB_QUEUE_QUEUE_LIST_H

#include "lib/queue/spool.h"

#define QUEUE_LIST_RCPTS 50

/* What is looked for; what is empty or 0 does not count. */
struct queue_filter {
    unsigned states;        /* bits 1 << enum spool_state */
    struct slice sender;    /* reverse path; "<>": of mail without one */
    struct slice recipient; /* one of those that are not finished */
    struct slice domain;    /* of one of those */
    int64_t before_ms;      /* received before then */
};
struct queue_found {
    char id[QUEUE_ID_SIZE];
    uint8_t state; /* where it was */
};

/* The names that may pass the filter (states and age are looked at here), oldest first; free
 * *found with xfree(). 0, or -1 with errno. */
int queue_list_find(const struct spool *spool, const struct queue_filter *filter,
                    struct queue_found **found, size_t *count);
/* Appends the message as an object if it is still there and passes the whole filter. */
bool queue_list_add(const struct spool *spool, const struct queue_found *found,
                    const struct queue_filter *filter, struct strbuf *objects);
/* One message, then its recipients, at most 1000 and as many as half of the buffer holds: if that
 * is not all of them the message's note says so. 0, or -1 with errno: ENOENT. */
int queue_list_show(const struct spool *spool, const char *id, struct strbuf *objects);

#endif
