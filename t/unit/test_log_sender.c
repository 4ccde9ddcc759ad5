/*
 * t/unit/test_log_sender.c - a line counts for the process and the service that it came from.
 */
// LINK: logd/sender.c
// LINK: lib/ipc/log_socket.c
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/log_socket.h"
#include "lib/ipc/socket.h"
#include "lib/log/line.h"
#include "logd/sender.h"

static char dir_path[] = "/tmp/test_log_sender_XXXXXX";
static int dir_fd, logd_fd;
static char buffer[LOG_DATAGRAM_MAX];
static struct sockaddr_un from;

static void
setup(void)
{
    struct sockaddr_un address;

    ck_assert_ptr_nonnull(mkdtemp(dir_path));
    dir_fd = open(dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    logd_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(logd_fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(ipc_socket_address(dir_fd, "log.sock", &address), 0);
    ck_assert_int_eq(bind(logd_fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void
teardown(void)
{
    (void)close(logd_fd);
    (void)unlinkat(dir_fd, "log.sock", 0);
    ck_assert_int_eq(rmdir(dir_path), 0); /* no name of a sender is left behind */
    (void)close(dir_fd);
}

/* Sends one byte from a process of its own through `fd` and tells what logd is told. */
static int
sender_of(int fd, pid_t *pid, struct sender *out)
{
    union {
        char bytes[SENDER_CONTROL_SIZE];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = sizeof(buffer)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int status;

    *pid = fork();
    if (*pid == 0)
        _exit(write(fd, "x", 1) == 1 ? 0 : 1);
    ck_assert_int_eq(waitpid(*pid, &status, 0), *pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(recvmsg(logd_fd, &message, MSG_DONTWAIT), 1);
    return sender_find(&message, &from, message.msg_namelen, out);
}

START_TEST(the_kernel_tells_who_has_sent_a_datagram)
{
    int fd = log_socket_open(dir_fd, "smtp", "smtpd.new", 0);
    struct sender sender;
    pid_t pid;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sender_of(fd, &pid, &sender), 0);
    ck_assert_int_eq(sender.pid, pid);
    ck_assert_uint_eq(sender.uid, getuid());
    ck_assert(slice_eq(sender.service, SLICE("smtp")));
    ck_assert(slice_eq(sender.program, SLICE("smtpd.new")));
    (void)close(fd);
}
END_TEST

START_TEST(a_socket_keeps_its_name)
{
    int fd = log_socket_open(dir_fd, "smtp", "smtpd", 0);
    struct sockaddr_un other;

    ck_assert_int_eq(ipc_socket_address(dir_fd, "from.queue.queue-manager", &other), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&other, sizeof(other)), -1);
    (void)close(fd);
}
END_TEST

START_TEST(a_socket_that_is_not_of_master_s_making_is_nobody_s)
{
    struct sockaddr_un address;
    struct sender sender;
    pid_t pid;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(ipc_socket_address(dir_fd, "log.sock", &address), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(sender_of(fd, &pid, &sender), -1);
    (void)close(fd);
}
END_TEST

static const struct {
    const char *line;
    bool own;
} lines[] = {
    {"2026-11-23T10:00:00.123Z smtpd[77] info event=x", true},
    {"2026-11-23T10:00:00.123Z smtpd[78] info event=x", false},
    {"2026-11-23T10:00:00.123Z queue-manager[77] info event=x", false},
    {"2026-11-23T10:00:00.123Z smtpd[77]x info event=x", false},
    {"2026-11-23T10:00:00.123Z smtpd[] info event=x", false},
    {"2026-11-23T10:00:00.123Z smtpd", false},
    {"2026-11-23T10:00:00.123Z ", false},
    {"event=x", false},
    {"", false},
};

START_TEST(lines_of_others_are_not_one_s_own)
{
    const struct sender sender = {.pid = 77, .service = SLICE("smtp"), .program = SLICE("smtpd")};

    ck_assert_int_eq(sender_owns(&sender, slice_of(lines[_i].line)), lines[_i].own);
}
END_TEST

START_TEST(tamed_text_steers_no_terminal)
{
    char text[] = "a\x1b[2J\tb\x7f\n\xc2\x9b"
                  "31m \xc3\xa9";

    log_text_tame(text, strlen(text));
    ck_assert_str_eq(text, "a?[2J?b?\n\xc2?31m \xc3\xa9");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log_sender");
    TCase *tc = tcase_create("log_sender");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_kernel_tells_who_has_sent_a_datagram);
    tcase_add_test(tc, a_socket_keeps_its_name);
    tcase_add_test(tc, a_socket_that_is_not_of_master_s_making_is_nobody_s);
    tcase_add_loop_test(tc, lines_of_others_are_not_one_s_own, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(tc, tamed_text_steers_no_terminal);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
