/*
 * accountd/watchers.c - peers whose question waits until there is something to tell.
 */
#include "accountd/watchers.h"

size_t
watchers_place(const struct watcher *watchers, size_t count, struct ipc_server *server,
               uint64_t peer_id)
{
    size_t place = count;

    for (size_t i = 0; i < count; i++) {
        uint64_t other = watchers[i].peer_id;

        if (other == peer_id)
            return i;
        if (place == count && (other == 0 || ipc_server_peer(server, other) == NULL))
            place = i;
    }
    return place;
}
