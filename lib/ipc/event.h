/*
 * lib/ipc/event.h - what has happened, for who pushes notices of it: datagrams from local-deliver
 * to alertd, without an answer. Socket run/events.sock; one that finds no room is lost.
 */
#ifndef POSTHORN_LIB_IPC_EVENT_H
#define POSTHORN_LIB_IPC_EVENT_H

#include "lib/ipc/frame.h"

#define EVENT_SOCKET "events.sock"
#define EVENT_TYPE 1
#define EVENT_ADDRESS_MAX 1024
#define EVENT_DATAGRAM_MAX 4096

struct event { /* a message was delivered */
    struct slice user, sender, queue_id;
    uint64_t size;
    int64_t time_ms; /* since 1970 */
};
int event_encode(struct strbuf *out, const struct event *event);
int event_decode(struct slice datagram, struct event *event); /* borrows; -1: damaged */

#endif
