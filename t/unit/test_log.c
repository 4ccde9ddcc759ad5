/*
 * t/unit/test_log.c - lib/log/log: batching, and what happens when logd does not take the lines.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/log/line.h"
#include "lib/log/log.h"
#include "lib/sys/loop_log.h"

static int ends[2]; /* ours, the client's */

static void
setup(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    log_open("smtpd", "smtp", ends[1]);
}

static void
teardown(void)
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* The next datagram as text, or "" if there is none. */
static const char *
next_datagram(void)
{
    static char text[LOG_DATAGRAM_MAX + 1];
    ssize_t n = recv(ends[0], text, LOG_DATAGRAM_MAX, MSG_DONTWAIT);

    text[n < 0 ? 0 : n] = '\0';
    return text;
}

START_TEST(lines_leave_together_at_flush)
{
    const char *text;

    log_note(LOG_INFO, "one");
    log_event(LOG_WARN, "two", KV_STR("k", "v"));
    ck_assert_str_eq(next_datagram(), "");
    log_flush();
    text = next_datagram();
    ck_assert(slice_starts(slice_of(text), SLICE("smtp\n20")));
    ck_assert_ptr_nonnull(strstr(text, " info event=one\n"));
    ck_assert_ptr_nonnull(strstr(text, " warn event=two k=v\n"));
    log_flush();
    ck_assert_str_eq(next_datagram(), "");
}
END_TEST

START_TEST(errors_leave_at_once)
{
    log_note(LOG_ERROR, "bad");
    ck_assert_ptr_nonnull(strstr(next_datagram(), " error event=bad\n"));
}
END_TEST

START_TEST(finer_levels_are_not_written)
{
    log_note(LOG_DEBUG, "fine");
    log_flush();
    ck_assert_str_eq(next_datagram(), "");
    log_set_level(LOG_DEBUG);
    log_note(LOG_DEBUG, "fine");
    log_flush();
    ck_assert_ptr_nonnull(strstr(next_datagram(), " debug event=fine\n"));
}
END_TEST

START_TEST(the_context_is_on_every_line_until_taken_back)
{
    log_context((const struct log_kv[]){KV_STR("session", "s1"), KV_END});
    log_event(LOG_INFO, "a", KV_U64("n", 1));
    log_context(NULL);
    log_event(LOG_INFO, "b", KV_U64("n", 2));
    log_flush();
    ck_assert_ptr_nonnull(strstr(next_datagram(), "event=a session=s1 n=1\n"));
    log_flush();
}
END_TEST

START_TEST(a_child_does_not_send_its_parents_lines)
{
    log_note(LOG_INFO, "parent");
    log_forked();
    log_note(LOG_INFO, "child");
    log_flush();
    ck_assert_ptr_null(strstr(next_datagram(), "event=parent"));
}
END_TEST

START_TEST(many_lines_go_in_several_datagrams)
{
    static char value[LOG_VALUE_MAX];
    size_t count = 0;

    memset(value, 'x', sizeof(value));
    for (int i = 0; i < 12; i++)
        log_event(LOG_INFO, "e", KV_SLICE("k", slice_make(value, sizeof(value))));
    log_flush();
    for (const char *text = next_datagram(); *text != '\0'; text = next_datagram()) {
        ck_assert_uint_lt(strlen(text), LOG_DATAGRAM_MAX);
        for (; (text = strstr(text, "event=e")) != NULL; text++)
            count++;
    }
    ck_assert_uint_eq(count, 12);
}
END_TEST

START_TEST(a_stuck_reader_costs_one_wait_and_is_reported)
{
    int64_t start = clock_mono_ms();
    const char *text;

    for (int i = 0; i < 1000; i++)
        log_note(LOG_ERROR, "flood"); /* flushes each: the queue of the socket is soon full */
    ck_assert_int_lt(clock_mono_ms() - start, 400);
    while (*next_datagram() != '\0') {
    }
    (void)usleep(1100000); /* past the rest */
    log_note(LOG_ERROR, "again");
    log_flush();
    text = next_datagram();
    for (; *text != '\0' && strstr(text, "log_lines_lost count=") == NULL; text = next_datagram()) {
    }
    ck_assert_ptr_nonnull(strstr(text, "log_lines_lost count="));
}
END_TEST

static void
end_loop(void *arg)
{
    loop_stop(arg);
}

/* A quiet daemon's one line must not wait for the next thing that happens to it. */
START_TEST(what_waits_for_a_stuck_reader_leaves_by_itself)
{
    struct loop *loop = loop_new();
    struct loop_timer *end = loop_timer_new(loop, end_loop, loop);
    const char *text;

    loop_flush_log(loop);
    while (log_wait_ms() == 0)
        log_note(LOG_ERROR, "flood"); /* flushes each, until the queue of the socket is full */
    while (*next_datagram() != '\0') {
    }
    log_note(LOG_INFO, "last");
    ck_assert_int_gt(log_wait_ms(), 0);
    loop_timer_set(end, 2000);
    loop_run(loop);
    ck_assert_int_eq(log_wait_ms(), 0);
    text = next_datagram();
    for (; *text != '\0' && strstr(text, "event=last") == NULL; text = next_datagram()) {
    }
    ck_assert_ptr_nonnull(strstr(text, "event=last"));
    loop_timer_free(&end);
    loop_free(&loop);
}
END_TEST

START_TEST(errno_survives_logging)
{
    errno = EXDEV;
    log_event(LOG_ERROR, "e", KV_ERRNO());
    ck_assert_int_eq(errno, EXDEV);
    ck_assert_ptr_nonnull(strstr(next_datagram(), "error=\"Invalid cross-device link\""));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log");
    TCase *tc = tcase_create("log");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, lines_leave_together_at_flush);
    tcase_add_test(tc, errors_leave_at_once);
    tcase_add_test(tc, finer_levels_are_not_written);
    tcase_add_test(tc, the_context_is_on_every_line_until_taken_back);
    tcase_add_test(tc, a_child_does_not_send_its_parents_lines);
    tcase_add_test(tc, many_lines_go_in_several_datagrams);
    tcase_add_test(tc, a_stuck_reader_costs_one_wait_and_is_reported);
    tcase_add_test(tc, what_waits_for_a_stuck_reader_leaves_by_itself);
    tcase_add_test(tc, errno_survives_logging);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
