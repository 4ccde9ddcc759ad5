/*
 * filterd/service.c - run/filterd.sock: smtpd's sessions come, ask, and go.
 *
 * Only smtpd's user may connect. A new generation of filterd takes the new sessions over; the old
 * one stays until its last session has ended.
 */
#include "filterd/service.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

#include "filterd/session.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

struct visit {
    struct service *service;
    struct ipc_peer *peer;
    struct session *session;
};

struct service {
    struct loop *loop;
    struct filters *filters;
    struct ipc_server *listener;
    uid_t smtp_uid;
    bool draining;
    struct visit nobody; /* the data of a peer that has not yet said anything */
};

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct visit *nobody = data;

    return uid == nobody->service->smtp_uid;
}

static void
answer(void *arg, struct strbuf *frame, int fd)
{
    struct visit *visit = arg;

    ipc_peer_send(visit->peer, frame, fd);
}

static struct visit *
visit_of(struct ipc_peer *peer)
{
    struct visit *visit = ipc_peer_data(peer), *made;
    struct service *service = visit->service;

    if (visit != &service->nobody)
        return visit;
    made = xcalloc(1, sizeof(*made));
    made->service = service;
    made->peer = peer;
    made->session = session_new(service->filters, answer, made);
    ipc_peer_set_data(peer, made);
    return made;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    return session_ask(visit_of(peer)->session, header, payload, fd);
}

static void
peer_closed(struct ipc_peer *peer)
{
    struct visit *visit = ipc_peer_data(peer);
    struct service *service = visit->service;

    if (visit != &service->nobody) {
        session_free(&visit->session);
        free(visit);
    }
    if (service->draining && ipc_server_peer_count(service->listener) == 0)
        loop_stop(service->loop);
}

static const struct ipc_handlers visit_handlers = {
    .payload_max = FILTERD_PAYLOAD_MAX,
    .frame = peer_frame,
    .closed = peer_closed,
};

/* SIGHUP: another filterd has the socket now. */
static void
hang_up(void *arg, int signo)
{
    struct service *service = arg;

    (void)signo;
    log_event(LOG_INFO, "draining", KV_U64("sessions", ipc_server_peer_count(service->listener)));
    service->draining = true;
    ipc_server_stop(service->listener);
    if (ipc_server_peer_count(service->listener) == 0)
        loop_stop(service->loop);
}

struct service *
service_listen(struct daemon *d, struct filters *filters)
{
    struct service *service = xcalloc(1, sizeof(*service));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " FILTERD_SOCKET);
    service->loop = d->loop;
    service->filters = filters;
    service->smtp_uid = daemon_role_uid(d, USERS_SMTP);
    service->nobody.service = service;
    service->listener =
        ipc_server_new(d->loop, fd, &visit_handlers, uid_allowed,
                       (unsigned)conf_u64(d->conf, FILTER_SESSIONS_MAX), &service->nobody);
    loop_on_signal(d->loop, SIGHUP, hang_up, service);
    return service;
}

void
service_close(struct service **servicep)
{
    if (*servicep == NULL)
        return;
    ipc_server_free(&(*servicep)->listener);
    xfree(servicep);
}
