/*
 * posthorn/dial.h - connects to a server to see whether it is there.
 */
#ifndef POSTHORN_POSTHORN_DIAL_H
#define POSTHORN_POSTHORN_DIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct dial_peer {
    struct sockaddr_storage address;
    socklen_t len;
};

bool dial_address(const char *ip, uint16_t port, struct dial_peer *peer); /* false: no address */
/* A connected socket that does not block, or -1 with errno. */
int dial(const struct dial_peer *peer, int timeout_ms);
/* What the server says first, as far as it comes in one piece; -1 with errno: nothing. */
ssize_t dial_greeting(int fd, char *out, size_t room, int timeout_ms);

#endif
