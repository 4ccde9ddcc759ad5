/*
 * accountd/watchers.h - peers whose question waits until there is something to tell.
 */
#ifndef POSTHORN_ACCOUNTD_WATCHERS_H
#define POSTHORN_ACCOUNTD_WATCHERS_H

#include "lib/ipc/peer.h"

struct watcher {
    uint64_t peer_id; /* 0: free */
    uint32_t request_id;
    uint64_t known; /* the number up to which it knows all */
};

/* The place for a question of that peer. A peer has one: with a new question it has given the older
 * up, though its connection stays. Else one that is free, or whose peer is gone; `count`: none. */
size_t watchers_place(const struct watcher *watchers, size_t count, struct ipc_server *server,
                      uint64_t peer_id);

#endif
