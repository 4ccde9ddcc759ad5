/*
 * queue-manager/deferral.h - which deferred message is due when: a heap in memory over deferred/.
 *
 * The directory and the logs are the truth; an entry here may be out of date (the message was
 * deleted, held or flushed meanwhile) and is checked when it is due. At start the directory is read
 * a little at a time while new mail and what is known to be due go their way.
 */
#ifndef POSTHORN_QUEUE_MANAGER_DEFERRAL_H
#define POSTHORN_QUEUE_MANAGER_DEFERRAL_H

#include "queue-manager/due_heap.h"
#include "queue-manager/queue.h"

#define DEFERRALS_MAX                                                                              \
    4000000 /* 32 bytes each; what is beyond waits on disk and is read when its time comes nearer  \
             */

/* `max` entries in memory (DEFERRALS_MAX). */
struct deferrals *deferrals_new(struct queue *q, uint32_t max);
void deferrals_free(struct deferrals **dp);

/* Reads a few more entries of deferred/ and their logs, for some milliseconds, at start and when
 * what did not fit into memory may have become due. False: all are read. */
bool deferrals_read_some(struct deferrals *d);
/* `domains`: due_domain() of those that wait, joined; DUE_DOMAIN_NONE: not before a time that its
 * sender or an administrator chose. */
void deferrals_add(struct deferrals *d, const char *id, int64_t next_ms, uint64_t domains);
/* Takes out the next message that is due at `now_ms`. False: none. */
bool deferrals_take_due(struct deferrals *d, int64_t now_ms, char id[QUEUE_ID_SIZE]);
/* Milliseconds until the first one is due, 0: now, -1: there is none. */
int64_t deferrals_wait_ms(const struct deferrals *d, int64_t now_ms);
/* What waits for this domain (due_domain(), DUE_DOMAIN_ALL) is due now, also what is still to be
 * read. Returns how many are known to be. */
uint32_t deferrals_flush(struct deferrals *d, uint64_t domain);
/* All that was made due at once has been taken out, and all is read. */
bool deferrals_are_waiting(const struct deferrals *d);
uint32_t deferrals_count(const struct deferrals *d); /* known so far */
/* When the oldest of those that wait for another attempt was accepted, ms since 1970; 0: there is
 * none. Looks at all of them: for who asks seldom. */
int64_t deferrals_oldest_ms(const struct deferrals *d);

/* When round `round` (from 1) ends with something undone at `now_ms`: the interval doubles from
 * retry_interval to retry_max, with up to a tenth of jitter, but never past the lifetime's end. */
int64_t deferral_next_ms(const struct queue_settings *settings, uint32_t round, int64_t now_ms,
                         int64_t received_ms);

#endif
