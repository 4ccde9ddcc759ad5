/*
 * filterd/endpoint.c - from the configuration's words to a socket.
 */
#include "filterd/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

static void
look_up(struct endpoint *endpoint, const struct filter_spec *spec)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *host = xslicedup(spec->host), *port = xslicedup(spec->port);
    int rc = getaddrinfo(host, port, &hints, &found);

    if (rc == 0) {
        memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
        endpoint->len = found->ai_addrlen;
        freeaddrinfo(found);
    } else {
        log_event(LOG_ERROR, "filter_unknown_host", KV_STR("filter", endpoint->name),
                  KV_STR("reason", gai_strerror(rc)));
    }
    xfree(&host);
    xfree(&port);
}

static void
set_path(struct endpoint *endpoint, struct slice path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    assert_always(path.len < sizeof(address.sun_path)); /* filter_spec_parse has looked */
    memcpy(address.sun_path, path.ptr, path.len);
    memcpy(&endpoint->address, &address, sizeof(address));
    endpoint->len = sizeof(address);
}

void
endpoint_open(struct endpoint *endpoint, const struct filter_spec *spec)
{
    *endpoint = (struct endpoint){
        .connect_ms = spec->connect_ms,
        .command_ms = spec->command_ms,
        .content_ms = spec->content_ms,
        .action = (enum filter_default)spec->action,
        .whom = spec->whom,
        .at = spec->at,
    };
    (void)snprintf(endpoint->name, sizeof(endpoint->name), "%.*s", (int)spec->name.len,
                   spec->name.ptr); /* cut if it is long */
    if (spec->path.len > 0)
        set_path(endpoint, spec->path);
    else
        look_up(endpoint, spec);
}

int
endpoint_connect(const struct endpoint *endpoint)
{
    int fd;

    if (endpoint->len == 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    fd = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (endpoint->address.ss_family != AF_UNIX) /* a Unix socket has no such option */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, (const struct sockaddr *)&endpoint->address, endpoint->len) == 0 ||
        errno == EINPROGRESS)
        return fd;
    close_keep_errno(fd);
    return -1;
}
