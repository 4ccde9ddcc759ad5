/*
 * alertd/service_watch.h - which services fail, or are started again and again. No I/O.
 */
#ifndef POSTHORN_ALERTD_SERVICE_WATCH_H
#define POSTHORN_ALERTD_SERVICE_WATCH_H

#include "alertd/alerts.h"

#define SERVICE_RESTARTS 3 /* so many within: */
#define SERVICE_RESTARTS_MS 600000

struct service_watch;

/* A service's alert is over when it has run for `settle_ms`. */
struct service_watch *service_watch_new(struct alerts *alerts, int64_t settle_ms);
void service_watch_free(struct service_watch **watchp);
/* Master's status: objects of lib/ipc/object.h. */
void service_watch_take(struct service_watch *watch, struct slice objects);

#endif
