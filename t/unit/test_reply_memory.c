/*
 * t/unit/test_reply_memory.c - lib/store/reply_memory: each correspondent once in the period.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/store/reply_memory.h"
#include "t/unit/scratch.h"

#define NOW_MS INT64_C(1800000000000)
#define PERIOD_MS 1000
#define BOB SLICE("bob@far.test")

static int mail_fd;

static void
setup(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    mail_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(mail_fd, 0);
    ck_assert_int_eq(mkdirat(mail_fd, "tmp", 0700), 0);
}

static void
teardown(void)
{
    (void)close(mail_fd);
    scratch_remove();
}

/* Looks, and notes a first one. */
static enum reply_turn
turn(struct slice who, const char *id, int64_t now_ms)
{
    struct strbuf kept = strbuf_new(REPLY_MEMORY_BYTES);
    enum reply_turn t = reply_memory_look(mail_fd, who, slice_of(id), now_ms, PERIOD_MS, &kept);

    if (t == REPLY_FIRST)
        ck_assert_int_eq(reply_memory_note(mail_fd, who, slice_of(id), now_ms, &kept), 0);
    strbuf_free(&kept);
    return t;
}

START_TEST(once_in_the_period)
{
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS), REPLY_FIRST);
    ck_assert_int_eq(turn(BOB, "id2", NOW_MS + 1), REPLY_TOLD);
    ck_assert_int_eq(turn(SLICE("BOB@Far.test"), "id2", NOW_MS + 1), REPLY_TOLD);
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS + 1), REPLY_AGAIN); /* a crash came in between */
    ck_assert_int_eq(turn(SLICE("eve@far.test"), "id2", NOW_MS + 500), REPLY_FIRST);
    ck_assert_int_eq(turn(BOB, "id3", NOW_MS + PERIOD_MS - 1), REPLY_TOLD);
    ck_assert_int_eq(turn(BOB, "id3", NOW_MS + PERIOD_MS), REPLY_FIRST);
    ck_assert_int_eq(turn(SLICE("eve@far.test"), "id4", NOW_MS + PERIOD_MS), REPLY_TOLD);
}
END_TEST

START_TEST(a_clock_that_was_wrong_keeps_nobody_silent)
{
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS + 1000000), REPLY_FIRST);
    ck_assert_int_eq(turn(BOB, "id2", NOW_MS), REPLY_FIRST);
}
END_TEST

START_TEST(it_is_bounded)
{
    char who[32];

    for (int i = 0; i < REPLY_MEMORY_MAX; i++) {
        (void)snprintf(who, sizeof(who), "u%d@far.test", i);
        ck_assert_int_eq(turn(slice_of(who), "0123456789abcdef0123456789abcdef", NOW_MS),
                         REPLY_FIRST);
    }
    ck_assert_int_eq(turn(BOB, "id", NOW_MS), REPLY_FULL);
    ck_assert_int_eq(turn(SLICE("u7@far.test"), "id", NOW_MS), REPLY_TOLD);
    ck_assert_int_eq(turn(BOB, "id", NOW_MS + PERIOD_MS), REPLY_FIRST);
}
END_TEST

/* The user's sessions may have put anything there. */
START_TEST(damage_is_dropped)
{
    int fd = openat(mail_fd, "posthorn.replied", O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write_all(fd, SLICE("x\n\n0 0 0\n\xff\xff 1800000000000 id\n")), 0);
    (void)close(fd);
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS), REPLY_FIRST);
    ck_assert_int_eq(turn(BOB, "id2", NOW_MS), REPLY_TOLD);
}
END_TEST

START_TEST(a_link_leads_nowhere)
{
    ck_assert_int_eq(symlinkat("/etc/passwd", mail_fd, "posthorn.replied"), 0);
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS), REPLY_FAILED);
}
END_TEST

START_TEST(what_a_crash_left_is_no_hindrance)
{
    int fd = openat(mail_fd, "tmp/posthorn.replied", O_WRONLY | O_CREAT, 0600);

    (void)close(fd);
    ck_assert_int_eq(turn(BOB, "id1", NOW_MS), REPLY_FIRST);
    ck_assert_int_eq(turn(BOB, "id2", NOW_MS), REPLY_TOLD);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("reply_memory");
    TCase *tc = tcase_create("reply_memory");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, once_in_the_period);
    tcase_add_test(tc, a_clock_that_was_wrong_keeps_nobody_silent);
    tcase_add_test(tc, it_is_bounded);
    tcase_add_test(tc, damage_is_dropped);
    tcase_add_test(tc, a_link_leads_nowhere);
    tcase_add_test(tc, what_a_crash_left_is_no_hindrance);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
