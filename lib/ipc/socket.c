/*
 * lib/ipc/socket.c - Unix-domain stream sockets and the receiving of frames.
 *
 * Input: bytes and descriptors from another process of ours, taken as hostile: a length is checked
 * before memory is taken, memory grows only as bytes arrive, and more than one descriptor with a
 * frame, or one in the middle of it, is an error. Nothing here blocks.
 */
#include "lib/ipc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/io.h"

#define READ_STEP 65536  /* bytes of payload to make room for at a time */
#define KEEP_BYTES 16384 /* a larger payload buffer is given back before the next frame */
#define ACCEPT_FDS_MAX 4 /* room for stray descriptors, so that they can be closed */

int
ipc_socket_address(int dirfd, const char *name, struct sockaddr_un *out)
{
    int len;

    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (dirfd == AT_FDCWD)
        len = snprintf(out->sun_path, sizeof(out->sun_path), "%s", name);
    else
        len = snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
    if (len < 0 || (size_t)len >= sizeof(out->sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

int
ipc_socket_connect(int dirfd, const char *name)
{
    struct sockaddr_un address;
    int fd;

    if (ipc_socket_address(dirfd, name, &address) < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

int
ipc_socket_connect_datagram(int dirfd, const char *name)
{
    struct sockaddr_un address;
    int fd;

    if (ipc_socket_address(dirfd, name, &address) < 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* Who wants to be told its peers' credentials gets an address when it connects (unix(7),
     * autobind): a sandbox need not allow bind(). */
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

int
ipc_socket_peer(int fd, uid_t *uid, pid_t *pid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -1;
    *uid = cred.uid;
    *pid = cred.pid;
    return 0;
}

/* sendmsg only where a descriptor travels: most sandboxes allow send() alone. */
static ssize_t
send_with_fd(int fd, struct slice data, int pass_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)data.ptr, .iov_len = data.len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *cmsg;

    memset(&control, 0, sizeof(control));
    cmsg = CMSG_FIRSTHDR(&message);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

ssize_t
ipc_socket_send(int fd, struct slice data, int pass_fd)
{
    ssize_t n;

    do
        n = pass_fd < 0 ? send(fd, data.ptr, data.len, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : send_with_fd(fd, data, pass_fd);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Collects the descriptors of one message: *taken gets the first, the rest is closed. Returns how
 * many there were. */
static size_t
take_fds(struct msghdr *message, int *taken)
{
    size_t count = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (count++ == 0)
                *taken = fd;
            else
                close_keep_errno(fd);
        }
    }
    return count;
}

ssize_t
ipc_socket_receive(int fd, void *to, size_t len, int *passed)
{
    union {
        char bytes[CMSG_SPACE(ACCEPT_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = to, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n;
    int got = -1;
    size_t count;

    do
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    count = take_fds(&message, &got);
    if (count > 1 || (message.msg_flags & MSG_CTRUNC)) {
        close_keep_errno(got);
        errno = EPROTO;
        return -1;
    }
    *passed = got;
    return n;
}

struct ipc_inbox
ipc_inbox_new(uint32_t payload_max)
{
    return (struct ipc_inbox){
        .payload_max = payload_max, .payload = strbuf_new(payload_max), .fd = -1};
}

static void
drop_fd(struct ipc_inbox *inbox)
{
    close_keep_errno(inbox->fd);
    inbox->fd = -1;
}

void
ipc_inbox_free(struct ipc_inbox *inbox)
{
    drop_fd(inbox);
    strbuf_free(&inbox->payload);
    inbox->head_len = 0;
}

static bool
is_whole(const struct ipc_inbox *inbox)
{
    return inbox->head_len == FRAME_HEADER && inbox->payload.len == inbox->header.length;
}

static void
begin_frame(struct ipc_inbox *inbox)
{
    drop_fd(inbox);
    inbox->head_len = 0;
    if (inbox->payload.cap > KEEP_BYTES)
        strbuf_free(&inbox->payload);
    strbuf_clear(&inbox->payload);
}

static enum ipc_inbox_status
receive_failed(const struct ipc_inbox *inbox, ssize_t n)
{
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return IPC_INBOX_WAIT;
    if (n == 0 && inbox->head_len == 0)
        return IPC_INBOX_END;
    if (n == 0)
        errno = ECONNRESET; /* the end in the middle of a frame */
    return IPC_INBOX_BAD;
}

static enum ipc_inbox_status
read_head(struct ipc_inbox *inbox, int fd)
{
    int passed = -1;
    bool at_start = inbox->head_len == 0;
    ssize_t n = ipc_socket_receive(fd, inbox->head + inbox->head_len,
                                   FRAME_HEADER - inbox->head_len, &passed);

    if (n <= 0)
        return receive_failed(inbox, n);
    inbox->head_len += (size_t)n;
    if (passed >= 0 && !at_start) {
        close_keep_errno(passed);
        errno = EPROTO;
        return IPC_INBOX_BAD;
    }
    if (passed >= 0)
        inbox->fd = passed;
    if (inbox->head_len < FRAME_HEADER)
        return IPC_INBOX_WAIT;
    if (frame_header_decode(inbox->head, inbox->payload_max, &inbox->header) < 0) {
        errno = EPROTO;
        return IPC_INBOX_BAD;
    }
    return IPC_INBOX_FRAME;
}

static enum ipc_inbox_status
read_payload(struct ipc_inbox *inbox, int fd)
{
    while (!is_whole(inbox)) {
        size_t want = inbox->header.length - inbox->payload.len;
        int passed = -1;
        char *room = strbuf_room(&inbox->payload, want < READ_STEP ? want : READ_STEP);
        ssize_t n = ipc_socket_receive(fd, room, want < READ_STEP ? want : READ_STEP, &passed);

        if (n <= 0)
            return receive_failed(inbox, n);
        strbuf_grew(&inbox->payload, (size_t)n);
        if (passed >= 0) {
            close_keep_errno(passed);
            errno = EPROTO;
            return IPC_INBOX_BAD;
        }
    }
    return IPC_INBOX_FRAME;
}

enum ipc_inbox_status
ipc_inbox_read(struct ipc_inbox *inbox, int fd)
{
    enum ipc_inbox_status status = IPC_INBOX_FRAME;

    if (is_whole(inbox))
        begin_frame(inbox);
    if (inbox->head_len < FRAME_HEADER)
        status = read_head(inbox, fd);
    return status == IPC_INBOX_FRAME ? read_payload(inbox, fd) : status;
}
