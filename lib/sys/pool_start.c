/*
 * lib/sys/pool_start.c - the parent of a pool gives a session to a worker.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"
#include "lib/sys/pool_private.h"

#define HELLO_MAX 4096

/* -1: none is wanted, or the server is away; the session has to do without. */
static int
connect_backend(const struct pool *p, const char *name)
{
    int fd;

    if (name == NULL)
        return -1;
    fd = ipc_socket_connect(p->d->run_dirfd, name);
    if (fd < 0)
        log_event(LOG_WARN, "backend_away", KV_STR("socket", name), KV_ERRNO());
    return fd;
}

/* The same of a server that is asked by datagrams. */
static int
connect_keys(const struct pool *p, const char *name)
{
    int fd;

    if (name == NULL)
        return -1;
    fd = ipc_socket_connect_datagram(p->d->run_dirfd, name);
    if (fd < 0)
        log_event(LOG_WARN, "backend_away", KV_STR("socket", name), KV_ERRNO());
    return fd;
}

/* A fresh connection has room for it. */
static int
greet_backend(const struct pool *p, int fd, const struct pool_handover *h)
{
    struct strbuf hello = strbuf_new(HELLO_MAX);
    int rc = -1;

    if (fd < 0 || p->ops->backend_hello == NULL)
        return fd;
    if (p->ops->backend_hello(&hello, slice_of(h->session_id), slice_of(h->client_ip)) == 0 &&
        ipc_socket_send(fd, strbuf_slice(&hello), -1) == (ssize_t)hello.len)
        rc = fd;
    else
        close_keep_errno(fd);
    strbuf_free(&hello);
    return rc;
}

static int
give(struct worker *w, const struct pool_handover *about, const int fds[POOL_FDS_MAX])
{
    struct pool_handover h = *about;
    int present[POOL_FDS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < POOL_FDS_MAX; i++) {
        h.present[i] = fds[i] >= 0;
        if (h.present[i])
            present[count++] = fds[i];
    }
    return pool_message_send(w->fd, &h, sizeof(h), present, count);
}

/* Makes the session's channel to authd and gives both its ends away. 0, or -1 with errno. */
static int
hand_over(struct worker *w, const struct pool_handover *h, int client_fd, int ahead_fd)
{
    const struct pool *p = w->pool;
    struct authd_attach attach = {
        .service = slice_of(p->d->service),
        .client_ip = slice_of(h->client_ip),
        .local_ip = slice_of(h->local_ip),
        .client_port = h->client_port,
        .local_port = h->local_port,
        .session_id = slice_of(h->session_id),
        .is_local = h->is_local,
        .local_uid = (uint32_t)h->local_uid,
    };
    int channel[2] = {-1, -1}, backend, filter, key, rc;

    if (!p->ops->anonymous && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
        return -1;
    backend = connect_backend(p, p->ops->backend);
    backend = greet_backend(p, backend, h);
    filter = connect_backend(p, p->ops->filter);
    key = connect_keys(p, p->ops->keys);
    rc = give(w, h,
              (const int[POOL_FDS_MAX]){[POOL_FD_CLIENT] = client_fd,
                                        [POOL_FD_AUTH] = channel[0],
                                        [POOL_FD_BACKEND] = backend,
                                        [POOL_FD_FILTER] = filter,
                                        [POOL_FD_KEY] = key,
                                        [POOL_FD_AHEAD] = ahead_fd});
    close_keep_errno(backend);
    close_keep_errno(filter);
    close_keep_errno(key);
    close_keep_errno(channel[0]);
    if (rc < 0 || p->ops->anonymous)
        close_keep_errno(channel[1]);
    else
        pool_auth_attach(p->auth, &attach, channel[1]);
    return rc;
}

int
pool_start(struct worker *w, const struct pool_handover *about, int client_fd, int ahead_fd)
{
    if (hand_over(w, about, client_fd, ahead_fd) < 0)
        return -1;
    w->about = *about;
    w->kept_fd = -1;
    w->relayed = false;
    pool_make_busy(w);
    return 0;
}
