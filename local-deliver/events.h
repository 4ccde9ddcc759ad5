/*
 * local-deliver/events.h - tells alertd of new mail, for who has notices pushed (QUE-18).
 */
#ifndef POSTHORN_LOCAL_DELIVER_EVENTS_H
#define POSTHORN_LOCAL_DELIVER_EVENTS_H

#include "lib/ipc/event.h"
#include "lib/sys/daemon.h"

struct events {
    const struct daemon *daemon;
    int fd; /* -1: not connected */
    bool wanted;
    int64_t not_before_ms; /* to connect again */
    _Atomic uint64_t *sent, *dropped;
};

void events_init(struct events *events, const struct daemon *d);
/* In a worker process, which has a connection of its own. Never waits: without room, or without
 * alertd's socket, the event is counted and lost. */
void events_tell(struct events *events, const struct event *event);

#endif
