/*
 * alertd/report.h - a mailbox is told each day or week what the system has done (LOG-13).
 */
#ifndef POSTHORN_ALERTD_REPORT_H
#define POSTHORN_ALERTD_REPORT_H

#include "alertd/mailer.h"
#include "alertd/watch.h"

struct report;

struct report_parts {
    const struct mailer *mailer;
    const struct alerts *alerts;
    const struct watch *watch;
    int state_dirfd;
};

/* Sends reports from now on; `parts` is copied, what it points to borrowed. The sockets are named
 * from the current directory. */
struct report *report_new(struct daemon *d, const struct report_parts *parts);
void report_free(struct report **reportp);
/* One of the time since the last one, now. done() comes once: NULL, or why none was sent. 0, or -1:
 * one is under way. */
int report_now(struct report *report, void (*done)(void *arg, const char *trouble), void *arg);

#endif
