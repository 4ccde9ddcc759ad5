/*
 * lib/sys/pool_worker.c - the worker of a pool: into the sandbox, then one session after the other.
 *
 * The parent is trusted, the clients are not. Nothing from the network is read before sandbox_enter
 * has returned.
 */
#include "lib/sys/pool_worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/client.h"
#include "lib/log/log.h"
#include "lib/sys/session_table.h"

union control {
    char bytes[CMSG_SPACE(POOL_FDS_MAX * sizeof(int))];
    struct cmsghdr align;
};

int
pool_message_send(int control_fd, const void *message, size_t len, const int *fds, size_t fd_count)
{
    /* sendmsg only reads it */
    struct iovec part = {.iov_base = (void *)(uintptr_t)message, .iov_len = len};
    union control control = {{0}};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *cmsg;

    assert_always(fd_count <= POOL_FDS_MAX);
    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        cmsg = CMSG_FIRSTHDR(&header);
        assert_always(cmsg != NULL); /* there is room */
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
    }
    return sendmsg(control_fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Waits for a message from the parent, of `len` bytes and no more. The number of descriptors that
 * came along, or -1: it was another message, or there will be none. */
static int
message_receive(int control_fd, void *out, size_t len, int fds[POOL_FDS_MAX])
{
    struct iovec part = {.iov_base = out, .iov_len = len};
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
    if (n != (ssize_t)len || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
        return -1;
    cmsg = CMSG_FIRSTHDR(&message);
    if (cmsg == NULL)
        return 0;
    bytes = cmsg->cmsg_len - CMSG_LEN(0);
    if (cmsg->cmsg_type != SCM_RIGHTS || bytes > POOL_FDS_MAX * sizeof(int))
        return -1;
    memcpy(fds, CMSG_DATA(cmsg), bytes);
    return (int)(bytes / sizeof(int));
}

/* Waits for the next session. 0, or -1: there will be none. A descriptor that did not come is -1.
 */
static int
handover_receive(int control_fd, struct pool_handover *out, int fds[POOL_FDS_MAX])
{
    int came[POOL_FDS_MAX];
    int count = message_receive(control_fd, out, sizeof(*out), came);
    int next = 0;

    if (count < 0)
        return -1;
    for (size_t i = 0; i < POOL_FDS_MAX; i++) {
        if (out->present[i] && next == count)
            return -1;
        fds[i] = out->present[i] ? came[next++] : -1;
    }
    return next == count ? 0 : -1;
}

static struct ipc_client *
adopt(int fd, uint32_t payload_max)
{
    return fd < 0 ? NULL : ipc_client_adopt(fd, payload_max);
}

static struct pool_session
session_of(struct daemon *d, const struct pool_ops *ops, int control_fd,
           const struct pool_handover *handover, const int fds[POOL_FDS_MAX])
{
    struct pool_session s = {
        .fd = fds[POOL_FD_CLIENT],
        .port = handover->port,
        .counts = &d->port_counts[handover->port],
        .label = ops->ports[handover->port].label,
        .client_port = handover->client_port,
        .local_port = handover->local_port,
        .auth = adopt(fds[POOL_FD_AUTH], AUTHD_PAYLOAD_MAX),
        .backend = adopt(fds[POOL_FD_BACKEND], ops->backend_payload_max),
        .filter = adopt(fds[POOL_FD_FILTER], ops->filter_payload_max),
        .key_fd = fds[POOL_FD_KEY],
        .end_fd = control_fd,
        .daemon = d,
        .continues = handover->continues,
        .carried = handover->carried,
        .ahead_fd = fds[POOL_FD_AHEAD],
        .is_greeted = handover->is_greeted,
        .is_pressed = handover->is_pressed,
        .is_known = handover->is_known,
    };

    memcpy(s.session_id, handover->session_id, sizeof(s.session_id));
    memcpy(s.client_ip, handover->client_ip, sizeof(s.client_ip));
    memcpy(s.local_ip, handover->local_ip, sizeof(s.local_ip));
    return s;
}

static void
show(const struct daemon *d, const struct pool_session *session)
{
    struct session_row row = {.pid = getpid(),
                              .since_ms = clock_real_ms(),
                              .tls = session->carried.tls[0] != '\0',
                              .client_port = session->client_port};

    (void)snprintf(row.id, sizeof(row.id), "%s", session->session_id);
    (void)snprintf(row.label, sizeof(row.label), "%s", session->label);
    (void)snprintf(row.client_ip, sizeof(row.client_ip), "%s", session->client_ip);
    session_table_begin(d->sessions, &row);
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
    if (session.continues)
        log_event(LOG_INFO, "continues", KV_STR("previous", handover->previous_id));
    if (handover->proxy_ip[0] != '\0')
        log_event(LOG_INFO, "proxied", KV_STR("by", handover->proxy_ip));
    stats_process_state(d->stats, "session");
    show(d, &session);
    next = ops->serve(&session, ops->arg);
    session_table_end();
    if (session.is_proved) /* if it gets lost, the client is not known: no more than that */
        (void)send(control_fd, &(char){POOL_PROVED}, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    ipc_client_free(&session.auth);
    ipc_client_free(&session.backend);
    ipc_client_free(&session.filter);
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

bool
pool_session_is_ended(const struct pool_session *session)
{
    char byte;

    return recv(session->end_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

int
pool_session_succeed(struct pool_session *session, const struct pool_carried *carried, bool relay)
{
    const struct pool_request request = {.relay = relay, .carried = *carried};
    int fds[POOL_FDS_MAX];
    char answer;
    int count;

    if (send(session->end_fd, &request, sizeof(request), MSG_NOSIGNAL) < 0)
        return -1;
    count = message_receive(session->end_fd, &answer, 1, fds);
    if (count == 1 && answer == POOL_SUCCESSOR)
        return fds[0];
    for (int i = 0; i < count; i++)
        (void)close(fds[i]);
    return -1; /* none, or the session has to end now */
}

/* One packet, so that it comes whole or not at all; its first byte tells it from an end. */
int
pool_ahead_send(int fd, struct slice unread)
{
    char *packet = xmalloc(1 + unread.len);
    ssize_t n;

    assert_always(unread.len <= POOL_AHEAD_MAX);
    packet[0] = POOL_SUCCESSOR;
    if (unread.len > 0)
        memcpy(packet + 1, unread.ptr, unread.len);
    n = send(fd, packet, 1 + unread.len, MSG_NOSIGNAL);
    mem_wipe(packet, 1 + unread.len);
    xfree(&packet);
    close_keep_errno(fd);
    return n < 0 ? -1 : 0;
}

ssize_t
pool_ahead_receive(int fd, char *buf, size_t cap, int64_t deadline_mono_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t left = deadline_mono_ms - clock_mono_ms();
    char first = 0;
    struct iovec parts[] = {{.iov_base = &first, .iov_len = 1}, {.iov_base = buf, .iov_len = cap}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts)};
    ssize_t n = -1;

    if (left > 0 && poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) == 1)
        n = recvmsg(fd, &message, MSG_DONTWAIT);
    (void)close(fd);
    if (n < 1 || first != POOL_SUCCESSOR || (message.msg_flags & MSG_TRUNC) != 0)
        return -1;
    return n - 1;
}

/* The forker blocks and ignores some. */
static void
reset_signals(void)
{
    sigset_t none;

    (void)sigemptyset(&none); /* none of these can fail for these arguments */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int control; /* for the handler */

/* The session sees that it has to end, as at the end of the service, and says goodbye. */
static void
end_session(int signo)
{
    int saved = errno;

    (void)signo;
    (void)shutdown(control, SHUT_RD);
    errno = saved;
}

static void
end_on_sigterm(int control_fd)
{
    struct sigaction action = {.sa_handler = end_session, .sa_flags = SA_RESTART};

    control = control_fd;
    (void)sigaction(SIGTERM, &action, NULL); /* cannot fail for these arguments */
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
    end_on_sigterm(control_fd);
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
