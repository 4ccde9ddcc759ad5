/*
 * lib/ipc/client.h - a blocking connection to one of our servers: one question, one answer.
 *
 * For session workers, agents and the command line. `connect_to` names a socket below the run
 * directory; a lost connection is made again once per call, so a restarted server costs a retry,
 * not an error. A connection from ipc_client_adopt cannot be made again.
 */
#ifndef POSTHORN_LIB_IPC_CLIENT_H
#define POSTHORN_LIB_IPC_CLIENT_H

#include "lib/base/strbuf.h"
#include "lib/ipc/frame.h"

struct ipc_client;

struct ipc_reply {
    uint16_t type;
    struct slice payload; /* borrowed: valid until the next call on this client */
    int fd;               /* -1, or a descriptor that the caller now owns */
};

/* Remembers; connects on first use. `run_dirfd` is borrowed, `socket_name` copied. */
struct ipc_client *ipc_client_new(int run_dirfd, const char *socket_name, uint32_t payload_max);
struct ipc_client *ipc_client_adopt(int fd, uint32_t payload_max); /* owns fd */
void ipc_client_free(struct ipc_client **clientp);
/* Connects now if it is not. 0, or -1 with errno. */
int ipc_client_connect(struct ipc_client *client, int timeout_ms);
int ipc_client_fd(const struct ipc_client *client); /* -1 when not connected */

/* Sends the one whole frame in `request` (its request id is filled in here), with `fd` (-1: none;
 * stays the caller's), and waits for the answer with that id. 0, or -1 with errno: ETIMEDOUT,
 * EPROTO (undecodable answer; the connection is closed), or what connect and send gave. */
int ipc_client_call(struct ipc_client *client, struct strbuf *request, int fd, int timeout_ms,
                    struct ipc_reply *reply);
/* Sends the `count` whole frames in `requests` together and hands over their answers, in whatever
 * order they come; `index` is the question's place. 0: all are answered. -1 with errno as above;
 * the connection is not made again for these. */
int ipc_client_call_many(struct ipc_client *client, struct strbuf *requests, uint32_t count,
                         int timeout_ms,
                         void (*answered)(void *arg, uint32_t index, const struct ipc_reply *reply),
                         void *arg);
/* The last answer goes, with the memory that it took: for who waits long until the next call. */
void ipc_client_release(struct ipc_client *client);
/* One frame without an answer, and the waiting for a frame that the server sends by itself. */
int ipc_client_send(struct ipc_client *client, struct strbuf *frame, int fd, int timeout_ms);
int ipc_client_receive(struct ipc_client *client, int timeout_ms, struct frame_header *header,
                       struct ipc_reply *message);

#endif
