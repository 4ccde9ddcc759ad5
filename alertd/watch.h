/*
 * alertd/watch.h - looks after what can go wrong, and puts it into the table of alerts.
 */
#ifndef POSTHORN_ALERTD_WATCH_H
#define POSTHORN_ALERTD_WATCH_H

#include "alertd/alerts.h"
#include "lib/sys/daemon.h"

struct watch;

/* Opens the places and reads the certificates: before the sandbox. */
struct watch *watch_new(struct daemon *d, struct alerts *alerts);
void watch_free(struct watch **watchp);
/* Looks from now on, every alert.check; looked() follows whenever the table may have changed. The
 * servers' sockets are named from the current directory. */
void watch_start(struct watch *watch, void (*looked)(void *arg), void *arg);

#endif
