/*
 * dnsd/service.c - run/dnsd.sock: questions of our programs in, answers out.
 *
 * Any of the suite's users may ask; what is no question closes the connection. An asker who has
 * gone when the answer comes is forgotten.
 */
#include "dnsd/service.h"

#include <err.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum { PEERS_MAX = 4096 };

static const enum conf_id asking_roles[] = {USERS_SMTP,  USERS_MAIL, USERS_ACCOUNT, USERS_AUTH,
                                            USERS_QUEUE, USERS_OUT,  USERS_FILTER,  USERS_ACME};

struct service {
    struct ipc_server *listener;
    struct questions *questions;
    uid_t asking_uids[ARRAY_LEN(asking_roles)];
    _Atomic uint64_t *asked, *temporary, *bogus;
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

    for (size_t i = 0; i < ARRAY_LEN(asking_roles); i++)
        if (uid == service->asking_uids[i])
            return true;
    return false;
}

static void
answered(void *arg, const struct dnsd_answer *answer)
{
    struct request *request = arg;
    struct service *service = request->service;
    struct ipc_peer *peer = ipc_server_peer(service->listener, request->peer_id);
    struct strbuf frame = strbuf_new(DNSD_PAYLOAD_MAX + FRAME_HEADER);

    if (answer->status == DNS_TEMPORARY)
        stats_add(service->temporary, 1);
    if (answer->bogus)
        stats_add(service->bogus, 1);
    if (peer != NULL) {
        if (dnsd_answer_encode(&frame, request->request_id, answer) == 0)
            ipc_peer_send(peer, &frame, -1);
        else
            log_event(LOG_ERROR, "dns_answer_too_long", KV_U64("count", answer->count));
    }
    strbuf_free(&frame);
    free(request);
}

static bool
type_known(uint16_t rr)
{
    static const uint16_t known[] = {DNS_A,   DNS_AAAA, DNS_MX,   DNS_PTR,
                                     DNS_TXT, DNS_SRV,  DNS_TLSA, DNS_CNAME};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (rr == known[i])
            return true;
    return false;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct service *service = ipc_peer_data(peer);
    struct dnsd_query query;
    struct request *request;

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    if (header->type != DNSD_QUERY || dnsd_query_decode(payload, &query) < 0 ||
        !type_known(query.rr))
        return -1;
    request = xcalloc(1, sizeof(*request));
    request->service = service;
    request->peer_id = ipc_peer_id(peer);
    request->request_id = header->request_id;
    stats_add(service->asked, 1);
    question_ask(service->questions, query.rr, query.name, answered, request);
    return 0;
}

static const struct ipc_handlers peer_handlers = {
    .payload_max = DNSD_PAYLOAD_MAX,
    .frame = peer_frame,
};

struct service *
service_listen(const struct daemon *d, struct questions *questions)
{
    struct service *service = xcalloc(1, sizeof(*service));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " DNSD_SOCKET);
    for (size_t i = 0; i < ARRAY_LEN(asking_roles); i++)
        service->asking_uids[i] = daemon_role_uid_or_none(d, asking_roles[i]);
    service->questions = questions;
    service->asked = stats_counter(d->stats, "dns_questions");
    service->temporary = stats_counter(d->stats, "dns_temporary");
    service->bogus = stats_counter(d->stats, "dns_bogus");
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
