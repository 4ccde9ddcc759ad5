/*
 * stsd/cache.h - the policies that we know, in memory and on disk.
 */
#ifndef POSTHORN_STSD_CACHE_H
#define POSTHORN_STSD_CACHE_H

#include "lib/ipc/stsd.h"

#define CACHE_DOMAINS_MAX 20000

struct waiter;

struct cached {
    char domain[STSD_DOMAIN_MAX + 1];
    char id[STS_ID_MAX + 1]; /* of the record that led to the policy, or to the failed attempt */
    char *text;              /* the policy; NULL: none, or it has expired */
    size_t text_len;
    uint32_t max_age_s;
    int64_t expires_ms;    /* real time */
    int64_t refresh_ms;    /* real time: fetch it again from then on, asked or not */
    int64_t not_before_ms; /* real time: after a failure no attempt until then */
    uint8_t failure;       /* enum outcome_result: of the last attempt */
    char reason[160];      /* of the failure */
    bool fetching;
    struct waiter *waiters; /* who waits for the attempt: stsd/service.c */
};

struct cache;

/* Reads the files in the directory `fd` (borrowed). Damaged and expired ones are removed. */
struct cache *cache_open(int dirfd);
void cache_close(struct cache **cachep);
/* The entry of a domain, made if it is new. NULL: there are too many. */
struct cached *cache_entry(struct cache *cache, struct slice domain);
/* Takes over a policy that was fetched now, for memory and, before it returns, for the disk; a disk
 * that fails costs the policy at the next start, and is logged. */
void cache_keep(struct cache *cache, struct cached *c, struct slice text,
                const struct sts_policy *policy);
/* Forgets what has expired, and calls due() for what is to be fetched again. */
void cache_sweep(struct cache *cache, void (*due)(void *arg, struct cached *c), void *arg);

#endif
