/*
 * t/unit/test_pool.c - lib/sys/pool: a small echo service as a child, with a socket for authd that
 * the test itself holds.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/client.h"
#include "lib/sys/pool.h"

#define STEP_MS 5000

static char root_path[] = "/tmp/test_pool_XXXXXX";
static int listen_fd, authd_fd, control[2];
static uint16_t port;
static pid_t daemon_pid;

/* ---- the service ---- */

/* "next": says so and goes on in a successor, which is told what came behind that line; "relay":
 * the same, and stays in between for one message each way. */
static void
succeed(struct pool_session *session, bool relay, struct slice unread)
{
    const struct pool_carried carried = {.tls = "TLSv1.3", .login_failures = 7};
    int fd = pool_session_succeed(session, &carried, relay);
    char text[256];
    ssize_t n;

    if (fd < 0) {
        (void)write_all(session->fd, SLICE("none\n"));
        return;
    }
    if (!relay) {
        (void)pool_ahead_send(fd, unread);
        return;
    }
    (void)write_all(fd, unread);
    n = read(fd, text, sizeof(text));
    (void)write_all(session->fd, slice_make(text, n > 0 ? (size_t)n : 0));
    (void)close(fd);
}

static ssize_t
read_line(struct pool_session *session, char *line, size_t cap)
{
    ssize_t n = 0;

    if (session->ahead_fd >= 0)
        n = pool_ahead_receive(session->ahead_fd, line, cap, clock_mono_ms() + STEP_MS);
    return n != 0 ? n : read(session->fd, line, cap);
}

/* One line in, "pid label ip line" out. "reuse" leaves the worker to the next; "hang" does not end;
 * "auth" asks authd for its byte. */
static enum pool_next
serve(struct pool_session *session, void *arg)
{
    char line[64] = {0}, reply[256];
    ssize_t n = read_line(session, line, sizeof(line) - 1);
    struct frame_header header;
    struct ipc_reply message;
    int len;

    (void)arg;
    if (n > 5 && (strncmp(line, "next", 4) == 0 || strncmp(line, "relay", 5) == 0)) {
        const char *behind = strchr(line, '\n') + 1;

        succeed(session, line[0] == 'r', slice_of(behind));
        (void)close(session->fd);
        return POOL_EXIT;
    }
    if (n > 0 && strncmp(line, "auth", 4) == 0 &&
        ipc_client_receive(session->auth, STEP_MS, &header, &message) == 0)
        (void)snprintf(line, sizeof(line), "type%u", header.type);
    len = snprintf(reply, sizeof(reply), "%d %s %s %s%s %u\n", (int)getpid(), session->label,
                   session->client_ip, line, session->carried.tls, session->carried.login_failures);
    (void)write_all(session->fd, slice_make(reply, (size_t)len));
    while (strncmp(line, "hang", 4) == 0 && read(session->fd, line + 8, 8) > 0)
        ;
    (void)close(session->fd);
    return strncmp(line, "reuse", 5) == 0 ? POOL_REUSE : POOL_EXIT;
}

static const char *
refusal(enum pool_refusal why)
{
    static const char *const texts[] = {
        [POOL_DENIED] = "-ERR denied\n",  [POOL_TOO_MANY] = "-ERR refused\n",
        [POOL_EARLY] = "-ERR early\n",    [POOL_PIPELINED] = "-ERR pipelined\n",
        [POOL_ALIEN] = "-ERR alien\n",    [POOL_LONG] = "-ERR long\n",
        [POOL_SLOW] = "-ERR slow\n",      [POOL_CROWDED] = "-ERR crowded\n",
        [POOL_CLOSING] = "-ERR closing\n"};

    return texts[why];
}

static const struct pool_port ports[] = {{.label = "echo", POOL_PORT_LIMITS(IMAP)}};

static _Noreturn void
run_daemon(const struct pool_ops *wanted)
{
    char *argv[] = {(char *)(uintptr_t) "echod", NULL};
    struct pool_ops ops = *wanted;
    struct daemon d;

    daemon_init(&d, "echod", 1, argv);
    ops.ports = ports;
    ops.port_count = ARRAY_LEN(ports);
    ops.serve = serve;
    ops.refusal = refusal;
    ops.parent_box = daemon_sandbox_base(&d, USERS_MAIL);
    ops.worker_box = daemon_sandbox_base(&d, USERS_MAIL);
    _exit(pool_run(&d, &ops)); /* no check for leaks: the sandbox refuses what it needs */
}

/* ---- fixture ---- */

/* The limits of the port, and what else is in section [imap]. */
static void
configure(const char *imap)
{
    char path[100], text[500];

    (void)snprintf(path, sizeof(path), "%s/etc/posthorn.conf", root_path);
    (void)snprintf(text, sizeof(text),
                   "[system]\ndrain_time = 300ms\n[users]\nmail = 64999:64999\n[imap]\n%s", imap);
    ck_assert_int_eq(replace_file(AT_FDCWD, path, slice_of(text), 0644), 0);
}

static void
setup(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct sockaddr_un authd = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(at);
    int dirfd;

    ck_assert_ptr_nonnull(mkdtemp(root_path));
    ck_assert_int_eq(chmod(root_path, 0755), 0);
    dirfd = open(root_path, O_PATH | O_DIRECTORY);
    ck_assert_int_eq(mkdirat(dirfd, "run", 0755) | mkdirat(dirfd, "etc", 0755), 0);
    (void)snprintf(authd.sun_path, sizeof(authd.sun_path), "%s/run/authd.sock", root_path);
    authd_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(authd_fd, (struct sockaddr *)&authd, sizeof(authd)), 0);
    ck_assert_int_eq(chmod(authd.sun_path, 0777) | listen(authd_fd, 10), 0);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listen_fd, 128), 0);
    ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&at, &len), 0);
    port = ntohs(at.sin_port);
    (void)close(dirfd);
}

static void
remove_below(const char *name)
{
    char path[120];

    (void)snprintf(path, sizeof(path), "%s/%s", root_path, name);
    (void)remove(path);
}

static void
teardown(void)
{
    static const char *const names[] = {
        "run/stats/echod",   "run/stats", "run/empty", "run/authd.sock", "run",
        "etc/posthorn.conf", "etc",       ""};

    if (daemon_pid > 0)
        (void)kill(daemon_pid, SIGKILL);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        remove_below(names[i]);
}

/* Starts the service and waits until it is ready. */
static void
start(const struct pool_ops *ops)
{
    char number[20], byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
    daemon_pid = fork();
    if (daemon_pid == 0) {
        (void)close(control[0]);
        (void)close(authd_fd);
        (void)setenv("POSTHORN_ROOT", root_path, 1);
        (void)snprintf(number, sizeof(number), "echo:%d", listen_fd);
        (void)setenv("POSTHORN_LISTENERS", number, 1);
        (void)snprintf(number, sizeof(number), "%d", control[1]);
        (void)setenv("POSTHORN_CONTROL_FD", number, 1);
        run_daemon(ops);
    }
    (void)close(control[1]);
    ck_assert_int_eq(read_exact(control[0], &byte, 1), 0);
}

static int
dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* Sends a line on a new connection; the answer in `reply`. Returns the open connection. */
static int
talk(const char *line, char reply[256])
{
    int fd = dial();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n;

    ck_assert_int_eq(write_all(fd, slice_of(line)), 0);
    ck_assert_int_eq(poll(&p, 1, STEP_MS), 1);
    n = read(fd, reply, 255);
    reply[n > 0 ? n : 0] = '\0';
    return fd;
}

/* True if the peer closes within the step. */
static bool
closes(int fd, int within_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&p, 1, within_ms) == 1 && read(fd, &byte, 1) <= 0;
}

/* ---- tests ---- */

START_TEST(each_session_has_a_process_of_its_own)
{
    const struct pool_ops ops = {.spare_min = 2, .spare_max = 4};
    char one[256], two[256];
    int a, b;

    configure("max_clients = 10\n");
    start(&ops);
    a = talk("hang", one);
    b = talk("hello", two);
    ck_assert_ptr_nonnull(strstr(one, " echo 127.0.0.1 hang"));
    ck_assert_ptr_nonnull(strstr(two, " echo 127.0.0.1 hello"));
    ck_assert_int_ne(atoll(one), atoll(two));
    ck_assert_int_ne(atoll(one), daemon_pid);
    ck_assert(closes(b, STEP_MS));
    (void)close(a);
}
END_TEST

START_TEST(a_worker_without_capability_serves_again)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 4, .reuse_max = 2};
    char reply[3][256];

    configure("max_clients = 10\n");
    start(&ops);
    for (int i = 0; i < 3; i++) {
        int fd = talk("reuse", reply[i]);

        ck_assert(closes(fd, STEP_MS));
        (void)close(fd);
        (void)usleep(50000); /* until it is idle again */
    }
    ck_assert_int_eq(atoll(reply[0]), atoll(reply[1]));
    ck_assert_int_ne(atoll(reply[1]), atoll(reply[2])); /* reuse_max */
}
END_TEST

START_TEST(a_connection_goes_on_in_another_process)
{
    const struct pool_ops ops = {
        .spare_min = 1, .spare_max = 4, .successors = true, .keep_sockets = 1};
    char first[256], reply[256];
    int fd;

    configure("max_clients = 1\n");
    start(&ops);
    fd = talk("hello\n", first);
    ck_assert(closes(fd, STEP_MS));
    (void)close(fd);
    fd = talk("next\nhello", reply);
    ck_assert_ptr_nonnull(strstr(reply, " echo 127.0.0.1 helloTLSv1.3 7"));
    ck_assert_int_ne(atoll(first), atoll(reply));
    ck_assert(closes(fd, STEP_MS)); /* nobody keeps it */
    (void)close(fd);
}
END_TEST

START_TEST(behind_a_relay_there_is_no_other)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 4, .successors = true};
    char reply[256];
    int fd;

    configure("max_clients = 9\n");
    start(&ops);
    fd = talk("relay\nhello", reply);
    ck_assert_ptr_nonnull(strstr(reply, " echo 127.0.0.1 helloTLSv1.3 7"));
    (void)close(fd);
    fd = talk("relay\nnext\nhello", reply);
    ck_assert_ptr_nonnull(strstr(reply, " echo 127.0.0.1 helloTLSv1.3 7"));
    (void)close(fd);
    fd = talk("relay\nrelay\nhello", reply);
    ck_assert_str_eq(reply, "none\n");
    (void)close(fd);
    fd = talk("next\nhello", reply); /* its socket was not kept */
    ck_assert_str_eq(reply, "none\n");
    (void)close(fd);
}
END_TEST

START_TEST(each_successor_counts_in_the_minute)
{
    const struct pool_ops ops = {
        .spare_min = 1, .spare_max = 4, .successors = true, .keep_sockets = 1};
    char reply[256];
    int fd;

    configure("max_clients = 9\nmax_clients_per_ip = 1\nmax_per_minute_per_ip = 2\n");
    start(&ops);
    fd = talk("next\nnext\nhello", reply);
    ck_assert_str_eq(reply, "none\n");
    (void)close(fd);
}
END_TEST

START_TEST(limits_refuse_with_a_text)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 2};
    char reply[256];

    configure("max_clients = 10\nmax_clients_per_ip = 2\n");
    start(&ops);
    (void)talk("hang", reply);
    (void)talk("hang", reply);
    (void)talk("hang", reply);
    ck_assert_str_eq(reply, "-ERR refused\n");
}
END_TEST

START_TEST(a_burst_finds_a_process_each)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 2};
    int fds[60];
    char reply[256];

    configure("max_clients = 100\n");
    start(&ops);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = talk("hang", reply);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
}
END_TEST

START_TEST(authd_gets_each_session_s_channel)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 2};
    struct strbuf frame = strbuf_new(1000);
    struct authd_attach attach;
    struct frame_header header;
    struct ipc_client *parent, *session;
    struct ipc_reply message;
    struct pollfd p;
    char reply[256];
    int fd;

    configure("max_clients = 10\n");
    start(&ops);
    parent = ipc_client_adopt(accept(authd_fd, NULL, NULL), AUTHD_PAYLOAD_MAX);
    fd = dial();
    ck_assert_int_eq(write_all(fd, SLICE("auth")), 0);
    ck_assert_int_eq(ipc_client_receive(parent, STEP_MS, &header, &message), 0);
    ck_assert_uint_eq(header.type, AUTHD_ATTACH);
    ck_assert_int_eq(authd_attach_decode(message.payload, &attach), 0);
    ck_assert(slice_eq(attach.client_ip, SLICE("127.0.0.1")));
    ck_assert(slice_eq(attach.service, SLICE("echod")));
    ck_assert_uint_eq(attach.local_port, port);
    ck_assert_int_ge(message.fd, 0);
    session = ipc_client_adopt(message.fd, AUTHD_PAYLOAD_MAX);
    ck_assert_int_eq(authd_data_encode(&frame, AUTHD_CHALLENGE, 0, SLICE("")), 0);
    ck_assert_int_eq(ipc_client_send(session, &frame, -1, STEP_MS), 0);
    p = (struct pollfd){.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, STEP_MS), 1);
    ck_assert_int_gt(read(fd, reply, sizeof(reply)), 0);
    ck_assert_ptr_nonnull(strstr(reply, "type5"));
    strbuf_free(&frame);
    ipc_client_free(&parent);
    ipc_client_free(&session);
}
END_TEST

START_TEST(sessions_end_when_the_parent_is_killed)
{
    const struct pool_ops ops = {.spare_min = 2, .spare_max = 4};
    char reply[256];
    int fd;

    configure("max_clients = 10\n");
    start(&ops);
    fd = talk("hang", reply);
    ck_assert_int_eq(kill(daemon_pid, SIGKILL), 0);
    ck_assert(closes(fd, STEP_MS));
}
END_TEST

START_TEST(sessions_end_when_master_is_gone)
{
    const struct pool_ops ops = {.spare_min = 2, .spare_max = 4};
    char reply[256];
    int fd;

    configure("max_clients = 10\n");
    start(&ops);
    fd = talk("hang", reply);
    ck_assert_int_eq(close(control[0]), 0);
    ck_assert(closes(fd, 250)); /* no drain time for orphans */
}
END_TEST

static bool
daemon_ended(void)
{
    int status;

    for (int i = 0; i < 1000; i++) {
        if (waitpid(daemon_pid, &status, WNOHANG) == daemon_pid) {
            daemon_pid = 0;
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
        (void)usleep(10000);
    }
    return false;
}

START_TEST(sigterm_lets_a_session_finish)
{
    const struct pool_ops ops = {.spare_min = 2, .spare_max = 4};
    char reply[256];
    int fd;

    configure("max_clients = 10\n");
    start(&ops);
    fd = talk("hang", reply);
    ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
    ck_assert(!closes(fd, 150)); /* drain_time is 300 ms */
    ck_assert(closes(fd, STEP_MS));
    ck_assert(daemon_ended());
}
END_TEST

START_TEST(sighup_waits_for_the_last_session)
{
    const struct pool_ops ops = {.spare_min = 2, .spare_max = 4};
    char reply[256];
    int fd;

    configure("max_clients = 10\n");
    start(&ops);
    fd = talk("hang", reply);
    ck_assert_int_eq(kill(daemon_pid, SIGHUP), 0);
    ck_assert(!closes(fd, 600));
    (void)close(fd);
    ck_assert(daemon_ended());
}
END_TEST

START_TEST(a_lost_worker_costs_its_session_alone)
{
    const struct pool_ops ops = {.spare_min = 1, .spare_max = 2};
    char reply[256];
    int fd;

    configure("max_clients = 10\nmax_clients_per_ip = 1\n");
    start(&ops);
    fd = talk("hang", reply);
    ck_assert_int_eq(kill((pid_t)atoll(reply), SIGKILL), 0);
    ck_assert(closes(fd, STEP_MS));
    (void)usleep(100000);
    (void)talk("again", reply); /* its place in the limits is free again */
    ck_assert_ptr_nonnull(strstr(reply, "again"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("pool");
    TCase *tc = tcase_create("pool");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_session_has_a_process_of_its_own);
    tcase_add_test(tc, a_worker_without_capability_serves_again);
    tcase_add_test(tc, a_connection_goes_on_in_another_process);
    tcase_add_test(tc, behind_a_relay_there_is_no_other);
    tcase_add_test(tc, each_successor_counts_in_the_minute);
    tcase_add_test(tc, limits_refuse_with_a_text);
    tcase_add_test(tc, a_burst_finds_a_process_each);
    tcase_add_test(tc, authd_gets_each_session_s_channel);
    tcase_add_test(tc, sessions_end_when_the_parent_is_killed);
    tcase_add_test(tc, sessions_end_when_master_is_gone);
    tcase_add_test(tc, sigterm_lets_a_session_finish);
    tcase_add_test(tc, sighup_waits_for_the_last_session);
    tcase_add_test(tc, a_lost_worker_costs_its_session_alone);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
