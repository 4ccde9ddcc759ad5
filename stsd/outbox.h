/*
 * stsd/outbox.h - puts a report's mail into the queue.
 */
#ifndef POSTHORN_STSD_OUTBOX_H
#define POSTHORN_STSD_OUTBOX_H

#include "stsd/report.h"

struct outbox {
    int tmp_dirfd, new_dirfd, trigger_fd; /* of the queue */
};

/* Opens them; exits with a message. */
struct daemon;
struct outbox outbox_open(const struct daemon *d);
/* On disk before it returns. 0, or -1 with errno. */
int outbox_send(const struct outbox *outbox, const struct report *report, struct slice gzipped,
                struct slice to);

#endif
