/*
 * lib/sys/pool_worker.c - the worker of a pool: into the sandbox, then one session after the other.
 *
 * The parent is trusted, the clients are not. Nothing from the network is read before sandbox_enter
 * has returned.
 */
#include "lib/sys/pool_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"

union control {
    char bytes[CMSG_SPACE(POOL_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

int
pool_handover_send(int control_fd, const struct pool_handover *handover, const int *fds,
                   size_t fd_count)
{
    struct pool_handover copy = *handover;
    struct iovec part = {.iov_base = &copy, .iov_len = sizeof(copy)};
    union control control = {{0}};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(fd_count * sizeof(int))};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);

    assert_always(fd_count <= POOL_FDS_MAX && cmsg != NULL);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    return sendmsg(control_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Waits for the next session. 0, or -1: there will be none. A descriptor that did not come is -1.
 */
static int
handover_receive(int control_fd, struct pool_handover *out, int fds[POOL_FDS_MAX])
{
    struct iovec part = {.iov_base = out, .iov_len = sizeof(*out)};
    union control control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *cmsg;
    size_t bytes;
    ssize_t n;

    do
        n = recvmsg(control_fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    cmsg = CMSG_FIRSTHDR(&message);
    if (n != (ssize_t)sizeof(*out) || cmsg == NULL || cmsg->cmsg_type != SCM_RIGHTS)
        return -1;
    bytes = cmsg->cmsg_len - CMSG_LEN(0);
    if (bytes != POOL_FDS_MAX * sizeof(int) && bytes != (POOL_FDS_MAX - 1) * sizeof(int))
        return -1;
    fds[POOL_FDS_MAX - 1] = -1;
    memcpy(fds, CMSG_DATA(cmsg), bytes);
    return 0;
}

static struct pool_session
session_of(struct daemon *d, const struct pool_ops *ops, int control_fd,
           const struct pool_handover *handover, const int fds[POOL_FDS_MAX])
{
    struct pool_session s = {
        .fd = fds[0],
        .label = ops->labels[handover->label],
        .client_port = handover->client_port,
        .local_port = handover->local_port,
        .auth = ipc_client_adopt(fds[1], AUTHD_PAYLOAD_MAX),
        .backend = fds[2] < 0 ? NULL : ipc_client_adopt(fds[2], ops->backend_payload_max),
        .end_fd = control_fd,
        .daemon = d,
    };

    memcpy(s.session_id, handover->session_id, sizeof(s.session_id));
    memcpy(s.client_ip, handover->client_ip, sizeof(s.client_ip));
    memcpy(s.local_ip, handover->local_ip, sizeof(s.local_ip));
    return s;
}

static enum pool_next
serve_one(struct daemon *d, const struct pool_ops *ops, int control_fd,
          const struct pool_handover *handover, const int fds[POOL_FDS_MAX])
{
    struct pool_session session = session_of(d, ops, control_fd, handover, fds);
    const struct log_kv context[] = {KV_STR("session", session.session_id),
                                     KV_STR("client", session.client_ip), KV_END};
    enum pool_next next;

    log_context(context);
    stats_process_state(d->stats, "session");
    next = ops->serve(&session, ops->arg);
    ipc_client_free(&session.auth);
    ipc_client_free(&session.backend);
    log_context(NULL);
    log_flush();
    return next;
}

bool
pool_session_is_revoked(const struct pool_session *session)
{
    char byte;

    return recv(session->end_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && byte == POOL_REVOKED;
}

/* The forker blocks and ignores some. */
static void
reset_signals(void)
{
    sigset_t none;

    (void)sigemptyset(&none); /* none of these can fail for these arguments */
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void
pool_worker_run(struct daemon *d, const struct pool_ops *ops, const struct sandbox *box,
                int control_fd)
{
    struct pool_handover handover;
    unsigned served = 0;
    int fds[POOL_FDS_MAX];

    sandbox_die_with_parent(); /* one that has gone already has taken its end of control_fd along */
    reset_signals();
    log_forked();
    stats_process_begin(d->stats, "worker");
    if (sandbox_enter(box) < 0) {
        log_flush();
        _exit(EX_OSERR);
    }
    stats_process_state(d->stats, "idle");
    while (handover_receive(control_fd, &handover, fds) == 0) {
        if (serve_one(d, ops, control_fd, &handover, fds) == POOL_EXIT ||
            ++served >= ops->reuse_max)
            break;
        stats_process_state(d->stats, "idle");
        if (send(control_fd, &(char){POOL_DONE}, 1, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(EXIT_SUCCESS); /* no exit handlers: they would only touch memory that is shared */
}
