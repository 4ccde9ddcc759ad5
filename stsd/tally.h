/*
 * stsd/tally.h - the TLS outcomes of one UTC day, counted; in memory and in a file.
 */
#ifndef POSTHORN_STSD_TALLY_H
#define POSTHORN_STSD_TALLY_H

#include <sys/queue.h>

#include "lib/tlsrpt/outcome.h"

#define TALLY_DOMAINS_MAX 10000
#define TALLY_POLICIES_MAX 8   /* of one domain in a day */
#define TALLY_FAILURES_MAX 100 /* kinds of failure under one policy */
#define TALLY_BYTES_MAX (32u << 20)
#define TALLY_NAME_MAX 11 /* "2026-11-27" and NUL */

struct tally_failure {
    STAILQ_ENTRY(tally_failure) link;
    uint64_t sessions;
    uint8_t result;
    char *sending_ip, *receiving_ip, *mx_host, *mx_helo, *reason;
};
struct tally_policy {
    STAILQ_ENTRY(tally_policy) link;
    uint8_t type;
    char *domain, *text; /* lines */
    uint64_t successes, failures;
    STAILQ_HEAD(tally_failures, tally_failure)
    kinds; /* may be fewer sessions than `failures` when full */
    unsigned kind_count;
};
struct tally_domain {
    STAILQ_ENTRY(tally_domain) link;
    char *name;
    bool settled; /* its owner has been told, or does not want to be */
    STAILQ_HEAD(tally_policies, tally_policy) policies;
    unsigned policy_count;
};
STAILQ_HEAD(tally_domains, tally_domain);

struct tally {
    char day[TALLY_NAME_MAX];
    int64_t begin_s; /* seconds since 1970 */
    struct tally_domains domains;
    struct map *by_name;
    size_t bytes;
    bool changed;      /* since it was read or written */
    uint64_t left_out; /* sessions for which there was no place */
};

/* "2026-11-27" of a point in time; and the first second of such a day, -1: it is none. */
void tally_day_name(int64_t real_ms, char out[TALLY_NAME_MAX]);
int64_t tally_day_begin(struct slice day);

/* An empty one of a day that tally_day_begin() takes. */
struct tally *tally_new(const char *day);
/* With what the file of that day has; without a file empty, and a damaged one counts as far as it
 * can be read. */
struct tally *tally_read(int dirfd, const char *day);
bool tally_exists(int dirfd, const char *day);
void tally_free(struct tally **tallyp);
/* On disk before it returns. 0, or -1 with errno. */
int tally_write(int dirfd, struct tally *tally);

/* One session more. What is beyond a limit is counted in `left_out` alone, or without its kind. */
void tally_add(struct tally *tally, const struct outcome *outcome);
struct tally_domain *tally_find(const struct tally *tally, struct slice domain);

#endif
