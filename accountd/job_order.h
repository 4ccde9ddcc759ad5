/*
 * accountd/job_order.h - which of the store's jobs runs next. No I/O.
 *
 * Jobs of one path run in the order in which they were added, others beside each other. One that
 * fails is tried again later and later, by itself: it holds up nobody but those of its own paths.
 */
#ifndef POSTHORN_ACCOUNTD_JOB_ORDER_H
#define POSTHORN_ACCOUNTD_JOB_ORDER_H

#include <sys/queue.h>

#include "lib/account/jobs.h"

#define JOBS_AT_ONCE 128         /* local-deliver has one batch in hand and one that waits */
#define JOBS_RETRIES_AT_ONCE 32  /* of them: those that have failed */
#define JOBS_RETRY_FIRST_MS 1000 /* twice as long each time */
#define JOBS_RETRY_MAX_MS 60000

TAILQ_HEAD(job_list, job);

struct job {
    TAILQ_ENTRY(job) link;
    struct job_list *in;
    void *owner;
    uint64_t sequence; /* 0: not in the database */
    enum account_job_op op;
    char *path, *new_path; /* owned; new_path "": none */
    bool is_sent;
    unsigned failures;
    int64_t due_ms; /* of one that has failed */
};

struct job_order;

struct job_order *job_order_new(void);
void job_order_free(struct job_order **orderp);
/* Owned from here on. */
void job_order_add(struct job_order *order, struct job *job);
/* A CREATE that somebody waits for, of a path that is not about to move: it runs at once, whatever
 * else is to be done, and is marked as sent. */
void job_order_add_urgent(struct job_order *order, struct job *job);
/* Calls send() for each that may run now, marked as sent. */
void job_order_run(struct job_order *order, int64_t now_ms, void (*send)(struct job *job));
/* Milliseconds until job_order_run() may find another one without any answer; -1: not before an
 * answer. */
int64_t job_order_wait_ms(const struct job_order *order, int64_t now_ms);

/* What became of one that was sent. */
void job_order_done(struct job_order *order, struct job *job); /* frees it */
void job_order_failed(struct job_order *order, struct job *job, int64_t now_ms);
/* The store was not there: no fault of the job's. */
void job_order_unanswered(struct job_order *order, struct job *job, int64_t now_ms);

/* How many jobs will make the directory at `path`? */
size_t job_order_making(const struct job_order *order, struct slice path);
/* Will any remove it, rename it or rename another one to it? */
bool job_order_is_moving(const struct job_order *order, struct slice path);
/* The first job that will rename `path` to another, or NULL. */
const struct job *job_order_leaving(const struct job_order *order, const char *path);

#endif
