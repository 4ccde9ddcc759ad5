/*
 * queue-manager/server.c - the socket run/queue.sock: who says what, and who may.
 *
 * Every frame is taken as if an attacker had sent it. What a peer may be goes by its uid.
 */
#include "queue-manager/server.h"

#include <stdlib.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/log/log.h"
#include "queue-manager/control.h"
#include "queue-manager/odmr.h"
#include "queue-manager/reply.h"
#include "queue-manager/schedule.h"

#define PEERS_MAX 256

/* What a connection is; all that have not said HELLO share the server's own. */
struct link {
    struct server *server;
    struct agent *agent; /* NULL: none, or not yet */
    /* A session's, which may fetch the mail of this user and do nothing else; or NULL. */
    char *customer, *client_ip;
};

struct incoming {
    uint32_t id;
    struct slice payload;
    int fd; /* -1: none; take_frame's */
};

struct server {
    struct queue *queue;
    struct server_uids uids;
    struct ipc_server *ipc;
    struct link stranger;
};

static bool
may_command(const struct server *s, const struct ipc_peer *peer)
{
    return ipc_peer_uid(peer) == 0 || ipc_peer_uid(peer) == s->uids.owner;
}

/* alertd looks after the queue and changes nothing. */
static bool
may_ask(const struct server *s, const struct ipc_peer *peer, const struct queue_control *req)
{
    return may_command(s, peer) ||
           (ipc_peer_uid(peer) == s->uids.alert && control_is_question(req));
}

static uid_t
uid_of(const struct server_uids *uids, uint8_t agent)
{
    if (agent == QUEUE_AGENT_ARCHIVE)
        return uids->archive;
    return agent == QUEUE_AGENT_LOCAL ? uids->local : uids->remote;
}

static int
take_hello(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct server *s = link->server;
    struct queue_hello hello;
    struct link *own;
    uid_t uid = ipc_peer_uid(peer);

    if (link->agent != NULL || link->customer != NULL ||
        queue_hello_decode(in->payload, &hello) < 0)
        return -1;
    if (uid != 0 && uid != uid_of(&s->uids, hello.agent))
        return -1;
    own = xcalloc(1, sizeof(*own));
    own->server = s;
    own->agent = agent_new(peer, &hello);
    ipc_peer_set_data(peer, own);
    schedule_agent_joined(s->queue->schedule, own->agent);
    return 0;
}

static int
take_result(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct queue_result result;
    int rc;

    (void)peer;
    if (link->agent == NULL || queue_result_decode(in->payload, &result) < 0)
        return -1;
    rc = schedule_result(link->server->queue->schedule, link->agent, &result);
    queue_result_free(&result);
    return rc;
}

/* Only a local agent's jobs have mailboxes that answer. */
static int
take_reply(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct queue_reply reply;

    (void)peer;
    if (link->agent == NULL || queue_reply_decode(in->payload, &reply) < 0)
        return -1;
    return reply_take(link->server->queue, link->agent, &reply);
}

static int
take_control(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct queue_control req;
    struct strbuf out;

    if (link->customer != NULL || queue_control_decode(in->payload, &req) < 0 ||
        !may_ask(link->server, peer, &req))
        return -1;
    out = strbuf_new(QUEUE_PAYLOAD_MAX + FRAME_HEADER);
    control_run(link->server->queue, &req, in->id, &out);
    ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    return 0;
}

/* ---- ATRN ---- */

static int
take_customer(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct server *s = link->server;
    struct queue_customer customer;
    struct link *own;

    if (link->agent != NULL || link->customer != NULL ||
        queue_customer_decode(in->payload, &customer) < 0)
        return -1;
    if (ipc_peer_uid(peer) != 0 && ipc_peer_uid(peer) != s->uids.auth)
        return -1;
    own = xcalloc(1, sizeof(*own));
    own->server = s;
    own->customer = xslicedup(customer.user);
    own->client_ip = xslicedup(customer.client_ip);
    ipc_peer_set_data(peer, own);
    return 0;
}

static int
take_fetch(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct odmr_request request = {slice_of(link->customer), slice_of(link->client_ip), {NULL, 0}};
    struct strbuf out = strbuf_new(QUEUE_TEXT_MAX);
    const char *text = "";
    unsigned code;

    if (link->customer == NULL || queue_fetch_decode(in->payload, &request.domains) < 0)
        return -1;
    code = schedule_fetch(link->server->queue->schedule, &request, in->fd, &text);
    assert_always(
        queue_fetch_reply_encode(&out, in->id,
                                 &(struct queue_fetch_reply){(uint16_t)code, slice_of(text)}) == 0);
    ipc_peer_send(peer, &out, -1);
    strbuf_free(&out);
    return 0;
}

static int
take_over(struct link *link, struct ipc_peer *peer, const struct incoming *in)
{
    struct queue_connection connection;

    (void)peer;
    if (link->agent == NULL || queue_connection_decode(in->payload, &connection) < 0)
        return -1;
    return schedule_connection_over(link->server->queue->schedule, link->agent, connection.number);
}

static const struct {
    uint16_t type;
    int (*take)(struct link *link, struct ipc_peer *peer, const struct incoming *in);
} frames[] = {
    {QUEUE_HELLO, take_hello},          {QUEUE_RESULT, take_result},     {QUEUE_REPLY, take_reply},
    {QUEUE_CONTROL, take_control},      {QUEUE_CUSTOMER, take_customer}, {QUEUE_FETCH, take_fetch},
    {QUEUE_CONNECTION_OVER, take_over},
};

static int
take_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    const struct incoming in = {header->request_id, payload, fd};
    int rc = -1;

    for (size_t i = 0; i < ARRAY_LEN(frames); i++)
        if (frames[i].type == header->type)
            rc = frames[i].take(ipc_peer_data(peer), peer, &in);
    close_keep_errno(fd); /* of a fetch its agent has a copy; nobody else has one to give us */
    return rc;
}

static void
peer_closed(struct ipc_peer *peer)
{
    struct link *link = ipc_peer_data(peer);

    if (link->agent == NULL && link->customer == NULL)
        return;
    if (link->agent != NULL) {
        link->agent->peer = NULL;
        schedule_agent_lost(link->server->queue->schedule);
    }
    xfree(&link->customer);
    xfree(&link->client_ip);
    xfree(&link);
}

static bool
allowed(uid_t uid, void *data)
{
    const struct server_uids *uids = &((struct link *)data)->server->uids;

    return uid == uids->local || uid == uids->remote || uid == uids->archive || uid == uids->auth ||
           uid == uids->alert || uid == uids->owner;
}

struct server *
server_new(struct queue *q, int listen_fd, const struct server_uids *uids)
{
    static const struct ipc_handlers handlers = {
        .payload_max = QUEUE_PAYLOAD_MAX, .frame = take_frame, .closed = peer_closed};
    struct server *s = xcalloc(1, sizeof(*s));

    s->queue = q;
    s->uids = *uids;
    s->stranger.server = s;
    s->ipc = ipc_server_new(q->loop, listen_fd, &handlers, allowed, PEERS_MAX, &s->stranger);
    return s;
}

void
server_free(struct server **sp)
{
    if (*sp == NULL)
        return;
    ipc_server_free(&(*sp)->ipc);
    xfree(sp);
}
