/*
 * authd/attach.c - run/authd.sock: the protocol daemons' parents hand over their sessions'
 * channels.
 *
 * A parent reads no byte from the network, so it is believed what service it is and where the
 * client is; its uid decides which services it may speak for. A session process, which may be in an
 * attacker's hands, has the uid of its parent but no way to this socket: it can't connect.
 */
#include "authd/attach.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "authd/guard.h"
#include "authd/session.h"
#include "authd/watch.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"

enum {
    PARENTS_MAX = 64,
    END_FRAME_MAX = 256,
    WHO_FRAME_MAX = 2048
}; /* three daemons, some generations of each while reloading */

struct attach_server {
    struct server *server;
    struct ipc_server *listener;
    uid_t smtp_uid, mail_uid, admin_uid, ldap_uid;
};

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct attach_server *attach = data;

    return uid == attach->smtp_uid || uid == attach->mail_uid || uid == attach->admin_uid ||
           uid == attach->ldap_uid;
}

static bool
may_attach(const struct attach_server *attach, uid_t uid, struct slice service)
{
    if (uid == 0)
        return true;
    if (slice_eq(service, SLICE("admin")))
        return uid == attach->admin_uid;
    if (slice_eq(service, SLICE("smtp")))
        return uid == attach->smtp_uid;
    return uid == (slice_eq(service, SLICE("ldap")) ? attach->ldap_uid : attach->mail_uid);
}

static int
answer_who(const struct attach_server *attach, struct ipc_peer *peer,
           const struct frame_header *header, struct slice payload)
{
    struct strbuf reply = strbuf_new(WHO_FRAME_MAX);
    struct slice session_id;
    int rc = -1;

    if ((ipc_peer_uid(peer) == attach->ldap_uid || ipc_peer_uid(peer) == 0) &&
        authd_data_decode(payload, &session_id) == 0)
        rc = authd_data_encode(&reply, AUTHD_WHO_REPLY, header->request_id,
                               slice_of(watch_who(attach->server, session_id)));
    if (rc == 0)
        ipc_peer_send(peer, &reply, -1);
    strbuf_free(&reply);
    return rc;
}

static int
parent_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct attach_server *attach = ipc_peer_data(peer);
    struct authd_attach request;

    if (fd < 0 && header->type == AUTHD_WHO && answer_who(attach, peer, header, payload) == 0)
        return 0;
    if (fd >= 0 && header->type == AUTHD_ATTACH && authd_attach_decode(payload, &request) == 0 &&
        may_attach(attach, ipc_peer_uid(peer), request.service)) {
        (void)session_attach(attach->server, ipc_peer_id(peer), &request,
                             fd); /* a refused session sees its end */
        return 0;
    }
    if (fd < 0 && header->type == AUTHD_FOLLOW_BLOCKS && payload.len == 0) {
        guard_follow(attach->server->guard, ipc_peer_id(peer));
        return 0;
    }
    log_event(LOG_WARN, "attach_damaged", KV_U64("uid", ipc_peer_uid(peer)));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static void
parent_gone(struct ipc_peer *peer)
{
    struct attach_server *attach = ipc_peer_data(peer);
    struct server *server = attach->server;

    if (!server->draining || attach->listener == NULL)
        return;
    server->parents = ipc_server_peer_count(attach->listener);
    if (server_is_drained(server))
        loop_stop(server->loop);
}

static const struct ipc_handlers parent_handlers = {
    .payload_max = AUTHD_REQUEST_MAX,
    .frame = parent_frame,
    .closed = parent_gone,
};

bool
attach_is_there(const struct attach_server *attach, uint64_t parent_id)
{
    return attach->listener != NULL && ipc_server_peer(attach->listener, parent_id) != NULL;
}

bool
attach_send(struct attach_server *attach, uint64_t parent_id, struct strbuf *frame)
{
    struct ipc_peer *parent =
        attach->listener == NULL ? NULL : ipc_server_peer(attach->listener, parent_id);

    if (parent != NULL)
        ipc_peer_send(parent, frame, -1);
    return parent != NULL;
}

void
attach_end_session(struct attach_server *attach, uint64_t parent_id, const char *session_id)
{
    struct strbuf frame = strbuf_new(END_FRAME_MAX);

    if (authd_data_encode(&frame, AUTHD_END, 0, slice_of(session_id)) == 0)
        (void)attach_send(attach, parent_id, &frame); /* without it a session ends by itself */
    strbuf_free(&frame);
}

struct attach_server *
attach_listen(struct server *server, const struct daemon *d)
{
    struct attach_server *attach = xcalloc(1, sizeof(*attach));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " AUTHD_SOCKET);
    attach->server = server;
    server->attach = attach;
    attach->smtp_uid = daemon_role_uid(d, USERS_SMTP);
    attach->mail_uid = daemon_role_uid(d, USERS_MAIL);
    attach->admin_uid = daemon_role_uid(d, USERS_ADMIN);
    attach->ldap_uid = daemon_role_uid(d, USERS_LDAP);
    attach->listener =
        ipc_server_new(d->loop, fd, &parent_handlers, uid_allowed, PARENTS_MAX, attach);
    return attach;
}

void
attach_drain(struct attach_server *attach)
{
    ipc_server_drain(attach->listener);
    attach->server->parents = ipc_server_peer_count(attach->listener);
}

void
attach_close(struct attach_server **attachp)
{
    if (*attachp == NULL)
        return;
    ipc_server_free(&(*attachp)->listener);
    xfree(attachp);
}
