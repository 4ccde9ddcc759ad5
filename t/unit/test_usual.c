/*
 * t/unit/test_usual.c - lib/account/usual: how much mail is usual for a user.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/account/usual.h"

#define DAY_MS INT64_C(86400000)
enum { FACTOR = 3, MIN = 20, DAYS = 5 };

static const struct usual_limits limits = {.factor = FACTOR, .min = MIN, .days = DAYS};

static bool
sends(struct usual *u, uint64_t rcpts, int day)
{
    return usual_count(u, rcpts, &limits, 20000 * DAY_MS + day * DAY_MS + 1000);
}

/* `count` days with ten recipients each, from day 0 on. */
static struct usual
habit_of(int count)
{
    struct usual u = {0};

    for (int day = 0; day < count; day++)
        ck_assert(!sends(&u, 10, day));
    return u;
}

START_TEST(more_than_the_factor_is_unusual)
{
    struct usual u = habit_of(DAYS);

    ck_assert(!sends(&u, 30, DAYS));
    ck_assert(sends(&u, 1, DAYS));
    ck_assert(sends(&u, 1, DAYS)); /* for the rest of the day */
    u = habit_of(DAYS);
    ck_assert(sends(&u, 31, DAYS));
}
END_TEST

START_TEST(nothing_is_unusual_before_it_is_known)
{
    struct usual u = habit_of(DAYS - 1);

    ck_assert(!sends(&u, 1000, DAYS));
}
END_TEST

START_TEST(little_mail_is_never_unusual)
{
    struct usual u = {0};

    for (int day = 0; day < DAYS; day++)
        ck_assert(!sends(&u, 1, day));
    ck_assert(!sends(&u, MIN, DAYS));
    ck_assert(sends(&u, 1, DAYS));
}
END_TEST

START_TEST(unusual_mail_teaches_nothing)
{
    struct usual u = habit_of(DAYS);

    for (int day = DAYS; day < DAYS + 30; day++)
        ck_assert(sends(&u, 1000, day));
}
END_TEST

START_TEST(what_did_not_go_teaches_nothing)
{
    struct usual u = {.day = 3, .sent = 10, .held = 4};

    usual_uncount(&u, 7, false);
    ck_assert(u.sent == 3 && u.held == 4);
    usual_uncount(&u, 4, true);
    usual_uncount(&u, 4, false);
    ck_assert(u.sent == 0 && u.held == 0);
}
END_TEST

START_TEST(what_is_usual_grows_at_once_and_shrinks_slowly)
{
    struct usual u = habit_of(DAYS);

    ck_assert(!sends(&u, 30, DAYS));
    ck_assert(!sends(&u, 90, DAYS + 1));
    for (int day = DAYS + 2; day < DAYS + 6; day++)
        ck_assert(!sends(&u, 10, day));
    ck_assert(!sends(&u, 100, DAYS + 6)); /* three times 90 * (7/8)^4 is 158 */
    for (int day = DAYS + 7; day < DAYS + 40; day++)
        ck_assert(!sends(&u, 10, day));
    ck_assert(sends(&u, 100, DAYS + 40));
}
END_TEST

START_TEST(without_a_factor_nothing_is_unusual)
{
    const struct usual_limits off = {.factor = 0, .min = 1, .days = 0};
    struct usual u = {0};

    ck_assert(!usual_count(&u, 100000, &off, DAY_MS));
}
END_TEST

/* Numbers from outside do not overflow. */
START_TEST(huge_numbers_are_unusual)
{
    struct usual u = habit_of(DAYS);

    ck_assert(sends(&u, UINT64_C(1) << 39, DAYS));
    ck_assert(sends(&u, UINT64_C(1) << 39, DAYS));
}
END_TEST

START_TEST(rows_are_read_as_they_were_written)
{
    struct usual u = habit_of(DAYS), back = {0};
    struct strbuf row = strbuf_new(128);

    usual_print(&u, &row);
    ck_assert_int_eq(usual_parse(strbuf_slice(&row), &back), 0);
    ck_assert(back.day == u.day && back.amount == u.amount && back.days == u.days);
    ck_assert(sends(&back, 31, DAYS));
    ck_assert_int_eq(usual_parse(SLICE("1 2 3 4"), &back), -1);
    ck_assert_int_eq(usual_parse(SLICE("1 2 3 4 5 6"), &back), -1);
    ck_assert_int_eq(usual_parse(SLICE("1 2 3 -4 5"), &back), -1);
    strbuf_free(&row);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("usual");
    TCase *tc = tcase_create("usual");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, more_than_the_factor_is_unusual);
    tcase_add_test(tc, nothing_is_unusual_before_it_is_known);
    tcase_add_test(tc, little_mail_is_never_unusual);
    tcase_add_test(tc, unusual_mail_teaches_nothing);
    tcase_add_test(tc, what_did_not_go_teaches_nothing);
    tcase_add_test(tc, what_is_usual_grows_at_once_and_shrinks_slowly);
    tcase_add_test(tc, without_a_factor_nothing_is_unusual);
    tcase_add_test(tc, huge_numbers_are_unusual);
    tcase_add_test(tc, rows_are_read_as_they_were_written);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
