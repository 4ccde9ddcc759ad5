/*
 * lib/sys/pool_auth.c - the parent's connection to authd. Never blocks.
 */
#include "lib/sys/pool_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/blocked.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

#define WAITING_MAX 256
#define RETRY_MS 50
#define FRAME_MAX 1024

struct waiting {
    struct strbuf frame;
    int fd;
};

struct pool_auth {
    struct loop *loop;
    int run_dirfd;
    struct ipc_peer *peer; /* NULL: not connected */
    struct loop_timer *retry;
    struct waiting waiting[WAITING_MAX];
    size_t waiting_count;
    bool away_logged;
    struct blocked_set *blocked;
    void (*end)(void *arg, struct slice session_id);
    void *end_arg;
};

static int
take_blocked(struct pool_auth *auth, struct slice payload)
{
    struct blocked_item *items = xcalloc(BLOCKED_ITEMS_MAX, sizeof(*items));
    struct blocked_part part;
    int rc = -1;

    if (auth->blocked != NULL && blocked_decode(payload, &part, items) == 0 &&
        blocked_set_take(auth->blocked, &part, clock_real_ms()) != BLOCKED_REFUSED)
        rc = 0;
    free(items);
    return rc;
}

/* authd says which addresses are blocked, to who asked, and that a session that was given too much
 * has to end. */
static int
frame_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct pool_auth *auth = ipc_peer_data(peer);
    struct slice session_id;

    close_keep_errno(fd);
    if (header->type == AUTHD_BLOCKS)
        return take_blocked(auth, payload);
    if (header->type != AUTHD_END || authd_data_decode(payload, &session_id) < 0)
        return -1;
    auth->end(auth->end_arg, session_id);
    return 0;
}

static void
connection_closed(struct ipc_peer *peer)
{
    struct pool_auth *auth = ipc_peer_data(peer);

    auth->peer = NULL;
    if (auth->retry != NULL)
        loop_timer_set(auth->retry, RETRY_MS);
}

static const struct ipc_handlers handlers = {
    .payload_max = BLOCKED_PAYLOAD_MAX, .frame = frame_came, .closed = connection_closed};

/* With a peer. A failure to send closes it: there is none any more then, and what the frame was
 * about goes with it (a session sees its end). */
static void
pass_on(struct pool_auth *auth, struct strbuf *frame, int fd)
{
    ipc_peer_send(auth->peer, frame, fd); /* it keeps its own copy of fd */
    close_keep_errno(fd);
    strbuf_free(frame);
}

static void
follow_blocked(struct pool_auth *auth)
{
    struct strbuf frame = strbuf_new(FRAME_HEADER);
    struct writer w = frame_begin(&frame, AUTHD_FOLLOW_BLOCKS, 0);

    assert_always(frame_end(&w) == 0); /* it has no field */
    pass_on(auth, &frame, -1);
}

/* What the peer takes; the rest goes on waiting. */
static void
pass_on_waiting(struct pool_auth *auth)
{
    size_t done = 0;

    while (done < auth->waiting_count && auth->peer != NULL) {
        pass_on(auth, &auth->waiting[done].frame, auth->waiting[done].fd);
        done++;
    }
    auth->waiting_count -= done;
    memmove(auth->waiting, auth->waiting + done, auth->waiting_count * sizeof(auth->waiting[0]));
}

static void
connect_now(struct pool_auth *auth)
{
    int fd = ipc_socket_connect(auth->run_dirfd, AUTHD_SOCKET);

    if (fd < 0) {
        if (!auth->away_logged)
            log_event(LOG_WARN, "authd_away", KV_ERRNO());
        auth->away_logged = true;
        loop_timer_set(auth->retry, RETRY_MS);
        return;
    }
    auth->away_logged = false;
    auth->peer = ipc_peer_new(auth->loop, fd, &handlers, auth);
    pass_on_waiting(auth);
    if (auth->peer != NULL && auth->blocked != NULL)
        follow_blocked(auth);
}

static void
retry(void *arg)
{
    struct pool_auth *auth = arg;

    if (auth->peer == NULL)
        connect_now(auth);
}

struct pool_auth *
pool_auth_new(struct loop *loop, int run_dirfd, struct blocked_set *blocked,
              void (*end)(void *arg, struct slice session_id), void *arg)
{
    struct pool_auth *auth = xcalloc(1, sizeof(*auth));

    auth->loop = loop;
    auth->blocked = blocked;
    auth->end = end;
    auth->end_arg = arg;
    auth->run_dirfd = run_dirfd;
    auth->retry = loop_timer_new(loop, retry, auth);
    connect_now(auth);
    return auth;
}

void
pool_auth_free(struct pool_auth **authp)
{
    struct pool_auth *auth = *authp;

    if (auth == NULL)
        return;
    loop_timer_free(&auth->retry);
    if (auth->peer != NULL)
        ipc_peer_close(auth->peer);
    for (size_t i = 0; i < auth->waiting_count; i++) {
        strbuf_free(&auth->waiting[i].frame);
        close_keep_errno(auth->waiting[i].fd);
    }
    xfree(authp);
}

void
pool_auth_attach(struct pool_auth *auth, const struct authd_attach *attach, int fd)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);

    if (authd_attach_encode(&frame, attach) < 0 ||
        (auth->peer == NULL && auth->waiting_count == WAITING_MAX)) {
        close_keep_errno(fd);
        strbuf_free(&frame);
        return;
    }
    if (auth->peer != NULL) {
        pass_on(auth, &frame, fd);
        return;
    }
    auth->waiting[auth->waiting_count++] = (struct waiting){.frame = frame, .fd = fd};
}
