/*
 * lib/ipc/peer.c - one connection inside the event loop, and the server that accepts them.
 *
 * Input: frames from another process of ours, taken as hostile: what breaks the rules closes the
 * connection and nothing else. A closed peer stays allocated to the end of the loop's turn, so that
 * callbacks may close any peer at any time.
 */
#include "lib/ipc/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

#define OUTPUT_MAX ((size_t)2 * FRAME_PAYLOAD_MAX) /* bytes that may wait for a slow peer */
#define OUTPUT_FDS_MAX 512                         /* descriptors that may wait */
#define OUTPUT_KEEP 16384  /* a larger buffer is given back when it is empty */
#define FRAMES_PER_TURN 64 /* from one peer, before the others get their turn */
#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_MS 100 /* after EMFILE and the like */
#define TABLE_SIZE 256
#define REFUSALS_LOGGED 10 /* in a second */

struct passed_fd {
    size_t offset; /* of its frame, from the start of the output buffer */
    int fd;
};

struct ipc_peer {
    uint64_t id;
    int fd;
    uid_t uid;
    pid_t pid;
    bool closed;
    const struct ipc_handlers *handlers;
    void *data;
    struct loop *loop;
    struct loop_fd *watch;
    struct loop_task *later; /* writes; frees after close */
    struct ipc_inbox inbox;
    struct strbuf out;
    size_t sent; /* of out */
    struct passed_fd *fds;
    size_t fd_count;
    struct ipc_server *server; /* NULL: none */
    struct ipc_peer *table_next, **table_prev;
};

struct ipc_server {
    struct loop *loop;
    int listen_fd;
    struct loop_fd *watch;
    struct loop_timer *pause;
    const struct ipc_handlers *handlers;
    bool (*allowed)(uid_t uid, void *data);
    unsigned peers_max, peer_count;
    bool stopped;
    int64_t refusals_since_ms; /* mono */
    unsigned refusals;         /* since then */
    void *data;
    struct ipc_peer *table[TABLE_SIZE];
};

static uint64_t last_peer_id;

static void server_lost_peer(struct ipc_server *server);

static void
drop_output(struct ipc_peer *peer)
{
    for (size_t i = 0; i < peer->fd_count; i++)
        close_keep_errno(peer->fds[i].fd);
    xfree(&peer->fds);
    peer->fd_count = 0;
    strbuf_free(&peer->out);
    peer->sent = 0;
}

/* How far one send may go: to the next frame that has a descriptor of its own. */
static struct slice
next_piece(const struct ipc_peer *peer, int *pass_fd)
{
    size_t to = peer->out.len, next = 0;

    *pass_fd = -1;
    if (peer->fd_count > 0 && peer->fds[0].offset == peer->sent) {
        *pass_fd = peer->fds[0].fd;
        next = 1;
    }
    if (peer->fd_count > next)
        to = peer->fds[next].offset;
    return slice_sub(strbuf_slice(&peer->out), peer->sent, to);
}

static void
forget_first_fd(struct ipc_peer *peer)
{
    close_keep_errno(peer->fds[0].fd);
    peer->fd_count--;
    memmove(peer->fds, peer->fds + 1, peer->fd_count * sizeof(peer->fds[0]));
}

static void
output_done(struct ipc_peer *peer)
{
    peer->sent = 0;
    if (peer->out.cap > OUTPUT_KEEP)
        strbuf_free(&peer->out);
    strbuf_clear(&peer->out);
}

/* 0: written, or the rest waits for the socket; -1: the connection is broken. */
static int
write_output(struct ipc_peer *peer)
{
    while (peer->sent < peer->out.len) {
        int pass_fd;
        struct slice piece = next_piece(peer, &pass_fd);
        ssize_t n = ipc_socket_send(peer->fd, piece, pass_fd);

        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        if (pass_fd >= 0)
            forget_first_fd(peer);
        peer->sent += (size_t)n;
    }
    output_done(peer);
    return 0;
}

static void
free_peer(struct ipc_peer *peer)
{
    loop_task_free(&peer->later);
    ipc_inbox_free(&peer->inbox);
    drop_output(peer);
    free(peer);
}

static void
run_later(void *arg)
{
    struct ipc_peer *peer = arg;

    if (peer->closed) {
        free_peer(peer);
        return;
    }
    if (write_output(peer) < 0) {
        ipc_peer_close(peer);
        return;
    }
    loop_fd_want(peer->watch, LOOP_READ | (peer->out.len > 0 ? LOOP_WRITE : 0u));
}

void
ipc_peer_close(struct ipc_peer *peer)
{
    if (peer->closed)
        return;
    (void)write_output(peer); /* a last reply leaves if there is room for it */
    peer->closed = true;
    loop_fd_free(&peer->watch);
    close_keep_errno(peer->fd);
    peer->fd = -1;
    if (peer->server != NULL) {
        *peer->table_prev = peer->table_next;
        if (peer->table_next != NULL)
            peer->table_next->table_prev = peer->table_prev;
        server_lost_peer(peer->server);
        peer->server = NULL;
    }
    if (peer->handlers->closed != NULL)
        peer->handlers->closed(peer);
    loop_task_schedule(peer->later);
}

/* Hands over one frame. False: the peer is closed now. */
static bool
handle_frame(struct ipc_peer *peer)
{
    int fd = peer->inbox.fd;

    peer->inbox.fd = -1; /* the callee's */
    if (peer->handlers->frame(peer, &peer->inbox.header, strbuf_slice(&peer->inbox.payload), fd) <
        0)
        ipc_peer_close(peer);
    return !peer->closed;
}

static void
read_frames(struct ipc_peer *peer)
{
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        switch (ipc_inbox_read(&peer->inbox, peer->fd)) {
        case IPC_INBOX_FRAME:
            if (!handle_frame(peer))
                return;
            break;
        case IPC_INBOX_WAIT:
            return;
        case IPC_INBOX_BAD:
            if (errno == EPROTO)
                log_event(LOG_WARN, "ipc_bad_frame", KV_U64("peer_pid", peer->pid),
                          KV_U64("peer_uid", peer->uid));
            ipc_peer_close(peer);
            return;
        case IPC_INBOX_END:
            ipc_peer_close(peer);
            return;
        }
    }
}

static void
peer_ready(void *arg, unsigned ready)
{
    struct ipc_peer *peer = arg;

    if (ready & LOOP_WRITE)
        loop_task_schedule(peer->later);
    if (ready & LOOP_READ)
        read_frames(peer);
}

struct ipc_peer *
ipc_peer_new(struct loop *loop, int fd, const struct ipc_handlers *handlers, void *data)
{
    struct ipc_peer *peer = xcalloc(1, sizeof(*peer));

    /* Reads and writes say DONTWAIT themselves: a shared description keeps its own mode. */
    peer->id = ++last_peer_id;
    peer->fd = fd;
    if (ipc_socket_peer(fd, &peer->uid, &peer->pid) < 0)
        peer->uid = (uid_t)-1; /* nobody: such a peer is allowed nothing */
    peer->handlers = handlers;
    peer->data = data;
    peer->loop = loop;
    peer->inbox = ipc_inbox_new(handlers->payload_max);
    peer->out = strbuf_new(OUTPUT_MAX);
    peer->later = loop_task_new(loop, run_later, peer);
    peer->watch = loop_fd_new(loop, fd, LOOP_READ, peer_ready, peer);
    return peer;
}

void *
ipc_peer_data(const struct ipc_peer *peer)
{
    return peer->data;
}

void
ipc_peer_set_data(struct ipc_peer *peer, void *data)
{
    peer->data = data;
}

uid_t
ipc_peer_uid(const struct ipc_peer *peer)
{
    return peer->uid;
}

pid_t
ipc_peer_pid(const struct ipc_peer *peer)
{
    return peer->pid;
}

uint64_t
ipc_peer_id(const struct ipc_peer *peer)
{
    return peer->id;
}

/* 0, or -1: no more descriptors may wait, or none is left to duplicate into. */
static int
queue_fd(struct ipc_peer *peer, int fd)
{
    int copy = peer->fd_count < OUTPUT_FDS_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

    if (copy < 0)
        return -1;
    peer->fds = xreallocarray(peer->fds, peer->fd_count + 1, sizeof(peer->fds[0]));
    peer->fds[peer->fd_count++] = (struct passed_fd){.offset = peer->out.len, .fd = copy};
    return 0;
}

/* What is sent already makes room at the front once it is the larger half. */
static void
compact_output(struct ipc_peer *peer)
{
    if (peer->sent < peer->out.len / 2 || peer->sent == 0)
        return;
    strbuf_consume(&peer->out, peer->sent);
    for (size_t i = 0; i < peer->fd_count; i++)
        peer->fds[i].offset -= peer->sent;
    peer->sent = 0;
}

void
ipc_peer_send(struct ipc_peer *peer, struct strbuf *frames, int fd)
{
    if (!peer->closed) {
        compact_output(peer);
        if ((fd >= 0 && queue_fd(peer, fd) < 0) ||
            !strbuf_append(&peer->out, strbuf_slice(frames))) {
            log_event(LOG_WARN, "ipc_peer_too_slow", KV_U64("peer_pid", peer->pid),
                      KV_U64("waiting_bytes", peer->out.len - peer->sent));
            drop_output(peer);
            ipc_peer_close(peer);
        } else {
            loop_task_schedule(peer->later);
        }
    }
    strbuf_clear(frames);
}

static void
server_add_peer(struct ipc_server *server, struct ipc_peer *peer)
{
    struct ipc_peer **head = &server->table[peer->id % TABLE_SIZE];

    peer->server = server;
    peer->table_next = *head;
    peer->table_prev = head;
    if (*head != NULL)
        (*head)->table_prev = &peer->table_next;
    *head = peer;
    server->peer_count++;
}

static void
server_watch(struct ipc_server *server)
{
    bool room = server->peer_count < server->peers_max;

    if (!server->stopped)
        loop_fd_want(server->watch, room ? LOOP_READ : 0u);
}

static void
server_lost_peer(struct ipc_server *server)
{
    server->peer_count--;
    server_watch(server);
}

static void
accept_again(void *arg)
{
    server_watch(arg);
}

/* The kernel is short of something: without a pause the loop would spin on the same event. */
static void
accept_failed(struct ipc_server *server)
{
    if (errno == EAGAIN || errno == ECONNABORTED)
        return;
    log_event(LOG_WARN, "ipc_accept_failed", KV_ERRNO());
    loop_fd_want(server->watch, 0);
    loop_timer_set(server->pause, ACCEPT_PAUSE_MS);
}

/* Anybody on this machine may knock; that shall not fill the log. */
static bool
may_log_refusal(struct ipc_server *server)
{
    int64_t now = clock_mono_ms();

    if (now - server->refusals_since_ms >= 1000) {
        server->refusals_since_ms = now;
        server->refusals = 0;
    }
    return server->refusals++ < REFUSALS_LOGGED;
}

static void
accept_one(struct ipc_server *server, int fd)
{
    uid_t uid = (uid_t)-1;
    pid_t pid = 0;

    if (ipc_socket_peer(fd, &uid, &pid) < 0 || (uid != 0 && !server->allowed(uid, server->data))) {
        if (may_log_refusal(server))
            log_event(LOG_WARN, "ipc_peer_refused", KV_U64("peer_uid", uid),
                      KV_U64("peer_pid", pid));
        close_keep_errno(fd);
        return;
    }
    server_add_peer(server, ipc_peer_new(server->loop, fd, server->handlers, server->data));
}

static void
listen_ready(void *arg, unsigned ready)
{
    struct ipc_server *server = arg;

    (void)ready;
    for (int i = 0; i < ACCEPTS_PER_TURN && server->peer_count < server->peers_max; i++) {
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            accept_failed(server);
            return;
        }
        accept_one(server, fd);
    }
    server_watch(server);
}

struct ipc_server *
ipc_server_new(struct loop *loop, int listen_fd, const struct ipc_handlers *handlers,
               bool (*allowed)(uid_t uid, void *data), unsigned peers_max, void *data)
{
    struct ipc_server *server = xcalloc(1, sizeof(*server));
    int flags = fcntl(listen_fd, F_GETFL);

    if (flags >= 0) /* the descriptor is inherited: its mode may be anything */
        (void)fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK);
    server->loop = loop;
    server->listen_fd = listen_fd;
    server->handlers = handlers;
    server->allowed = allowed;
    server->peers_max = peers_max;
    server->data = data;
    server->pause = loop_timer_new(loop, accept_again, server);
    server->watch = loop_fd_new(loop, listen_fd, LOOP_READ, listen_ready, server);
    return server;
}

struct ipc_peer *
ipc_server_peer(struct ipc_server *server, uint64_t peer_id)
{
    for (struct ipc_peer *p = server->table[peer_id % TABLE_SIZE]; p != NULL; p = p->table_next)
        if (p->id == peer_id)
            return p;
    return NULL;
}

void
ipc_server_stop(struct ipc_server *server)
{
    server->stopped = true;
    loop_timer_cancel(server->pause);
    loop_fd_want(server->watch, 0);
}

void
ipc_server_drain(struct ipc_server *server)
{
    ipc_server_stop(server);
    for (size_t i = 0; i < TABLE_SIZE; i++)
        for (struct ipc_peer *p = server->table[i]; p != NULL; p = p->table_next)
            (void)shutdown(p->fd, SHUT_WR); /* one that is gone shows as such */
}

unsigned
ipc_server_peer_count(const struct ipc_server *server)
{
    return server->peer_count;
}

void
ipc_server_free(struct ipc_server **serverp)
{
    struct ipc_server *server = *serverp;

    if (server == NULL)
        return;
    ipc_server_stop(server);
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        while (server->table[i] != NULL) {
            struct ipc_peer *peer = server->table[i];

            ipc_peer_close(peer);
        }
    }
    loop_fd_free(&server->watch);
    loop_timer_free(&server->pause);
    xfree(serverp);
}
