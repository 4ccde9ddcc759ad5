/*
 * lib/auth/hash_pool.h - the front's side of workers that say whether a password is right: a
 * bounded queue with fair shares. Hash workers are such, and those that ask others
 * (authd/external_workers.h).
 *
 * At most as many jobs run as there are workers. The others wait, a queue for each client address,
 * served in turn; when all places are taken, the address with the most waiting jobs loses its last
 * one. Nothing blocks.
 */
#ifndef POSTHORN_LIB_AUTH_HASH_POOL_H
#define POSTHORN_LIB_AUTH_HASH_POOL_H

#include "lib/auth/password.h"
#include "lib/sys/loop.h"

struct hash_pool;
struct hash_job;

enum hash_outcome {
    HASH_RIGHT, /* MAKE: the record is there */
    HASH_WRONG,
    HASH_UNUSABLE, /* the record cannot be checked */
    HASH_DROPPED   /* no place, waited too long, worker died: try later */
};
/* Runs from the loop, once, never inside hash_pool_*. `record` (MAKE) is borrowed. */
typedef void hash_done(void *arg, enum hash_outcome outcome, struct slice record);

/* `fds`: the workers' sockets, taken over. At most `lane_max` jobs of one lane run at once. */
struct hash_pool *hash_pool_new(struct loop *loop, const int *fds, unsigned width,
                                unsigned queue_max, int64_t patience_ms, unsigned lane_max);
void hash_pool_free(struct hash_pool **poolp); /* runs no done() any more */

/* Is it this record's password? The job belongs to the pool; valid until done() or
 * hash_job_abandon. */
struct hash_job *hash_pool_verify(struct hash_pool *pool, uint64_t share, struct slice record,
                                  struct slice password, hash_done *done, void *arg);
/* The same of a lane other than 0: who asks what may not answer, so that it cannot take all the
 * workers. */
struct hash_job *hash_pool_verify_in_lane(struct hash_pool *pool, uint64_t share, uint64_t lane,
                                          struct slice record, struct slice password,
                                          hash_done *done, void *arg);
/* A new record for a password, of `scheme` ("yescrypt", "argon2id"; "": as the workers' policy
 * says): only when nobody waits for a verdict. False: too many of these wait, done() will not run.
 */
bool hash_pool_make(struct hash_pool *pool, struct slice scheme, struct slice password,
                    hash_done *done, void *arg);
/* Nobody waits for it any more: done() will not run. */
void hash_job_abandon(struct hash_job *job);

#endif
