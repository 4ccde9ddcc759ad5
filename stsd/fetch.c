/*
 * stsd/fetch.c - one process that fetches one policy from the Internet.
 *
 * It is forked for one domain and ends with it. It can open no path; it asks dnsd for addresses,
 * talks to one server over HTTPS and writes to its pipe. What the server sends is parsed by nobody
 * here beyond HTTP; the parent takes it for as untrusted as it is.
 */
#include "stsd/fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"
#include "lib/log/log.h"
#include "lib/tls/https_get.h"

#define PATH "/.well-known/mta-sts.txt"
#define HOST_MAX (DNSD_NAME_MAX + 16)

enum { ADDRESSES_MAX = 4, CONNECT_MS = 5000 };

struct addresses {
    struct sockaddr_storage list[ADDRESSES_MAX];
    size_t count;
};

static void
look_up(struct ipc_client *dns, enum dns_rr rr, const char *host, const struct fetch_options *o,
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

/* NULL, or what went wrong. */
static const char *
fetch(const struct fetch_options *o, const char *domain, struct strbuf *body)
{
    struct ipc_client *dns = ipc_client_new(AT_FDCWD, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    int64_t deadline = clock_mono_ms() + FETCH_TIME_MS - CONNECT_MS;
    struct addresses found = {.count = 0};
    char host[HOST_MAX];
    int fd = -1;

    (void)snprintf(host, sizeof(host), "mta-sts.%s", domain); /* RFC 8461 section 3.2 */
    if (o->use_ipv4)
        look_up(dns, DNS_A, host, o, &found);
    if (o->use_ipv6)
        look_up(dns, DNS_AAAA, host, o, &found);
    ipc_client_free(&dns);
    if (found.count == 0)
        return "the policy host has no address";
    for (size_t i = 0; fd < 0 && i < found.count && clock_mono_ms() < deadline; i++)
        fd = connect_to(&found.list[i]);
    if (fd < 0)
        return "the policy host cannot be reached";
    return https_get(fd, o->authorities, host, PATH, deadline, body);
}

/* The connections of those who ask, and the directory, are no business of this process. */
static void
close_others(int pipe_fd, int log_fd)
{
    unsigned low = (unsigned)(pipe_fd < log_fd ? pipe_fd : log_fd);
    unsigned high = (unsigned)(pipe_fd < log_fd ? log_fd : pipe_fd);

    /* none of these can fail */
    if (low > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, low - 1, 0);
    if (high > low + 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, ~0U, 0);
}

static _Noreturn void
run_child(const struct fetch_options *o, const char *domain, int pipe_fd)
{
    struct strbuf reply = strbuf_new(FETCH_REPLY_MAX);
    const char *trouble;
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    sandbox_die_with_parent();
    log_forked();
    close_others(pipe_fd, o->daemon->log_fd);
    if (sandbox_enter(o->box) < 0)
        _exit(EXIT_FAILURE);
    (void)strbuf_char(&reply, '+');
    trouble = fetch(o, domain, &reply);
    if (trouble != NULL) {
        strbuf_clear(&reply);
        (void)strbuf_printf(&reply, "-%s", trouble);
    }
    _exit(write_all(pipe_fd, strbuf_slice(&reply)) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

int
fetch_start(const struct fetch_options *options, const char *domain, pid_t *pid)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    log_flush(); /* the child must not have unsent lines */
    *pid = fork();
    if (*pid == 0) {
        (void)close(ends[0]);
        run_child(options, domain, ends[1]);
    }
    close_keep_errno(ends[1]);
    if (*pid > 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return ends[0];
    close_keep_errno(ends[0]);
    return -1;
}
