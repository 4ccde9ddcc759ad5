/*
 * t/unit/test_deferral.c - queue-manager/deferral: order, flush, and the times of retries.
 */
// LINK: queue-manager/deferral.c
// LINK: queue-manager/due_heap.c
#include <check.h>
#include <fcntl.h>
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
    d = deferrals_new(q, 100);
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

/* A message that waits, with its log as a round leaves it. */
static void
put_deferred(const char *id, int64_t next_ms, struct slice address)
{
    struct strbuf records = strbuf_new(10000);
    uint64_t length = 0;
    int fd = openat(q->spool.fds[SPOOL_DEFERRED], id, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    queue_log_encode(&records,
                     &(struct queue_log_entry){.kind = QUEUE_LOG_WAIT, .address = address});
    queue_log_encode(&records, &(struct queue_log_entry){
                                   .kind = QUEUE_LOG_ROUND, .round = 1, .next_ms = next_ms});
    ck_assert_int_eq(
        queue_log_append(q->spool.fds[SPOOL_DEFERRED], id, &length, strbuf_slice(&records), false),
        0);
    strbuf_free(&records);
}

START_TEST(flush_takes_the_domain_asked_for)
{
    uint64_t one = due_domain(SLICE("a@One.test"));
    uint64_t two = due_domain(SLICE("b@other.example"));
    char id[QUEUE_ID_SIZE];

    ck_assert_uint_eq(one, due_domain(SLICE("one.TEST")));
    ck_assert_uint_ne(one, two);
    deferrals_add(d, "first", 1000, two);
    deferrals_add(d, "second", 2000, one);
    deferrals_add(d, "both", 3000, due_domain_join(one, two));
    ck_assert_uint_eq(deferrals_flush(d, one), 2);
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert(!deferrals_take_due(d, 10, id));
    ck_assert_uint_eq(deferrals_flush(d, DUE_DOMAIN_ALL), 1);
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert_str_eq(id, "first");
}
END_TEST

/* Ten thousand destinations: one of them brings its own messages and no others. */
START_TEST(one_domain_is_not_taken_for_another)
{
    char domain[64], id[QUEUE_ID_SIZE];

    deferrals_free(&d);
    d = deferrals_new(q, 20000);
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        (void)snprintf(domain, sizeof(domain), "d%d.test", i);
        deferrals_add(d, id, 1000, due_domain(slice_of(domain)));
    }
    ck_assert_uint_eq(deferrals_flush(d, due_domain(SLICE("d77.test"))), 1);
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert_str_eq(id, "m77");
}
END_TEST

/* A flush that comes while the directory is read also takes what is read behind it. */
START_TEST(flush_takes_what_is_still_to_be_read)
{
    char id[QUEUE_ID_SIZE];

    put_deferred("m1", 5000, SLICE("x@one.test"));
    put_deferred("m2", 5000, SLICE("x@two.test"));
    (void)deferrals_flush(d, due_domain(SLICE("one.test")));
    while (deferrals_read_some(d))
        continue;
    ck_assert_uint_eq(deferrals_count(d), 2);
    ck_assert(deferrals_take_due(d, 10, id));
    ck_assert_str_eq(id, "m1");
    ck_assert(!deferrals_take_due(d, 10, id));
}
END_TEST

/* With room for a hundred: all 450 come, each once, in order, whatever was forgotten meanwhile. */
START_TEST(what_does_not_fit_is_read_again)
{
    char id[QUEUE_ID_SIZE], want[QUEUE_ID_SIZE];

    for (int i = 0; i < 450; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i * 7 % 450);
        put_deferred(id, 2000 + i * 7 % 450, SLICE("x@d.test"));
    }
    for (int i = 0; i < 450; i++) {
        while (deferrals_read_some(d))
            continue;
        ck_assert_uint_le(deferrals_count(d), 100);
        ck_assert_msg(deferrals_take_due(d, 5000, id), "nothing after %d", i);
        (void)snprintf(want, sizeof(want), "m%d", i);
        ck_assert_str_eq(id, want);
        ck_assert_int_eq(unlinkat(q->spool.fds[SPOOL_DEFERRED], id, 0), 0);
    }
    ck_assert(!deferrals_take_due(d, 5000, id));
}
END_TEST

START_TEST(foreign_ids_of_any_length_are_kept_whole)
{
    static const char *const ids[] = {"a", "exactly15letter", "sixteenletters16",
                                      "thirtytwolettersisthemost0000032"};
    char id[QUEUE_ID_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        deferrals_add(d, ids[i], 1000 + (int64_t)i, 1);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        ck_assert(deferrals_take_due(d, 5000, id));
        ck_assert_str_eq(id, ids[i]);
    }
}
END_TEST

START_TEST(what_waits_for_a_time_has_no_age)
{
    char first[QUEUE_ID_SIZE], second[QUEUE_ID_SIZE];

    queue_id_make(first);
    queue_id_make(second);
    deferrals_add(d, first, 1000, DUE_DOMAIN_NONE);
    ck_assert_int_eq(deferrals_oldest_ms(d), 0);
    deferrals_add(d, second, 1000, 1);
    ck_assert_int_eq(deferrals_oldest_ms(d), queue_id_time_ms(second));
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
    tcase_add_test(tc, one_domain_is_not_taken_for_another);
    tcase_add_test(tc, flush_takes_what_is_still_to_be_read);
    tcase_add_test(tc, what_does_not_fit_is_read_again);
    tcase_add_test(tc, foreign_ids_of_any_length_are_kept_whole);
    tcase_add_test(tc, what_waits_for_a_time_has_no_age);
    tcase_add_test(tc, retries_back_off_to_the_maximum);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
