/*
 * stsd/reporter.h - collects TLS outcomes, and reports each day's to the domains that want it.
 */
#ifndef POSTHORN_STSD_REPORTER_H
#define POSTHORN_STSD_REPORTER_H

#include "stsd/outbox.h"
#include "stsd/post.h"

#define REPORTER_KEEP_DAYS 8

struct reporter_options {
    struct post_options post;
    struct report_author author;
    struct outbox outbox;
    int dirfd;         /* of the days' files */
    bool sends;        /* by itself, each day */
    int64_t spread_ms; /* reports leave within so long after midnight, UTC */
};

struct reporter;

/* Takes up what the files have. `options` is borrowed. */
struct reporter *reporter_new(struct loop *loop, const struct reporter_options *options);
/* Writes what is not on disk yet. */
void reporter_free(struct reporter **reporterp);

void reporter_count(struct reporter *reporter, const struct outcome *outcome);

/* Appends an object for each line of `posthorn tlsrpt show` (lib/ipc/stsd.h). NULL, or what is
 * wrong with the question: a constant. Empty: today, all domains. */
const char *reporter_show(struct reporter *reporter, struct slice day, struct slice domain,
                          struct strbuf *objects);
/* Sends the reports of a day now. done() comes once, from the loop. NULL, or what is wrong with the
 * question, and then it does not come. Empty: yesterday, all domains. */
const char *reporter_send(struct reporter *reporter, struct slice day, struct slice domain,
                          void (*done)(void *arg, struct slice objects), void *arg);

#endif
