/*
 * stsd/outbox.h - puts a report's mail into the queue.
 */
#ifndef POSTHORN_STSD_OUTBOX_H
#define POSTHORN_STSD_OUTBOX_H

#include "lib/queue/outbox.h"
#include "stsd/report.h"

/* On disk before it returns. 0, or -1 with errno. */
int outbox_report(const struct outbox *outbox, const struct report *report, struct slice gzipped,
                  struct slice to);

#endif
