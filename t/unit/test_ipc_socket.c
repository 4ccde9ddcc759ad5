/*
 * t/unit/test_ipc_socket.c - lib/ipc/socket: what a peer may send along with its bytes.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/socket.h"
#include "t/unit/table_run.h"

enum { PAYLOAD_MAX = 1000 };

/* One message with `count` descriptors. */
static void
send_many(int fd, const char *bytes, size_t len, unsigned count)
{
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control = {.bytes = {0}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (unsigned i = 0; i < count; i++)
        memcpy(CMSG_DATA(c) + i * sizeof(int), &(int){STDERR_FILENO}, sizeof(int));
    ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)len);
}

static unsigned
open_fds(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Two that the kernel hands over whole, and more than there is room for. */
START_TEST(a_message_with_two_descriptors_is_refused)
{
    static const char whole[] = "\x00\x00\x00\x02\x01\x00\x00\x01\x00\x00\x00\x01xx";
    struct ipc_inbox inbox = ipc_inbox_new(PAYLOAD_MAX);
    int ends[2];
    unsigned before;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    before = open_fds();
    send_many(ends[0], whole, sizeof(whole) - 1, _i == 0 ? 2 : 8);
    errno = 0;
    ck_assert_int_eq(ipc_inbox_read(&inbox, ends[1]), IPC_INBOX_BAD);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_uint_eq(open_fds(), before); /* none stays open */
    ipc_inbox_free(&inbox);
    (void)close(ends[0]);
    (void)close(ends[1]);
}
END_TEST

int
main(void)
{
    return table_run("ipc_socket", a_message_with_two_descriptors_is_refused, 2);
}
