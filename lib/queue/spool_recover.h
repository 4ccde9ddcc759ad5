/*
 * lib/queue/spool_recover.h - the queue's directories after a crash.
 *
 * What stands in the way of the first delivery is done at once and costs what was under way; what
 * grows with the deferred and the held mail is tidied a little at a time while the work goes on.
 * Until that is through, who takes up a message calls spool_gather() for it first.
 */
#ifndef POSTHORN_LIB_QUEUE_SPOOL_RECOVER_H
#define POSTHORN_LIB_QUEUE_SPOOL_RECOVER_H

#include "lib/queue/spool.h"

/* What was accepted and is still in tmp/ moves to new/, everything else there stays: its writer may
 * be about to see whether it was committed. What lies beside messages of new/ and active/ joins
 * them, and active/ is emptied into new/. Returns the number of messages moved, or -1 with errno.
 */
int64_t spool_recover(const struct spool *spool);
/* Removes what is older than `age_ms` in tmp/: nothing that was accepted stays there while we run.
 * To be called once the writers have had time to settle what a crash has left them (alertd: a name
 * that is gone was sent). 0, or -1 with errno. */
int spool_sweep_tmp(const struct spool *spool, int64_t age_ms);

/* The other directories: what lies beside no message there joins its message or (without a message
 * anywhere) goes. */
struct spool_tidy {
    int state; /* under way; SPOOL_STATES: all is done */
    struct spool_scan scan;
};
void spool_tidy_begin(struct spool_tidy *tidy);
/* Looks at `count` names. False: that was all. */
bool spool_tidy_some(struct spool_tidy *tidy, const struct spool *spool, unsigned count);
void spool_tidy_end(struct spool_tidy *tidy); /* wherever it is */

#endif
