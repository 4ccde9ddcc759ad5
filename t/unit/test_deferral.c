/*
 * t/unit/test_deferral.c - queue-manager/deferral: order, flush, and the times of retries.
 */
// LINK: queue-manager/deferral.c
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue-manager/deferral.h"
#include "t/unit/scratch.h"

static struct queue *q;
static struct deferrals *d;

static void
setup(void)
{
    q = calloc(1, sizeof(*q));
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(spool_open(&q->spool, scratch_dir, getuid(), getgid()), 0);
    d = deferrals_new(q);
}

static void
teardown(void)
{
    deferrals_free(&d);
    spool_close(&q->spool);
    free(q);
    scratch_remove();
}

/* Entries whose log is gone are due at once: the tests here ask with times of the past only. */
START_TEST(due_ones_come_in_order)
{
    char id[QUEUE_ID_SIZE], want[QUEUE_ID_SIZE];

    for (int i = 0; i < 100; i++) {
        int n = i * 37 % 100;

        (void)snprintf(id, sizeof(id), "m%d", n);
        deferrals_add(d, id, 1000 + n, 1);
    }
    ck_assert_int_eq((int)deferrals_wait_ms(d, 500), 500);
    ck_assert(!deferrals_take_due(d, 999, id));
    for (int i = 0; i < 100; i++) {
        ck_assert(deferrals_take_due(d, 5000, id));
        (void)snprintf(want, sizeof(want), "m%d", i);
        ck_assert_str_eq(id, want);
    }
    ck_assert(!deferrals_take_due(d, 5000, id));
    ck_assert_int_eq((int)deferrals_wait_ms(d, 0), -1);
}
END_TEST

START_TEST(flush_takes_the_domain_asked_for)
{
    uint64_t one = deferral_domain_bit(SLICE("a@One.test"));
    uint64_t two = deferral_domain_bit(SLICE("b@other.example"));
    char id[QUEUE_ID_SIZE];

    ck_assert_uint_eq(one, deferral_domain_bit(SLICE("one.TEST")));
    ck_assert_uint_ne(one, two);
    deferrals_add(d, "first", 1000, two);
    deferrals_add(d, "second", 2000, one);
    ck_assert_uint_eq(deferrals_flush(d, one), 1);
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert_str_eq(id, "second");
    ck_assert(!deferrals_take_due(d, 10, id));
    ck_assert_uint_eq(deferrals_flush(d, UINT64_MAX), 1);
    ck_assert(deferrals_take_due(d, 10, id));
}
END_TEST

START_TEST(retries_back_off_to_the_maximum)
{
    static const struct {
        uint32_t round;
        int64_t least, most;
    } cases[] = {
        {1, 900, 990}, {2, 1800, 1980}, {3, 3600, 3960}, {4, 4000, 4400}, {50, 4000, 4400},
    };
    struct queue_settings s = {
        .retry_interval_ms = 900, .retry_max_ms = 4000, .lifetime_ms = 1000000};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t wait = deferral_next_ms(&s, cases[i].round, 5000, 5000) - 5000;

        ck_assert_int_ge((int)wait, (int)cases[i].least);
        ck_assert_int_le((int)wait, (int)cases[i].most);
    }
    s.lifetime_ms = 100; /* the last attempt is when the lifetime ends */
    ck_assert_int_eq((int)deferral_next_ms(&s, 1, 5000, 5000), 5100);
    s.retry_max_ms = 10; /* below the interval: constant */
    s.lifetime_ms = 1000000;
    ck_assert_int_ge((int)deferral_next_ms(&s, 9, 5000, 5000), 5900);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("deferral");
    TCase *tc = tcase_create("deferral");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, due_ones_come_in_order);
    tcase_add_test(tc, flush_takes_the_domain_asked_for);
    tcase_add_test(tc, retries_back_off_to_the_maximum);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
