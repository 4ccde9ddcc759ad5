/*
 * authd/customer.c - ATRN (RFC 2645): a connection to queue-manager on which authd has said whose
 * it is, handed to the session.
 *
 * Input:  frames of a session that may be in an attacker's hands. Who asks is said here, by the
 *         login that was proved on this channel, and never by the session.
 */
#include "authd/customer.h"

#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/queue_manager.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

enum { FRAME_MAX = 4096 };

/* A new socket takes so little at once. -1: queue-manager is away, or too much waits for it. */
static int
introduce(const struct session *s)
{
    const struct queue_customer customer = {slice_of(s->user), slice_of(s->client_ip)};
    struct strbuf frame = strbuf_new(FRAME_MAX);
    int fd = ipc_socket_connect(s->server->run_dirfd, QUEUE_SOCKET);

    assert_always(queue_customer_encode(&frame, &customer) == 0);
    if (fd >= 0 && ipc_socket_send(fd, strbuf_slice(&frame), -1) != (ssize_t)frame.len) {
        close_keep_errno(fd);
        fd = -1;
    }
    if (fd < 0)
        log_event(LOG_WARN, "queue_manager_away", KV_STR("user", s->user), KV_ERRNO());
    strbuf_free(&frame);
    return fd;
}

int
customer_ask(struct session *s, struct slice payload)
{
    struct strbuf frame;
    struct slice nothing;
    int fd;

    if (s->state != SESSION_IDLE || s->service != SERVICE_SMTP || s->user == NULL ||
        authd_data_decode(payload, &nothing) < 0 || nothing.len > 0)
        return -1;
    frame = strbuf_new(FRAME_MAX);
    assert_always(authd_data_encode(&frame, AUTHD_CUSTOMER_REPLY, s->request_id, SLICE("")) == 0);
    fd = introduce(s);
    ipc_peer_send(s->peer, &frame, fd);
    close_keep_errno(fd);
    strbuf_free(&frame);
    return 0;
}
