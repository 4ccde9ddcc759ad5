/*
 * lib/ipc/peer.h - frames over a Unix-domain stream inside the event loop: server and client side.
 *
 * A peer is one connection. Unknown types, short or oversized frames and more than one descriptor
 * with a message close it. Output is buffered to a ceiling; a peer that lets its output grow past
 * it is closed. Nothing here blocks.
 */
#ifndef POSTHORN_LIB_IPC_PEER_H
#define POSTHORN_LIB_IPC_PEER_H

#include <sys/types.h>

#include "lib/base/strbuf.h"
#include "lib/ipc/frame.h"
#include "lib/sys/loop.h"

struct ipc_peer;
struct ipc_server;
struct ipc_async;

struct ipc_handlers {
    uint32_t payload_max; /* of frames that come in, bytes */
    /* One frame came in; `fd` is -1 or the callee's to close. Returns 0, or -1: close the peer. */
    int (*frame)(struct ipc_peer *peer, const struct frame_header *header, struct slice payload,
                 int fd);
    /* The peer is gone, by whichever side; ipc_peer_data() is still there to free. May be NULL. */
    void (*closed)(struct ipc_peer *peer);
};

/* Takes over a connected socket. `handlers` is borrowed and outlives the peer. */
struct ipc_peer *ipc_peer_new(struct loop *loop, int fd, const struct ipc_handlers *handlers,
                              void *data);
void *ipc_peer_data(const struct ipc_peer *peer);
void ipc_peer_set_data(struct ipc_peer *peer, void *data);
uid_t ipc_peer_uid(const struct ipc_peer *peer); /* SO_PEERCRED at connect time */
pid_t ipc_peer_pid(const struct ipc_peer *peer);
/* Queues the finished frames in `frames` and clears it; `fd` (-1: none, duplicated here) travels
 * with the first. Written at the end of the loop's turn. */
void ipc_peer_send(struct ipc_peer *peer, struct strbuf *frames, int fd);
void ipc_peer_close(struct ipc_peer *peer); /* runs closed(); safe inside frame() */
/* Stable name for a peer that may be gone when a late answer arrives. */
uint64_t ipc_peer_id(const struct ipc_peer *peer);

/* Accepts on `listen_fd` (borrowed). `allowed` decides by uid; root is always allowed. At most
 * `peers_max` connections at once. `data` is each new peer's first data. */
struct ipc_server *ipc_server_new(struct loop *loop, int listen_fd,
                                  const struct ipc_handlers *handlers,
                                  bool (*allowed)(uid_t uid, void *data), unsigned peers_max,
                                  void *data);
struct ipc_peer *ipc_server_peer(struct ipc_server *server, uint64_t peer_id); /* or NULL */
void ipc_server_stop(struct ipc_server *server); /* accepts no more; peers go on */
/* The same, and tells all peers that nothing more comes from here: they see the end and close. What
 * they have sent until then still arrives. */
void ipc_server_drain(struct ipc_server *server);
unsigned ipc_server_peer_count(const struct ipc_server *server);
void ipc_server_free(struct ipc_server **serverp);

/* Client side: connects to `socket_name` below run_dirfd, again and again with back-off (50 ms to
 * 2 s) while it is away. Calls made meanwhile wait, up to their timeout and `pending_max`. */
struct ipc_async *ipc_async_new(struct loop *loop, int run_dirfd, const char *socket_name,
                                uint32_t payload_max, unsigned pending_max);
/* Sends one whole frame (id filled in, buffer cleared). done() runs exactly once, from the loop:
 * with the reply, or with NULL on time-out or a lost connection. A reply's fd is done()'s to close.
 */
void ipc_async_call(struct ipc_async *client, struct strbuf *request, int64_t timeout_ms,
                    void (*done)(void *arg, const struct frame_header *header, struct slice payload,
                                 int fd),
                    void *arg);
void ipc_async_free(struct ipc_async **clientp); /* fails what is pending */

#endif
