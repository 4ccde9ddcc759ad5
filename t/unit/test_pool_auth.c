/*
 * t/unit/test_pool_auth.c - lib/sys/pool_auth: what waits for authd, and a descriptor that cannot
 * be passed on.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/ipc/peer.h"
#include "lib/ipc/socket.h"
#include "lib/sys/pool_auth.h"

enum { HIGH_FD = 500, DEADLINE_MS = 20000, STEP_MS = 5 };

static char dir[] = "/tmp/rt-test-pool-auth-XXXXXX";
static int dir_fd, sessions, follows;
static struct loop *loop;
static int64_t deadline_ms;

/* ---- authd ---- */

static int
frame_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    (void)peer;
    (void)payload;
    sessions += header->type == AUTHD_ATTACH && fd >= 0;
    follows += header->type == AUTHD_FOLLOW_BLOCKS;
    close_keep_errno(fd);
    return 0;
}

static const struct ipc_handlers handlers = {.payload_max = 4096, .frame = frame_came};

static bool
anybody(uid_t uid, void *data)
{
    (void)uid;
    (void)data;
    return true;
}

static int
listen_as_authd(void)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(ipc_socket_address(dir_fd, AUTHD_SOCKET, &address), 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

/* ---- the parent ---- */

static void
look(void *arg)
{
    struct loop_timer **timer = arg;

    if ((sessions > 0 && follows > 0) || clock_mono_ms() > deadline_ms)
        loop_stop(loop);
    else
        loop_timer_set(*timer, STEP_MS);
}

static void
end(void *arg, struct slice session_id)
{
    (void)arg;
    (void)session_id;
}

static void
attach(struct pool_auth *auth, int fd)
{
    const struct authd_attach session = {.service = SLICE("imap"),
                                         .client_ip = SLICE("192.0.2.1"),
                                         .local_ip = SLICE("192.0.2.2"),
                                         .client_port = 1,
                                         .local_port = 143,
                                         .session_id = SLICE("id")};

    pool_auth_attach(auth, &session, fd);
}

/* The first that waits has a descriptor that is none any more by then: the connection is lost in
 * the middle of what is told, and the next one takes the rest. */
START_TEST(what_cannot_be_passed_on_costs_its_session_alone)
{
    struct blocked_set *blocked = blocked_set_new();
    struct pool_auth *auth = pool_auth_new(loop, dir_fd, blocked, end, NULL);
    struct loop_timer *timer = loop_timer_new(loop, look, &timer);
    struct ipc_server *authd;
    int listen_fd, pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    attach(auth, HIGH_FD); /* it is not open */
    attach(auth, pair[0]);
    listen_fd = listen_as_authd();
    authd = ipc_server_new(loop, listen_fd, &handlers, anybody, 4, NULL);
    deadline_ms = clock_mono_ms() + DEADLINE_MS;
    loop_timer_set(timer, STEP_MS);
    loop_run(loop);
    ck_assert_int_eq(sessions, 1);
    ck_assert_int_eq(follows, 1);
    pool_auth_free(&auth);
    ipc_server_free(&authd);
    loop_timer_free(&timer);
    blocked_set_free(&blocked);
    (void)close(listen_fd);
    (void)close(pair[1]);
}
END_TEST

static void
begin(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
    loop = loop_new();
}

static void
finish(void)
{
    loop_free(&loop);
    (void)unlinkat(dir_fd, AUTHD_SOCKET, 0);
    (void)close(dir_fd);
    (void)rmdir(dir);
}

int
main(void)
{
    Suite *suite = suite_create("pool_auth");
    TCase *tc = tcase_create("pool_auth");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, begin, finish);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_cannot_be_passed_on_costs_its_session_alone);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
