/*
 * alertd/control.c - run/alert.sock: what the command line asks.
 *
 * Input: frames of root, or of the owner of a suite without root, by the kernel's word; nobody else
 * is let in.
 */
#include "alertd/control.h"

#include <err.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/ipc/alertd.h"
#include "lib/ipc/object.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum { PEERS_MAX = 32, TIME_MAX = 40 };

struct control {
    struct daemon *daemon;
    struct alerts *alerts;
    struct teller *teller;
    struct broadcasts *broadcasts;
    struct ipc_server *server;
    void (*changed)(void *arg);
    void *arg;
    uint64_t trial_peer; /* who waits for the trial's results */
    uint32_t trial_request;
};

struct question {
    uint64_t peer_id;
    uint32_t request_id;
    struct alertd_control control;
};

static void
reply(struct control *c, uint64_t peer_id, uint32_t request_id, const char *trouble,
      struct slice data)
{
    struct ipc_peer *peer = ipc_server_peer(c->server, peer_id);
    struct strbuf frame = strbuf_new(ALERTD_REPLY_MAX + FRAME_HEADER);
    const struct alertd_reply r = {
        .result = trouble != NULL, .text = slice_of(trouble), .data = data};

    if (peer != NULL && alertd_reply_encode(&frame, request_id, &r) == 0)
        ipc_peer_send(peer, &frame, -1);
    strbuf_free(&frame);
}

static void
answer(struct control *c, const struct question *q, const char *trouble, struct slice data)
{
    reply(c, q->peer_id, q->request_id, trouble, data);
}

/* ---- list ---- */

static void
add_row(void *arg, const struct alert_item *item, int64_t silenced_ms)
{
    struct strbuf since = strbuf_new(TIME_MAX), silenced = strbuf_new(TIME_MAX);

    (void)clock_rfc3339(item->since_ms, &since); /* both fit */
    if (silenced_ms != 0)
        (void)clock_rfc3339(silenced_ms, &silenced);
    object_add(arg,
               (const struct object_field[]){
                   {SLICE("name"), slice_of(item->name)},
                   {SLICE("kind"), slice_of(alert_kind_name(item->kind))},
                   {SLICE("since"), strbuf_slice(&since)},
                   {SLICE("silenced"), strbuf_slice(&silenced)},
                   {SLICE("text"), slice_of(item->text)},
               },
               5);
    strbuf_free(&since);
    strbuf_free(&silenced);
}

static void
run_list(struct control *c, const struct question *q)
{
    struct strbuf data = strbuf_new(ALERTD_DATA_MAX); /* ALERTS_MAX rows fit */

    alerts_each(c->alerts, clock_real_ms(), add_row, &data);
    answer(c, q, NULL, strbuf_slice(&data));
    strbuf_free(&data);
}

/* ---- test ---- */

static void
tried(void *arg, struct slice objects)
{
    struct control *c = arg;

    reply(c, c->trial_peer, c->trial_request, NULL, objects);
}

static void
run_test(struct control *c, const struct question *q)
{
    uint64_t peer = c->trial_peer;
    uint32_t request = c->trial_request;

    c->trial_peer = q->peer_id;
    c->trial_request = q->request_id;
    if (teller_try(c->teller, tried, c) == 0)
        return;
    c->trial_peer = peer;
    c->trial_request = request;
    answer(c, q, "messages are being sent: try again", SLICE(""));
}

/* ---- silence ---- */

static void
run_silence(struct control *c, const struct question *q)
{
    if (q->control.name.len == 0 ||
        !alerts_silence(c->alerts, q->control.name, q->control.time_ms, clock_real_ms())) {
        answer(c, q, "the name is too long, or too many names are silenced", SLICE(""));
        return;
    }
    log_event(LOG_INFO, q->control.time_ms == 0 ? "alert_heard" : "alert_silenced",
              KV_SLICE("name", q->control.name));
    c->changed(c->arg);
    answer(c, q, NULL, SLICE(""));
}

/* ---- broadcasts ---- */

static void
run_broadcasts(struct control *c, const struct question *q)
{
    struct strbuf data = strbuf_new(ALERTD_DATA_MAX);

    broadcasts_list(c->broadcasts, &data);
    answer(c, q, NULL, strbuf_slice(&data));
    strbuf_free(&data);
}

static int
take_broadcast(struct control *c, const struct question *q, struct slice payload)
{
    struct alertd_broadcast message;

    if (alertd_broadcast_decode(payload, &message) < 0)
        return -1;
    answer(c, q, broadcasts_add(c->broadcasts, &message), SLICE(""));
    return 0;
}

/* ---- the socket ---- */

static const struct {
    struct slice verb;
    void (*run)(struct control *c, const struct question *q);
} verbs[] = {
    {{"list", 4}, run_list},
    {{"test", 4}, run_test},
    {{"silence", 7}, run_silence},
    {{"broadcasts", 10}, run_broadcasts},
};

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct control *c = ipc_peer_data(peer);
    struct question q = {.peer_id = ipc_peer_id(peer), .request_id = header->request_id};

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    if (header->type == ALERTD_BROADCAST)
        return take_broadcast(c, &q, payload);
    if (header->type != ALERTD_CONTROL || alertd_control_decode(payload, &q.control) < 0)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (slice_eq(verbs[i].verb, q.control.verb)) {
            verbs[i].run(c, &q);
            return 0;
        }
    answer(c, &q, "unknown verb", SLICE(""));
    return 0;
}

static bool
is_owner(uid_t uid, void *data)
{
    const struct control *c = data;

    return !c->daemon->is_root && uid == getuid(); /* root is let in anyway */
}

struct control *
control_start(struct daemon *d, const struct control_parts *parts, void (*changed)(void *arg),
              void *arg)
{
    static const struct ipc_handlers handlers = {.payload_max = ALERTD_REQUEST_MAX,
                                                 .frame = peer_frame};
    struct control *c = xcalloc(1, sizeof(*c));
    int fd = daemon_listener(d, "control", 0);

    if (fd < 0)
        errx(EX_USAGE, "no socket from master: " ALERTD_SOCKET);
    *c = (struct control){.daemon = d,
                          .alerts = parts->alerts,
                          .teller = parts->teller,
                          .broadcasts = parts->broadcasts,
                          .changed = changed,
                          .arg = arg};
    c->server = ipc_server_new(d->loop, fd, &handlers, is_owner, PEERS_MAX, c);
    return c;
}

void
control_stop(struct control **controlp)
{
    if (*controlp == NULL)
        return;
    ipc_server_free(&(*controlp)->server);
    xfree(controlp);
}
