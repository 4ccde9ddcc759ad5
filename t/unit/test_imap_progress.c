/*
 * t/unit/test_imap_progress.c - imapd/progress: what is told, and when.
 */
// LINK: imapd/progress.c
#include "imapd/progress.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"

static int peer;
static struct session session;

static void
setup(void)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    peer = fds[0];
    session = (struct session){.stream = stream_new(fds[1], 1024), .tag = SLICE("A001")};
}

static void
teardown(void)
{
    stream_free(&session.stream);
    (void)close(peer);
}

static void
check_told(const char *expected)
{
    char buf[200] = "";
    ssize_t n = read(peer, buf, sizeof(buf) - 1);

    ck_assert_int_eq(n, expected[0] == '\0' ? -1 : (ssize_t)strlen(expected));
    ck_assert_str_eq(buf, expected);
}

START_TEST(nothing_for_ten_seconds_then_once_each_ten)
{
    struct progress p = progress_begin(&session, 1000);
    int64_t now = clock_mono_ms();

    ck_assert_int_ge(p.next_ms, now + 9000);
    ck_assert_int_le(p.next_ms, now + 15000);
    progress_step(&p, 64);
    check_told("");
    p.next_ms = now;
    progress_step(&p, 448);
    check_told("* OK [INPROGRESS (\"A001\" 448 1000)] Still at work\r\n");
    ck_assert_int_ge(p.next_ms, now + 9000);
    progress_step(&p, 512);
    check_told("");
}
END_TEST

START_TEST(the_end_is_told_by_the_tagged_response)
{
    struct progress p = progress_begin(&session, 64);

    p.next_ms = 0;
    progress_step(&p, 64);
    check_told("");
}
END_TEST

START_TEST(a_tag_that_would_end_the_code_is_left_out)
{
    struct progress p = progress_begin(&session, 1000);

    session.tag = SLICE("a]");
    p.next_ms = 0;
    progress_step(&p, 128);
    check_told("* OK [INPROGRESS (NIL 128 1000)] Still at work\r\n");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("imap_progress");
    TCase *tc = tcase_create("progress");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_for_ten_seconds_then_once_each_ten);
    tcase_add_test(tc, the_end_is_told_by_the_tagged_response);
    tcase_add_test(tc, a_tag_that_would_end_the_code_is_left_out);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
