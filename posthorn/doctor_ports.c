/*
 * posthorn/doctor_ports.c - every port of services.conf: does it answer, or could it be had?
 *
 * Connects to our own addresses only; what comes back is looked at for being there, nothing else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/sys/port_holder.h"
#include "posthorn/doctor.h"

#define ANSWER_TIMEOUT_MS 3000

struct target {
    const char *service, *label, *bind;
    uint16_t port;
    struct sockaddr_storage address; /* to connect to: a wildcard's is loopback */
    socklen_t len;
};

static bool
resolve(struct target *t, bool to_connect)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&t->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->address;

    memset(&t->address, 0, sizeof(t->address));
    if (inet_pton(AF_INET, t->bind, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(t->port);
        if (to_connect && v4->sin_addr.s_addr == htonl(INADDR_ANY))
            v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        t->len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, t->bind, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(t->port);
        if (to_connect && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
            v6->sin6_addr = in6addr_loopback;
        t->len = sizeof(*v6);
        return true;
    }
    return false;
}

static int
wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, ANSWER_TIMEOUT_MS);

    if (n == 0)
        errno = ETIMEDOUT;
    return n > 0 ? 0 : -1;
}

/* 0 if somebody accepts; with `greeting` also only if the server speaks first. */
static int
try_connect(const struct target *t, bool greeting)
{
    int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = -1, error = 0;
    socklen_t len = sizeof(error);
    char byte;

    if (fd < 0)
        return -1;
    rc = connect(fd, (const struct sockaddr *)&t->address, t->len);
    if (rc < 0 && errno == EINPROGRESS)
        rc = wait_for(fd, POLLOUT);
    if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error != 0) {
        errno = error;
        rc = -1;
    }
    if (rc == 0 && greeting) {
        rc = wait_for(fd, POLLIN);
        if (rc == 0 && recv(fd, &byte, 1, 0) != 1) {
            errno = ECONNRESET;
            rc = -1;
        }
    }
    close_keep_errno(fd);
    return rc;
}

static void
check_answer(struct doctor *d, struct target *t)
{
    /* With TLS from the first byte (smtps, imaps, pop3s), and in LDAP, the client speaks first. */
    bool greeting = !slice_ends(slice_of(t->label), SLICE("s")) && strcmp(t->label, "ldap") != 0;

    if (!resolve(t, true))
        return;
    if (try_connect(t, greeting) == 0)
        doctor_note(d, DOCTOR_OK, "ports", "%s answers on %s port %u", t->label, t->bind, t->port);
    else if (t->address.ss_family == AF_INET6 && errno == EADDRNOTAVAIL)
        doctor_note(d, DOCTOR_WARN, "ports", "%s: this host has no IPv6", t->label);
    else
        doctor_note(d, DOCTOR_FAIL, "ports", "%s does not answer on %s port %u: %s", t->label,
                    t->bind, t->port, strerror(errno));
}

static void
check_free(struct doctor *d, struct target *t)
{
    struct strbuf holder = strbuf_new(256);
    int fd, on = 1;

    if (!resolve(t, false))
        return;
    fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* bind tells if it matters */
    if (bind(fd, (const struct sockaddr *)&t->address, t->len) == 0) {
        doctor_note(d, DOCTOR_OK, "ports", "%s: %s port %u is free", t->label, t->bind, t->port);
    } else if (errno == EADDRINUSE) {
        if (!port_holder_find(t->port, &holder))
            (void)strbuf_str(&holder, "another process");
        doctor_note(d, DOCTOR_FAIL, "ports", "%s: %s port %u is in use by %s", t->label, t->bind,
                    t->port, strbuf_cstr(&holder));
    } else {
        doctor_note(d, t->address.ss_family == AF_INET6 ? DOCTOR_WARN : DOCTOR_FAIL, "ports",
                    "%s: %s port %u: %s", t->label, t->bind, t->port, strerror(errno));
    }
    close_keep_errno(fd);
    strbuf_free(&holder);
}

static void
check_listen(struct doctor *d, const struct service_row *row, const struct service_listen *listen)
{
    const char *binds[CONF_LIST_MAX];
    size_t count = service_binds(row, d->conf, binds, CONF_LIST_MAX);
    uint64_t port = listen->port + conf_u64(d->conf, SYSTEM_PORT_OFFSET);

    if (strcmp(listen->label, "smtp") == 0 && port != 25)
        doctor_note(d, DOCTOR_WARN, "ports",
                    "smtp is on port %llu: other mail servers will only look for 25",
                    (unsigned long long)port);
    for (size_t i = 0; i < count; i++) {
        struct target t = {row->name, listen->label, binds[i], (uint16_t)port, {0}, 0};

        if (d->running)
            check_answer(d, &t);
        else
            check_free(d, &t);
    }
}

void
doctor_ports(struct doctor *d)
{
    for (size_t i = 0; i < d->services->count; i++) {
        const struct service_row *row = &d->services->rows[i];

        for (size_t l = 0; row->automatic && l < row->listen_count; l++)
            check_listen(d, row, &row->listens[l]);
    }
}
