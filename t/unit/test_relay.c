/*
 * t/unit/test_relay.c - lib/tls/relay between a client and a session, both played by the test.
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/tls/relay.h"

#define STEP_MS 5000
#define MUCH ((size_t)8 << 20) /* more than all buffers on the way together */

static int client, session;
static pid_t relay;

static void
start_relay(const char *read_before)
{
    int outer[2], inner[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, outer), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, inner), 0);
    client = outer[0];
    session = inner[0];
    relay = fork();
    if (relay == 0) {
        struct stream *s = stream_new(outer[1], 16384);

        (void)close(client);
        (void)close(session);
        stream_preload(s, slice_of(read_before));
        relay_run(s, inner[1]);
        stream_free(&s);
        (void)close(inner[1]);
        _exit(0);
    }
    (void)close(outer[1]);
    (void)close(inner[1]);
}

static void
stop_relay(void)
{
    int status;

    (void)close(client);
    (void)close(session);
    ck_assert_int_eq(waitpid(relay, &status, 0), relay);
    ck_assert_int_eq(status, 0);
}

static void
expect(int fd, const char *text)
{
    char got[64] = {0};
    size_t len = 0;

    while (len < strlen(text)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n;

        ck_assert_int_eq(poll(&p, 1, STEP_MS), 1);
        n = read(fd, got + len, sizeof(got) - 1 - len);
        ck_assert_int_gt(n, 0);
        len += (size_t)n;
    }
    ck_assert_str_eq(got, text);
}

START_TEST(both_ways_and_first_what_was_read_before)
{
    start_relay("before ");
    ck_assert_int_eq(write_all(client, SLICE("after")), 0);
    expect(session, "before after");
    ck_assert_int_eq(write_all(session, SLICE("answer")), 0);
    expect(client, "answer");
    stop_relay();
}
END_TEST

/* A client that has said all still gets what the session answers. */
START_TEST(the_client_s_end_is_passed_on_and_the_answer_comes_back)
{
    char byte;

    start_relay("");
    ck_assert_int_eq(write_all(client, SLICE("last")), 0);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    expect(session, "last");
    ck_assert_int_eq(read(session, &byte, 1), 0);
    ck_assert_int_eq(write_all(session, SLICE("bye")), 0);
    expect(client, "bye");
    stop_relay();
}
END_TEST

START_TEST(the_session_s_end_ends_the_connection)
{
    char byte;

    start_relay("");
    ck_assert_int_eq(write_all(session, SLICE("bye")), 0);
    (void)close(session);
    session = -1;
    expect(client, "bye");
    ck_assert_int_eq(read(client, &byte, 1), 0);
    stop_relay();
}
END_TEST

/* Writes until nothing goes any more; the number of bytes. */
static size_t
fill(int fd)
{
    static const char piece[65536];
    size_t sent = 0;
    ssize_t n;

    do {
        struct pollfd p = {.fd = fd, .events = POLLOUT};

        n = poll(&p, 1, 200) == 1 ? send(fd, piece, sizeof(piece), MSG_DONTWAIT) : -1;
        sent += n > 0 ? (size_t)n : 0;
    } while (n > 0 && sent < MUCH);
    return sent;
}

static size_t
drain(int fd, size_t want)
{
    static char piece[65536];
    size_t got = 0;

    while (got < want) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, STEP_MS) == 1 ? read(fd, piece, sizeof(piece)) : 0;

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got;
}

/* The session does not read: it writes. Whoever waited for it to read would wait for ever. */
START_TEST(a_session_that_does_not_read_can_write)
{
    size_t sent;

    start_relay("");
    sent = fill(client);
    ck_assert_uint_lt(sent, MUCH); /* and is not held in memory either */
    ck_assert_int_eq(write_all(session, SLICE("a long answer")), 0);
    expect(client, "a long answer");
    ck_assert_uint_eq(drain(session, sent), sent);
    stop_relay();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("relay");
    TCase *tc = tcase_create("relay");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, both_ways_and_first_what_was_read_before);
    tcase_add_test(tc, the_client_s_end_is_passed_on_and_the_answer_comes_back);
    tcase_add_test(tc, the_session_s_end_ends_the_connection);
    tcase_add_test(tc, a_session_that_does_not_read_can_write);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
