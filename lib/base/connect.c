/*
 * lib/base/connect.c - connecting, and exact reads and writes, with a deadline for the whole step.
 */
#include "lib/base/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"

static int
wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;

    do {
        int64_t left = deadline - clock_mono_ms();

        n = poll(&p, 1, left < 0 ? 0 : (int)(left > INT32_MAX ? INT32_MAX : left));
    } while (n < 0 && errno == EINTR);
    if (n == 0)
        errno = ETIMEDOUT;
    return n <= 0 ? -1 : 0;
}

int
connect_until(int fd, const struct sockaddr_storage *address, socklen_t len, int64_t deadline)
{
    socklen_t error_len = sizeof(int);
    int error = 0;

    if (connect(fd, (const struct sockaddr *)address, len) == 0)
        return 0;
    if (errno != EINPROGRESS || wait_for(fd, POLLOUT, deadline) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) < 0)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

int
write_until(int fd, struct slice data, int64_t deadline)
{
    while (data.len > 0) {
        ssize_t n = send(fd, data.ptr, data.len, MSG_NOSIGNAL);

        if (n >= 0)
            data = slice_sub(data, (size_t)n, data.len);
        else if (errno != EINTR && (errno != EAGAIN || wait_for(fd, POLLOUT, deadline) < 0))
            return -1;
    }
    return 0;
}

int
read_until(int fd, void *buf, size_t len, int64_t deadline)
{
    char *to = buf;

    while (len > 0) {
        ssize_t n = read(fd, to, len);

        if (n > 0) {
            to += n;
            len -= (size_t)n;
            continue;
        }
        if (n == 0)
            errno = EPIPE;
        if (n == 0 || (errno != EINTR && (errno != EAGAIN || wait_for(fd, POLLIN, deadline) < 0)))
            return -1;
    }
    return 0;
}

int
make_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}
