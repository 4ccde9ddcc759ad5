/*
 * lib/remote/dial.c - looks up a host's addresses and connects to one of them.
 *
 * Input: dnsd's answers, which strangers have written.
 */
#include "lib/remote/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/client.h"

enum { ADDRESSES_MAX = 4, CONNECT_MS = 5000 };

struct addresses {
    struct sockaddr_storage list[ADDRESSES_MAX];
    size_t count;
};

static void
look_up(struct ipc_client *dns, enum dns_rr rr, const char *host, const struct dial_options *o,
        struct addresses *found)
{
    struct dnsd_answer answer;

    dnsd_call(dns, (uint16_t)rr, slice_of(host), CONNECT_MS, &answer);
    for (uint32_t i = 0; i < answer.count && found->count < ADDRESSES_MAX; i++) {
        struct sockaddr_storage *a = &found->list[found->count];
        struct sockaddr_in *v4 = (struct sockaddr_in *)a;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;
        struct slice data = answer.records[i].data;

        if (rr == DNS_A && data.len == sizeof(v4->sin_addr)) {
            *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(o->port)};
            memcpy(&v4->sin_addr, data.ptr, data.len);
        } else if (rr == DNS_AAAA && data.len == sizeof(v6->sin6_addr)) {
            *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(o->port)};
            memcpy(&v6->sin6_addr, data.ptr, data.len);
        } else {
            continue;
        }
        found->count++;
    }
}

/* A connected blocking socket, or -1 with errno. */
static int
connect_to(const struct sockaddr_storage *address)
{
    socklen_t len =
        address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int error = 0, flags;

    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)address, len) < 0) {
        if (errno != EINPROGRESS)
            goto fail;
        errno = ETIMEDOUT;
        if (poll(&p, 1, CONNECT_MS) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
            goto fail;
        errno = error;
        if (error != 0)
            goto fail;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
        return fd;
fail:
    close_keep_errno(fd);
    return -1;
}

/* An address in place of a name. */
static bool
is_address(const char *host, uint16_t port, struct addresses *found)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        memcpy(&found->list[0], &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
        memcpy(&found->list[0], &v6, sizeof(v6));
    else
        return false;
    found->count = 1;
    return true;
}

int
dial_host(const struct dial_options *o, struct ipc_client *dns, const char *host,
          int64_t deadline_mono_ms, const char **trouble)
{
    struct addresses found = {.count = 0};
    bool known = o->may_be_address && is_address(host, o->port, &found);
    int fd = -1;

    if (!known && o->use_ipv4)
        look_up(dns, DNS_A, host, o, &found);
    if (!known && o->use_ipv6)
        look_up(dns, DNS_AAAA, host, o, &found);
    for (size_t i = 0; fd < 0 && i < found.count && clock_mono_ms() < deadline_mono_ms; i++)
        fd = connect_to(&found.list[i]);
    if (fd < 0)
        *trouble = found.count == 0 ? "the host has no address" : "the host cannot be reached";
    return fd;
}
