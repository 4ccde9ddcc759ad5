/*
 * keyd/service.c - run/keyd.sock: messages to sign in, signatures out.
 *
 * remote-deliver may ask for signatures; root and the suite's owner may have the keys read again.
 * What is no request closes the connection. An asker who has gone when the answer comes is
 * forgotten.
 */
#include "keyd/service.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum { PEERS_MAX = 2048 };

struct service {
    struct ipc_server *listener;
    struct signer *signer;
    struct keys *keys;
    uid_t owner, asking; /* who may reload, who may ask */
    _Atomic uint64_t *made, *no_key, *refused, *later;
};

struct request {
    struct service *service;
    uint64_t peer_id;
    uint32_t request_id;
};

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct service *service = data;

    return uid == service->asking || uid == service->owner;
}

static void
count(const struct service *service, uint8_t result)
{
    _Atomic uint64_t *counters[] = {[KEYD_DONE] = service->made,
                                    [KEYD_NO_KEY] = service->no_key,
                                    [KEYD_UNSIGNABLE] = service->refused,
                                    [KEYD_LATER] = service->later};

    stats_add(counters[result], 1);
}

static void
answered(void *arg, const struct keyd_signed *answer)
{
    struct request *request = arg;
    struct ipc_peer *peer = ipc_server_peer(request->service->listener, request->peer_id);
    struct strbuf frame = strbuf_new(KEYD_PAYLOAD_MAX + FRAME_HEADER);

    count(request->service, answer->result);
    if (peer != NULL && keyd_signed_encode(&frame, request->request_id, answer) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
    free(request);
}

static int
sign(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *service = ipc_peer_data(peer);
    struct request *request;
    struct keyd_sign wanted;

    if (fd < 0 || keyd_sign_decode(payload, &wanted) < 0)
        return -1;
    request = xcalloc(1, sizeof(*request));
    *request = (struct request){service, ipc_peer_id(peer), header->request_id};
    signer_sign(service->signer, &wanted, fd, answered, request);
    return 0;
}

static int
reload(struct ipc_peer *peer, const struct frame_header *header, struct slice payload)
{
    struct service *service = ipc_peer_data(peer);
    struct strbuf frame = strbuf_new(KEYD_PAYLOAD_MAX + FRAME_HEADER);
    struct strbuf errors = strbuf_new(KEYD_FIELDS_MAX);
    struct keyd_reloaded answer;

    if (payload.len > 0 || (ipc_peer_uid(peer) != 0 && ipc_peer_uid(peer) != service->owner))
        return -1;
    if (keys_load(service->keys, &errors) < 0)
        (void)strbuf_printf(&errors, DKIM_DIR ": %s\n", strerror(errno));
    answer = (struct keyd_reloaded){.domains = (uint32_t)keys_count(service->keys),
                                    .errors = strbuf_slice(&errors)};
    log_event(LOG_INFO, "keys_loaded", KV_U64("domains", answer.domains));
    if (keyd_reloaded_encode(&frame, header->request_id, &answer) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&errors);
    strbuf_free(&frame);
    return 0;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    int rc = -1;

    if (header->type == KEYD_SIGN)
        rc = sign(peer, header, payload, fd);
    else if (header->type == KEYD_RELOAD && fd < 0)
        rc = reload(peer, header, payload);
    close_keep_errno(fd);
    return rc;
}

static const struct ipc_handlers peer_handlers = {
    .payload_max = KEYD_PAYLOAD_MAX,
    .frame = peer_frame,
};

struct service *
service_listen(const struct daemon *d, struct signer *signer, struct keys *keys)
{
    struct service *service = xcalloc(1, sizeof(*service));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " KEYD_SOCKET);
    service->owner = getuid();
    service->asking = daemon_role_uid(d, USERS_OUT);
    service->signer = signer;
    service->keys = keys;
    service->made = stats_counter(d->stats, "messages_signed");
    service->no_key = stats_counter(d->stats, "messages_without_key");
    service->refused = stats_counter(d->stats, "messages_unsignable");
    service->later = stats_counter(d->stats, "signatures_failed");
    service->listener =
        ipc_server_new(d->loop, fd, &peer_handlers, uid_allowed, PEERS_MAX, service);
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
