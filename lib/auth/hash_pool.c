/*
 * lib/auth/hash_pool.c - the front's side of the hash workers: a bounded queue with fair shares.
 *
 * Holds passwords of waiting jobs and wipes them. Workers are not trusted: a packet that does not
 * decode, or with an id that is not its worker's job, is thrown away.
 */
#include "lib/auth/hash_pool.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/auth/hash_job.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum { MAKES_MAX = 64, WARN_EVERY_MS = 10000 };

TAILQ_HEAD(job_list, hash_job);
TAILQ_HEAD(share_list, share);

struct hash_job {
    TAILQ_ENTRY(hash_job) link; /* in its share, in makes or in dropped */
    struct hash_pool *pool;
    struct share *share; /* NULL: not waiting in one */
    uint16_t type;
    uint32_t id;
    uint64_t lane; /* 0: none */
    int64_t give_up_ms;
    char *record;
    size_t record_len, password_len;
    char password[PASSWORD_MAX];
    hash_done *done; /* NULL: abandoned */
    void *arg;
};

struct share { /* the jobs of one client address; exists while it has some */
    TAILQ_ENTRY(share) link;
    uint64_t key;
    unsigned count;
    struct job_list jobs;
};

struct worker {
    struct hash_pool *pool;
    int fd;
    struct loop_fd *watch;
    struct hash_job *job; /* NULL: idle */
};

struct hash_pool {
    struct loop *loop;
    unsigned width, queue_max, waiting, makes_waiting, lane_max;
    int64_t patience_ms;
    uint32_t last_id;
    struct share_list shares; /* the first one is served next */
    struct job_list makes;
    struct job_list dropped; /* their done() runs at the end of the turn */
    struct loop_task *run_dropped;
    int64_t warned_ms; /* when the log was told of an overflow */
    struct worker *workers;
};

/* ---- jobs ---- */

static struct hash_job *
job_new(struct hash_pool *pool, uint16_t type, struct slice record, struct slice password,
        hash_done *done, void *arg)
{
    struct hash_job *job = xcalloc(1, sizeof(*job));

    assert_always(password.len <= PASSWORD_MAX);
    job->pool = pool;
    job->type = type;
    job->id = ++pool->last_id;
    job->give_up_ms = clock_mono_ms() + pool->patience_ms;
    job->record = xslicedup(record);
    job->record_len = record.len;
    job->password_len = password.len;
    if (password.len > 0)
        memcpy(job->password, password.ptr, password.len);
    job->done = done;
    job->arg = arg;
    return job;
}

static void
job_free(struct hash_job *job)
{
    if (job->record != NULL)
        mem_wipe(job->record, job->record_len); /* a token may be in it */
    free(job->record);
    mem_wipe(job, sizeof(*job));
    free(job);
}

/* ---- shares ---- */

static void
share_remove_job(struct hash_pool *pool, struct hash_job *job)
{
    struct share *share = job->share;

    TAILQ_REMOVE(&share->jobs, job, link);
    job->share = NULL;
    pool->waiting--;
    if (--share->count == 0) {
        TAILQ_REMOVE(&pool->shares, share, link);
        free(share);
    }
}

/* The share of that key, made if it is new. */
static struct share *
share_of(struct hash_pool *pool, uint64_t key)
{
    struct share *share;

    for (share = TAILQ_FIRST(&pool->shares); share != NULL; share = TAILQ_NEXT(share, link))
        if (share->key == key) /* at most queue_max to look at, and only in a flood */
            return share;
    share = xcalloc(1, sizeof(*share));
    share->key = key;
    TAILQ_INIT(&share->jobs);
    TAILQ_INSERT_TAIL(&pool->shares, share, link);
    return share;
}

static void
share_add_job(struct hash_pool *pool, uint64_t key, struct hash_job *job)
{
    struct share *share = share_of(pool, key);

    job->share = share;
    share->count++;
    TAILQ_INSERT_TAIL(&share->jobs, job, link);
    pool->waiting++;
}

static bool
lane_is_free(const struct hash_pool *pool, uint64_t lane)
{
    unsigned running = 0;

    if (lane == 0)
        return true;
    for (unsigned i = 0; i < pool->width; i++)
        if (pool->workers[i].job != NULL && pool->workers[i].job->lane == lane)
            running++;
    return running < pool->lane_max;
}

/* A share's first job whose lane is free, or NULL. */
static struct hash_job *
first_that_may_run(const struct hash_pool *pool, const struct share *share)
{
    struct hash_job *job = TAILQ_FIRST(&share->jobs);

    while (job != NULL && !lane_is_free(pool, job->lane))
        job = TAILQ_NEXT(job, link);
    return job;
}

/* The next job in fairness: the first share's first that may run, whose share then goes to the end.
 */
static struct hash_job *
share_next_job(struct hash_pool *pool)
{
    struct share *share;
    struct hash_job *job = NULL;

    for (share = TAILQ_FIRST(&pool->shares); share != NULL; share = TAILQ_NEXT(share, link)) {
        job = first_that_may_run(pool, share);
        if (job != NULL)
            break;
    }
    if (job == NULL)
        return NULL;
    TAILQ_REMOVE(&pool->shares, share, link);
    TAILQ_INSERT_TAIL(&pool->shares, share, link);
    share_remove_job(pool, job);
    return job;
}

static void
drop_later(struct hash_pool *pool, struct hash_job *job)
{
    TAILQ_INSERT_TAIL(&pool->dropped, job, link);
    loop_task_schedule(pool->run_dropped);
}

/* The newest job of the address that has the most: it pays for the flood that it makes. */
static void
shed_one(struct hash_pool *pool)
{
    struct share *share, *longest = TAILQ_FIRST(&pool->shares);
    struct hash_job *job;

    for (share = longest; share != NULL; share = TAILQ_NEXT(share, link))
        if (share->count > longest->count)
            longest = share;
    if (clock_mono_ms() - pool->warned_ms >= WARN_EVERY_MS) {
        pool->warned_ms = clock_mono_ms();
        log_event(LOG_WARN, "hash_queue_full", KV_U64("waiting", pool->waiting),
                  KV_U64("of_one_client", longest->count));
    }
    job = TAILQ_LAST(&longest->jobs, job_list);
    share_remove_job(pool, job);
    drop_later(pool, job);
}

static void
run_dropped(void *arg)
{
    struct hash_pool *pool = arg;
    struct hash_job *job;

    while ((job = TAILQ_FIRST(&pool->dropped)) != NULL) {
        TAILQ_REMOVE(&pool->dropped, job, link);
        if (job->done != NULL)
            job->done(job->arg, HASH_DROPPED, SLICE(""));
        job_free(job);
    }
}

/* ---- workers ---- */

static int
send_job(struct worker *worker, const struct hash_job *job)
{
    struct hash_request request = {
        .type = job->type,
        .id = job->id,
        .record = slice_make(job->record, job->record_len),
        .password = slice_make(job->password, job->password_len),
    };
    struct strbuf packet = strbuf_new(HASH_PACKET_MAX);
    int rc = -1;

    (void)strbuf_room(&packet, HASH_PACKET_MAX); /* grows no more: no copy of the password stays */
    if (hash_request_encode(&packet, &request) == 0 &&
        send(worker->fd, packet.ptr, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        rc = 0;
    mem_wipe(packet.ptr, packet.cap);
    strbuf_free(&packet);
    return rc;
}

static struct worker *
idle_worker(struct hash_pool *pool)
{
    for (unsigned i = 0; i < pool->width; i++)
        if (pool->workers[i].job == NULL)
            return &pool->workers[i];
    return NULL;
}

/* Verdicts first; new records only when no verdict is waited for. NULL: nothing to do. */
static struct hash_job *
next_job(struct hash_pool *pool)
{
    struct hash_job *job = share_next_job(pool);

    if (job == NULL && (job = TAILQ_FIRST(&pool->makes)) != NULL) {
        TAILQ_REMOVE(&pool->makes, job, link);
        pool->makes_waiting--;
    }
    return job;
}

static void
dispatch(struct hash_pool *pool)
{
    struct worker *worker;
    struct hash_job *job;

    while ((worker = idle_worker(pool)) != NULL && (job = next_job(pool)) != NULL) {
        if (job->type == HASH_VERIFY && clock_mono_ms() > job->give_up_ms) {
            drop_later(pool, job); /* whoever asked has gone by now */
            continue;
        }
        if (send_job(worker, job) < 0) {
            log_event(LOG_ERROR, "hash_worker_send", KV_ERRNO());
            drop_later(pool, job);
            return;
        }
        worker->job = job;
    }
}

static enum hash_outcome
outcome_of(const struct hash_answer *answer)
{
    static const enum hash_outcome outcomes[] = {
        [PASSWORD_RIGHT] = HASH_RIGHT,
        [PASSWORD_WRONG] = HASH_WRONG,
        [PASSWORD_UNUSABLE] = HASH_UNUSABLE,
        [PASSWORD_NO_MEMORY] = HASH_DROPPED,
    };

    return answer->type == HASH_LOST ? HASH_DROPPED : outcomes[answer->verdict];
}

static void
worker_ready(void *arg, unsigned ready)
{
    struct worker *worker = arg;
    struct hash_pool *pool = worker->pool;
    struct hash_job *job = worker->job;
    char packet[HASH_PACKET_MAX];
    struct hash_answer answer;
    ssize_t len = recv(worker->fd, packet, sizeof(packet), MSG_DONTWAIT);

    (void)ready;
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) { /* the keeper is gone: without it there is no hashing; master starts us anew */
        log_event(LOG_ERROR, "hash_keeper_gone", KV_I64("len", len));
        loop_fd_want(worker->watch, 0);
        loop_stop(pool->loop);
        return;
    }
    if (hash_answer_decode(slice_make(packet, (size_t)len), &answer) < 0) {
        log_event(LOG_ERROR, "hash_worker_nonsense", KV_I64("len", len));
        return;
    }
    if (job == NULL || (answer.type == HASH_ANSWER && answer.id != job->id))
        return; /* answer to a job that was given up when its worker died */
    worker->job = NULL;
    dispatch(pool);
    if (job->done != NULL)
        job->done(job->arg, outcome_of(&answer), answer.record);
    job_free(job);
    mem_wipe(packet, (size_t)len);
}

/* ---- the pool ---- */

struct hash_pool *
hash_pool_new(struct loop *loop, const int *fds, unsigned width, unsigned queue_max,
              int64_t patience_ms, unsigned lane_max)
{
    struct hash_pool *pool = xcalloc(1, sizeof(*pool));

    pool->loop = loop;
    pool->width = width;
    pool->queue_max = queue_max;
    pool->lane_max = lane_max;
    pool->patience_ms = patience_ms;
    TAILQ_INIT(&pool->shares);
    TAILQ_INIT(&pool->makes);
    TAILQ_INIT(&pool->dropped);
    pool->run_dropped = loop_task_new(loop, run_dropped, pool);
    pool->warned_ms = -WARN_EVERY_MS;
    pool->workers = xcalloc(width, sizeof(*pool->workers));
    for (unsigned i = 0; i < width; i++) {
        pool->workers[i].pool = pool;
        pool->workers[i].fd = fds[i];
        pool->workers[i].watch =
            loop_fd_new(loop, fds[i], LOOP_READ, worker_ready, &pool->workers[i]);
    }
    return pool;
}

static void
free_list(struct job_list *list)
{
    struct hash_job *job;

    while ((job = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, job, link);
        job_free(job);
    }
}

void
hash_pool_free(struct hash_pool **poolp)
{
    struct hash_pool *pool = *poolp;
    struct hash_job *job;

    if (pool == NULL)
        return;
    pool->lane_max = UINT_MAX; /* all of them may go */
    while ((job = share_next_job(pool)) != NULL)
        job_free(job);
    free_list(&pool->makes);
    free_list(&pool->dropped);
    loop_task_free(&pool->run_dropped);
    for (unsigned i = 0; i < pool->width; i++) {
        loop_fd_free(&pool->workers[i].watch);
        (void)close(pool->workers[i].fd); /* the keeper sees it and ends */
        if (pool->workers[i].job != NULL)
            job_free(pool->workers[i].job);
    }
    free(pool->workers);
    xfree(poolp);
}

struct hash_job *
hash_pool_verify(struct hash_pool *pool, uint64_t share, struct slice record, struct slice password,
                 hash_done *done, void *arg)
{
    return hash_pool_verify_in_lane(pool, share, 0, record, password, done, arg);
}

struct hash_job *
hash_pool_verify_in_lane(struct hash_pool *pool, uint64_t share, uint64_t lane, struct slice record,
                         struct slice password, hash_done *done, void *arg)
{
    struct hash_job *job = job_new(pool, HASH_VERIFY, record, password, done, arg);

    job->lane = lane;
    share_add_job(pool, share, job);
    if (pool->waiting > pool->queue_max)
        shed_one(pool);
    dispatch(pool);
    return job;
}

bool
hash_pool_make(struct hash_pool *pool, struct slice scheme, struct slice password, hash_done *done,
               void *arg)
{
    struct hash_job *job;

    if (pool->makes_waiting >= MAKES_MAX)
        return false;
    job = job_new(pool, HASH_MAKE, scheme, password, done, arg);
    TAILQ_INSERT_TAIL(&pool->makes, job, link);
    pool->makes_waiting++;
    dispatch(pool);
    return true;
}

void
hash_job_abandon(struct hash_job *job)
{
    if (job->share == NULL) { /* a worker has it, or it is in `dropped` */
        job->done = NULL;
        return;
    }
    share_remove_job(job->pool, job);
    job_free(job);
}
