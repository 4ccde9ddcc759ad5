/*
 * figured/window.c - answers metricsd's sessions.
 *
 * A session may have been taken over: its question has no field, and a text is made at most once a
 * second, however many ask.
 */
#include "figured/window.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/figures/exposition.h"
#include "lib/ipc/figured.h"
#include "lib/ipc/peer.h"
#include "lib/log/log.h"

enum { PEERS_MAX = 1024, TEXT_AGE_MS = 1000 };

struct window {
    struct ipc_server *server;
    int stats_fd;
    uid_t asking_uid;
    struct strbuf text;
    int64_t text_until_ms; /* monotonic */
    _Atomic uint64_t *requests;
};

static bool
uid_allowed(uid_t uid, void *data)
{
    const struct window *window = data;

    return uid == window->asking_uid;
}

static void
make_text(struct window *window)
{
    int64_t now = clock_mono_ms();

    if (now < window->text_until_ms)
        return;
    strbuf_clear(&window->text);
    if (exposition_write(window->stats_fd, NULL, clock_real_ms(), &window->text, NULL, NULL) < 0)
        log_event(LOG_ERROR, "counters_unreadable", KV_ERRNO());
    window->text_until_ms = now + TEXT_AGE_MS;
}

static int
peer_frame(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct window *window = ipc_peer_data(peer);
    struct strbuf frame;

    if (fd >= 0) {
        (void)close(fd);
        return -1;
    }
    if (header->type != FIGURED_METRICS || figured_metrics_decode(payload) < 0)
        return -1;
    stats_add(window->requests, 1);
    make_text(window);
    frame = strbuf_new(FIGURED_PAYLOAD_MAX);
    if (figured_text_encode(&frame, header->request_id, strbuf_slice(&window->text)) == 0)
        ipc_peer_send(peer, &frame, -1); /* always: the text's ceiling is below the frame's */
    strbuf_free(&frame);
    return 0;
}

static const struct ipc_handlers handlers = {
    .payload_max = FIGURED_QUESTION_MAX,
    .frame = peer_frame,
};

struct window *
window_open(struct daemon *d, int stats_fd)
{
    int fd = daemon_listener(d, "control", 0);
    struct window *window;

    if (fd < 0)
        return NULL;
    window = xcalloc(1, sizeof(*window));
    *window = (struct window){.stats_fd = stats_fd,
                              .text = strbuf_new(EXPOSITION_MAX),
                              .requests = stats_counter(d->stats, "requests")};
    window->asking_uid = daemon_role_uid(d, USERS_METRICS);
    window->server = ipc_server_new(d->loop, fd, &handlers, uid_allowed, PEERS_MAX, window);
    return window;
}

void
window_close(struct window **windowp)
{
    if (*windowp == NULL)
        return;
    ipc_server_free(&(*windowp)->server);
    strbuf_free(&(*windowp)->text);
    xfree(windowp);
}
