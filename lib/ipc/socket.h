/*
 * lib/ipc/socket.h - Unix-domain stream sockets below a directory, and whole frames over them.
 *
 * A socket is named relative to a directory descriptor, so that it can be reached from a process
 * that may not resolve the path to it (below /root, after a change of user). That goes through
 * /proc/self/fd, hence not after a chroot.
 *
 * Frames are read header first, then exactly the payload: a descriptor that arrives belongs to the
 * frame whose header came with it, with no room for doubt.
 */
#ifndef POSTHORN_LIB_IPC_SOCKET_H
#define POSTHORN_LIB_IPC_SOCKET_H

#include <sys/types.h>
#include <sys/un.h>

#include "lib/base/strbuf.h"
#include "lib/ipc/frame.h"

/* Fills in the address of socket `name` below `dirfd`, or for AT_FDCWD in the current directory. 0,
 * or -1 with errno ENAMETOOLONG. */
int ipc_socket_address(int dirfd, const char *name, struct sockaddr_un *out);
/* A connected non-blocking stream socket. -1 with errno; EAGAIN: the server's backlog is full. */
int ipc_socket_connect(int dirfd, const char *name);
/* A datagram socket that is connected to `name` and has an address of its own, for the answers. It
 * takes datagrams from there alone. -1 with errno. */
int ipc_socket_connect_datagram(int dirfd, const char *name);
/* Who is at the other end (SO_PEERCRED, as of connect). 0, or -1 with errno. */
int ipc_socket_peer(int fd, uid_t *uid, pid_t *pid);
/* One send of the beginning of `data`, with `pass_fd` (-1: none) on its first byte; never blocks,
 * never raises SIGPIPE. Bytes sent, or -1 with errno. */
ssize_t ipc_socket_send(int fd, struct slice data, int pass_fd);

/* Reads what is there into `to`, never blocks; a SOCK_SEQPACKET gives one packet, cut to `len`.
 * *passed gets the descriptor that came along, or -1. Bytes, 0 at the end, -1 with errno: EPROTO
 * for more than one descriptor. */
ssize_t ipc_socket_receive(int fd, void *to, size_t len, int *passed);

/* A frame that is being received. */
struct ipc_inbox {
    uint32_t payload_max;
    char head[FRAME_HEADER];
    size_t head_len;
    struct frame_header header;
    struct strbuf payload;
    int fd; /* came with the frame; -1: none. Who takes it sets it to -1. */
};

enum ipc_inbox_status {
    IPC_INBOX_FRAME, /* header, payload and fd are there until the next call */
    IPC_INBOX_WAIT,  /* not yet whole */
    IPC_INBOX_END,   /* the peer has closed, between two frames */
    IPC_INBOX_BAD    /* errno: EPROTO for what breaks the rules, or the socket's error */
};

struct ipc_inbox ipc_inbox_new(uint32_t payload_max);
void ipc_inbox_free(struct ipc_inbox *inbox); /* closes a descriptor that nobody took */
/* Reads what is there without waiting, at most to the end of one frame. */
enum ipc_inbox_status ipc_inbox_read(struct ipc_inbox *inbox, int fd);

#endif
