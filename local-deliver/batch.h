/*
 * local-deliver/batch.h - jobs that are delivered with one flush.
 */
#ifndef POSTHORN_LOCAL_DELIVER_BATCH_H
#define POSTHORN_LOCAL_DELIVER_BATCH_H

#include "local-deliver/worker.h"

struct batch_job;
struct ipc_client;

struct batch {
    struct worker *worker;
    struct batch_job *jobs[WORKER_SLOTS];
    size_t count;
    unsigned replies_left; /* that may still be considered */
};

void batch_init(struct batch *b, struct worker *w);
void batch_clear(struct batch *b); /* may be used again after batch_init */
/* Takes in one QUEUE_JOB's payload (copied). 0, or -1: it does not decode. At most WORKER_SLOTS. */
int batch_add(struct batch *b, struct slice payload);
size_t batch_job_count(const struct batch *b);
/* Delivers and flushes all, logs each recipient, appends one RESULT frame per job to `results`. */
void batch_deliver(struct batch *b, struct strbuf *results);
/* Tells accountd what the mailboxes hold now and which are missing; a report that is lost is made
 * up for later. */
void batch_report(const struct batch *b, struct ipc_client *accounts);

#endif
