/*
 * t/unit/test_guess.c - lib/auth/guess: counts within an interval that a flood cannot wash away.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/auth/guess.h"

enum { INTERVAL_MS = 600000, STEP_MS = INTERVAL_MS / 10, START_MS = 5000000 };

static struct guess_table *table;

static unsigned
fails(const char *name, int count, int64_t now_ms)
{
    unsigned sum = 0;

    for (int i = 0; i < count; i++)
        sum = guess_count(table, slice_of(name), now_ms);
    return sum;
}

/* So many other names, each with `each` failures in a row. */
static void
flood(int names, int each, int64_t now_ms)
{
    char name[32];

    for (int i = 0; i < names; i++) {
        (void)snprintf(name, sizeof(name), "2001:db8:%x:%x::/64", i >> 16, i & 0xffff);
        (void)fails(name, each, now_ms);
    }
}

START_TEST(the_interval_slides)
{
    table = guess_table_new(INTERVAL_MS);
    ck_assert_uint_eq(fails("192.0.2.1", 3, START_MS), 3);
    ck_assert_uint_eq(fails("192.0.2.2", 1, START_MS), 1);
    ck_assert_uint_eq(fails("192.0.2.1", 2, START_MS + 5 * STEP_MS), 5);
    ck_assert_uint_eq(fails("192.0.2.1", 1, START_MS + 9 * STEP_MS), 6);
    ck_assert_uint_eq(fails("192.0.2.1", 1, START_MS + 10 * STEP_MS), 4); /* the first three went */
    ck_assert_uint_eq(fails("192.0.2.1", 1, START_MS + 15 * STEP_MS), 3);
    ck_assert_uint_eq(fails("192.0.2.1", 1, START_MS + 500 * STEP_MS), 1);
    guess_table_free(&table);
}
END_TEST

START_TEST(what_is_forgotten_starts_anew)
{
    table = guess_table_new(INTERVAL_MS);
    ck_assert_uint_eq(fails("a@d.test", 19, START_MS), 19);
    guess_forget(table, SLICE("a@d.test"));
    guess_forget(table, SLICE("nobody@d.test"));
    ck_assert_uint_eq(fails("a@d.test", 1, START_MS), 1);
    guess_table_free(&table);
}
END_TEST

/* Sixteen times as many names as there are places: they push each other out. */
START_TEST(the_newest_are_taken_off)
{
    table = guess_table_new(1000);
    ck_assert_uint_eq(guess_add(table, SLICE("a"), 5, 1000), 5);
    ck_assert_uint_eq(guess_add(table, SLICE("a"), 3, 1500), 8);
    guess_take_off(table, SLICE("a"), 4, 1500);
    guess_take_off(table, SLICE("b"), 4, 1500); /* not there: it makes no place for it */
    ck_assert_uint_eq(guess_add(table, SLICE("a"), 0, 1500), 4);
    ck_assert_uint_eq(guess_add(table, SLICE("a"), 0, 2100), 0); /* all of them are the old ones */
    guess_take_off(table, SLICE("a"), 9, 2100);
    ck_assert_uint_eq(guess_count(table, SLICE("a"), 2100), 1);
    guess_table_free(&table);
}
END_TEST

START_TEST(a_flood_of_names_washes_nobody_clean)
{
    table = guess_table_new(INTERVAL_MS);
    ck_assert_uint_eq(fails("192.0.2.1", 2, START_MS), 2);
    flood(16 * GUESS_NAMES_MAX, 1, START_MS + STEP_MS);
    ck_assert_uint_eq(fails("192.0.2.1", 1, START_MS + STEP_MS), 3);
    guess_table_free(&table);
}
END_TEST

START_TEST(places_of_those_whose_time_is_over_are_free)
{
    char name[24];

    table = guess_table_new(INTERVAL_MS);
    flood(4 * GUESS_NAMES_MAX, 3, START_MS);
    for (unsigned round = 1; round <= 2; round++) {
        for (int i = 0; i < 100; i++) {
            (void)snprintf(name, sizeof(name), "192.0.2.%d", i);
            ck_assert_uint_eq(fails(name, 1, START_MS + 20 * STEP_MS), round);
        }
        flood(GUESS_NAMES_MAX / 16, 1, START_MS + 20 * STEP_MS);
    }
    guess_table_free(&table);
}
END_TEST

/* A count has a ceiling, and stays there. */
START_TEST(counts_do_not_wrap)
{
    table = guess_table_new(INTERVAL_MS);
    ck_assert_uint_eq(fails("192.0.2.1", 70000, START_MS), 65535);
    guess_table_free(&table);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("guess");
    TCase *tc = tcase_create("guess");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, the_interval_slides);
    tcase_add_test(tc, what_is_forgotten_starts_anew);
    tcase_add_test(tc, the_newest_are_taken_off);
    tcase_add_test(tc, a_flood_of_names_washes_nobody_clean);
    tcase_add_test(tc, places_of_those_whose_time_is_over_are_free);
    tcase_add_test(tc, counts_do_not_wrap);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
