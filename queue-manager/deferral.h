/*
 * queue-manager/deferral.h - which deferred message is due when: a heap in memory over deferred/.
 *
 * The directory and the logs are the truth; an entry here may be out of date (the message was
 * deleted, held or flushed meanwhile) and is checked when it is due.
 */
#ifndef POSTHORN_QUEUE_MANAGER_DEFERRAL_H
#define POSTHORN_QUEUE_MANAGER_DEFERRAL_H

#include "queue-manager/queue.h"

#define DEFERRALS_MAX                                                                              \
    1000000 /* 56 bytes each; what is beyond waits on disk for the next reading                    \
             */

struct deferrals *deferrals_new(struct queue *q);
void deferrals_free(struct deferrals **dp);

/* Reads a few more entries of deferred/ and their logs at start. False: all are read. */
bool deferrals_read_some(struct deferrals *d);
/* `domains`: the bits of those that wait, deferral_domain_bit() of each. */
void deferrals_add(struct deferrals *d, const char *id, int64_t next_ms, uint64_t domains);
/* Takes out the next message that is due at `now_ms`. False: none. */
bool deferrals_take_due(struct deferrals *d, int64_t now_ms, char id[QUEUE_ID_SIZE]);
/* Milliseconds until the first one is due, 0: now, -1: there is none. */
int64_t deferrals_wait_ms(const struct deferrals *d, int64_t now_ms);
/* Everything with one of these bits is due now (all: UINT64_MAX). Returns how many that are. */
uint32_t deferrals_flush(struct deferrals *d, uint64_t domains);
/* One of 64 bits for the domain of an address (or a domain): some others have the same one, so a
 * flush of one domain may try a little more than it was asked for. */
uint64_t deferral_domain_bit(struct slice address);
uint32_t deferrals_count(const struct deferrals *d);

/* When round `round` (from 1) ends with something undone at `now_ms`: the interval doubles from
 * retry_interval to retry_max, with up to a tenth of jitter, but never past the lifetime's end. */
int64_t deferral_next_ms(const struct queue_settings *settings, uint32_t round, int64_t now_ms,
                         int64_t received_ms);

#endif
