/*
 * posthorn/doctor_ports.c - every port of services.conf: does it answer, or could it be had?
 *
 * Connects to our own addresses only; what comes back is looked at for being there, nothing else.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/sys/port_holder.h"
#include "posthorn/dial.h"
#include "posthorn/doctor.h"

#define ANSWER_TIMEOUT_MS 3000

struct target {
    const char *service, *label, *bind;
    uint16_t port;
    struct dial_peer peer; /* to connect to: a wildcard's is loopback */
};

static bool
resolve(struct target *t, bool to_connect)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&t->peer.address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->peer.address;

    if (!dial_address(t->bind, t->port, &t->peer))
        return false;
    if (to_connect && v4->sin_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY))
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (to_connect && v6->sin6_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        v6->sin6_addr = in6addr_loopback;
    return true;
}

/* 0 if somebody accepts; with `greeting` also only if the server speaks first. */
static int
try_connect(const struct target *t, bool greeting)
{
    int fd = dial(&t->peer, ANSWER_TIMEOUT_MS);
    char byte;
    int rc = fd < 0 ? -1 : 0;

    if (rc == 0 && greeting && dial_greeting(fd, &byte, 1, ANSWER_TIMEOUT_MS) < 0)
        rc = -1;
    close_keep_errno(fd);
    return rc;
}

/* With TLS from the first byte (smtps, admin), and in other protocols, the client speaks first. */
static bool
greets(const char *label)
{
    static const char *const labels[] = {"smtp", "submission", "lmtp", "imap", "pop3"};

    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        if (strcmp(label, labels[i]) == 0)
            return true;
    return false;
}

static void
check_answer(struct doctor *d, struct target *t)
{
    bool greeting = greets(t->label);

    if (!resolve(t, true))
        return;
    if (try_connect(t, greeting) == 0)
        doctor_note(d, DOCTOR_OK, "ports", "%s answers on %s port %u", t->label, t->bind, t->port);
    else if (t->peer.address.ss_family == AF_INET6 && errno == EADDRNOTAVAIL)
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
    fd = socket(t->peer.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* bind tells if it matters */
    if (bind(fd, (const struct sockaddr *)&t->peer.address, t->peer.len) == 0) {
        doctor_note(d, DOCTOR_OK, "ports", "%s: %s port %u is free", t->label, t->bind, t->port);
    } else if (errno == EADDRINUSE) {
        if (!port_holder_find(t->port, &holder))
            (void)strbuf_str(&holder, "another process");
        doctor_note(d, DOCTOR_FAIL, "ports", "%s: %s port %u is in use by %s", t->label, t->bind,
                    t->port, strbuf_cstr(&holder));
    } else {
        doctor_note(d, t->peer.address.ss_family == AF_INET6 ? DOCTOR_WARN : DOCTOR_FAIL, "ports",
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
        struct target t = {row->name, listen->label, binds[i], (uint16_t)port, {{0}, 0}};

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
