/*
 * t/unit/test_throttle.c - authd/throttle: how late the answer to a failed login comes.
 */
// LINK: authd/throttle.c
#include <check.h>
#include <stdlib.h>

#include "authd/throttle.h"

enum { DELAY_MS = 100, HALF_LIFE_MS = 60000 };

static struct throttle *throttle;

static const struct client_address one = {.share = 0x7f000001},
                                   local = {.share = 0x7f000003, .loopback = true};

/* The delay of the last of `count` failures. */
static int64_t
fails(const struct client_address *client, int count, int64_t now_ms)
{
    int64_t delay_ms = 0;

    for (int i = 0; i < count; i++)
        delay_ms = throttle_failed(throttle, client, now_ms);
    return delay_ms;
}

START_TEST(answers_come_later_and_later_up_to_a_limit)
{
    throttle = throttle_new(DELAY_MS);
    ck_assert_int_eq(fails(&one, 1, 1000), DELAY_MS);
    ck_assert_int_eq(fails(&one, 1, 1000), 2 * DELAY_MS);
    ck_assert_int_eq(fails(&one, 1, 1000), 4 * DELAY_MS);
    ck_assert_int_eq(fails(&one, 100, 1000), 16 * DELAY_MS);
    throttle_free(&throttle);
    throttle = throttle_new(20 * DELAY_MS);
    ck_assert_int_eq(fails(&one, 9, 1000), 16000); /* 16 s are the longest of all */
    throttle_free(&throttle);
}
END_TEST

START_TEST(failures_are_forgotten_with_time)
{
    int64_t now_ms = 1000;

    throttle = throttle_new(DELAY_MS);
    ck_assert_int_eq(fails(&one, 4, now_ms), 8 * DELAY_MS);
    now_ms += HALF_LIFE_MS - 1;
    ck_assert_int_eq(fails(&one, 1, now_ms), 16 * DELAY_MS); /* none of them yet; five now */
    now_ms += HALF_LIFE_MS;
    ck_assert_int_eq(fails(&one, 1, now_ms), 4 * DELAY_MS); /* half of five, and one */
    now_ms += 2 * HALF_LIFE_MS;
    ck_assert_int_eq(fails(&one, 1, now_ms), DELAY_MS); /* all three */
    (void)fails(&one, 1000, now_ms);
    now_ms += 20 * HALF_LIFE_MS;
    ck_assert_int_eq(fails(&one, 1, now_ms), DELAY_MS); /* however many they were */
    throttle_free(&throttle);
}
END_TEST

START_TEST(neither_neighbours_nor_this_machine_wait_for_an_attacker)
{
    throttle = throttle_new(DELAY_MS);
    (void)fails(&one, 100, 1000);
    for (uint64_t share = 1000; share < 21000; share++) /* more than there are places */
        ck_assert_int_eq(fails(&(struct client_address){.share = share}, 1, 1000), DELAY_MS);
    ck_assert_int_eq(fails(&local, 100, 1000), DELAY_MS);
    throttle_free(&throttle);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("throttle");
    TCase *tc = tcase_create("throttle");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, answers_come_later_and_later_up_to_a_limit);
    tcase_add_test(tc, failures_are_forgotten_with_time);
    tcase_add_test(tc, neither_neighbours_nor_this_machine_wait_for_an_attacker);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
