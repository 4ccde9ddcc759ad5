/*
 * lib/account/jobs.h - what the store still has to do: make, remove and rename users' directories.
 *
 * A job is written in the transaction that changes the account and goes when the store has done it,
 * so neither a crash nor a store that is away loses one.
 */
#ifndef POSTHORN_LIB_ACCOUNT_JOBS_H
#define POSTHORN_LIB_ACCOUNT_JOBS_H

#include "lib/account/account.h"

enum account_job_op { ACCOUNT_JOB_CREATE = 1, ACCOUNT_JOB_REMOVE, ACCOUNT_JOB_RENAME };

struct account_job {
    uint64_t sequence;
    enum account_job_op op;
    struct slice path, new_path; /* new_path: RENAME only */
};

/* In the open transaction. 0, or -1 with errno. */
int account_job_add(struct account_base *base, enum account_job_op op, struct slice path,
                    struct slice new_path);
/* Outside of a transaction: the job is done, in one of its own. */
int account_job_done(struct account_base *base, uint64_t sequence);
/* Calls each() for every job with a sequence number above `after`, in order; -1 stops. */
int account_jobs_each(struct account_base *base, uint64_t after,
                      int (*each)(void *arg, const struct account_job *job), void *arg);

#endif
