/*
 * posthorn/dial.c - connects to a server to see whether it is there.
 */
#include "posthorn/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#include "lib/base/io.h"

bool
dial_address(const char *ip, uint16_t port, struct dial_peer *peer)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&peer->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer->address;

    memset(peer, 0, sizeof(*peer));
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        peer->len = sizeof(*v4);
    } else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        peer->len = sizeof(*v6);
    }
    return peer->len > 0;
}

static int
wait_for(int fd, short events, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, timeout_ms);

    if (n == 0)
        errno = ETIMEDOUT;
    return n > 0 ? 0 : -1;
}

int
dial(const struct dial_peer *peer, int timeout_ms)
{
    int fd = socket(peer->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)&peer->address, peer->len);
    int error = 0;
    socklen_t len = sizeof(error);

    if (rc < 0 && fd >= 0 && errno == EINPROGRESS)
        rc = wait_for(fd, POLLOUT, timeout_ms);
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
        errno = error;
        rc = -1;
    }
    if (rc < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

ssize_t
dial_greeting(int fd, char *out, size_t room, int timeout_ms)
{
    ssize_t n = wait_for(fd, POLLIN, timeout_ms) < 0 ? -1 : recv(fd, out, room, 0);

    if (n == 0)
        errno = ECONNRESET;
    return n <= 0 ? -1 : n;
}
