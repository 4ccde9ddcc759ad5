/*
 * t/unit/test_job_order.c - accountd/job_order: one that fails holds up its own paths alone.
 */
// LINK: accountd/job_order.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accountd/job_order.h"
#include "lib/base/mem.h"

enum { MANY = 1000, SENT_MAX = 4096 };

static struct job_order *order;
static struct job *sent[SENT_MAX];
static size_t sent_count;
static uint64_t sequence;

static void
send(struct job *job)
{
    ck_assert(job->is_sent);
    ck_assert_uint_lt(sent_count, SENT_MAX);
    sent[sent_count++] = job;
}

static struct job *
job_of(enum account_job_op op, const char *path, const char *new_path)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->sequence = ++sequence;
    job->op = op;
    job->path = xstrdup(path);
    job->new_path = xstrdup(new_path);
    return job;
}

static void
add(enum account_job_op op, const char *path, const char *new_path)
{
    job_order_add(order, job_of(op, path, new_path));
}

static void
run(int64_t now_ms)
{
    sent_count = 0;
    job_order_run(order, now_ms, send);
}

/* The only one that was sent. */
static struct job *
run_one(int64_t now_ms, const char *path)
{
    run(now_ms);
    ck_assert_uint_eq(sent_count, 1);
    ck_assert_str_eq(sent[0]->path, path);
    return sent[0];
}

static void
setup(void)
{
    order = job_order_new();
    sequence = 0;
}

static void
teardown(void)
{
    job_order_free(&order);
}

/* Of one storage directory that is missing. */
static bool
fails(const struct job *job)
{
    return strncmp(job->path, "bad", 3) == 0;
}

static void
answer_all(int64_t now_ms)
{
    for (size_t i = 0; i < sent_count; i++) {
        if (fails(sent[i]))
            job_order_failed(order, sent[i], now_ms);
        else
            job_order_done(order, sent[i]);
    }
}

static void
add_many(const char *prefix, enum account_job_op op)
{
    char path[32];

    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(path, sizeof(path), "%s%u", prefix, i);
        add(op, path, "");
    }
}

START_TEST(many_that_fail_hold_up_nobody)
{
    unsigned turns = 0;

    add_many("bad", ACCOUNT_JOB_CREATE);
    add_many("bad", ACCOUNT_JOB_REMOVE); /* nor do those behind them */
    add(ACCOUNT_JOB_CREATE, "good", "");
    do {
        run(0);
        ck_assert_uint_le(sent_count, JOBS_AT_ONCE);
        answer_all(0);
        ck_assert_uint_lt(++turns, MANY);
    } while (job_order_making(order, SLICE("good")) > 0);
    run(0);
    ck_assert_uint_eq(sent_count, 0); /* none before its time */
    ck_assert_int_eq(job_order_wait_ms(order, 0), JOBS_RETRY_FIRST_MS);
}
END_TEST

START_TEST(those_that_failed_leave_room)
{
    add_many("bad", ACCOUNT_JOB_CREATE);
    for (unsigned i = 0; i < MANY / JOBS_AT_ONCE + 1; i++) {
        run(0);
        answer_all(0);
    }
    run(JOBS_RETRY_FIRST_MS);
    ck_assert_uint_eq(sent_count, JOBS_RETRIES_AT_ONCE);
    add_many("good", ACCOUNT_JOB_CREATE);
    run(JOBS_RETRY_FIRST_MS);
    ck_assert_uint_eq(sent_count, JOBS_AT_ONCE - JOBS_RETRIES_AT_ONCE);
}
END_TEST

START_TEST(one_that_fails_is_tried_later_and_later)
{
    int64_t now_ms = 0, delay_ms = JOBS_RETRY_FIRST_MS;

    add(ACCOUNT_JOB_CREATE, "bad", "");
    run(now_ms);
    for (unsigned i = 0; i < 10; i++) {
        job_order_failed(order, sent[0], now_ms);
        add(ACCOUNT_JOB_CREATE, "good", "");
        job_order_done(order, run_one(now_ms, "good")); /* which changes nothing for the other */
        ck_assert_int_eq(job_order_wait_ms(order, now_ms), delay_ms);
        run(now_ms + delay_ms - 1);
        ck_assert_uint_eq(sent_count, 0);
        now_ms += delay_ms;
        (void)run_one(now_ms, "bad");
        delay_ms = delay_ms * 2 < JOBS_RETRY_MAX_MS ? delay_ms * 2 : JOBS_RETRY_MAX_MS;
    }
}
END_TEST

START_TEST(the_order_at_one_path_stays)
{
    struct job *job;

    add(ACCOUNT_JOB_CREATE, "a", "");
    add(ACCOUNT_JOB_RENAME, "a", "b");
    add(ACCOUNT_JOB_CREATE, "a", "");
    add(ACCOUNT_JOB_REMOVE, "b", "");
    add(ACCOUNT_JOB_CREATE, "c", "");
    run(0);
    ck_assert_uint_eq(sent_count, 2);
    ck_assert_str_eq(sent[1]->path, "c");
    job_order_failed(order, sent[0], 0);
    job_order_failed(order, sent[1], 0);
    run(1); /* the rest is behind the first now, the last one only through the second */
    ck_assert_uint_eq(sent_count, 0);
    run(JOBS_RETRY_FIRST_MS);
    ck_assert_uint_eq(sent_count, 2);
    job = sent[0];
    job_order_done(order, sent[1]); /* c: frees nobody */
    run(JOBS_RETRY_FIRST_MS);
    ck_assert_uint_eq(sent_count, 0);
    job_order_done(order, job);
    job = run_one(JOBS_RETRY_FIRST_MS, "a");
    ck_assert_int_eq(job->op, ACCOUNT_JOB_RENAME);
    ck_assert_ptr_eq(job_order_leaving(order, "a"), job);
    job_order_done(order, job);
    ck_assert_ptr_null(job_order_leaving(order, "a"));
    run(JOBS_RETRY_FIRST_MS);
    ck_assert_uint_eq(sent_count, 2);
    ck_assert_int_eq(sent[0]->op, ACCOUNT_JOB_CREATE);
    ck_assert_int_eq(sent[1]->op, ACCOUNT_JOB_REMOVE);
    answer_all(JOBS_RETRY_FIRST_MS);
    ck_assert(!job_order_is_moving(order, SLICE("a")) && !job_order_is_moving(order, SLICE("b")));
    ck_assert_int_eq(job_order_wait_ms(order, JOBS_RETRY_FIRST_MS), -1);
}
END_TEST

START_TEST(an_urgent_one_waits_for_nobody_and_a_removal_for_it)
{
    struct job *urgent;

    add_many("good", ACCOUNT_JOB_CREATE);
    run(0);
    ck_assert_uint_eq(sent_count, JOBS_AT_ONCE);
    urgent = job_of(ACCOUNT_JOB_CREATE, "good999", "");
    urgent->sequence = 0;
    job_order_add_urgent(order, urgent);
    ck_assert(urgent->is_sent);
    add(ACCOUNT_JOB_REMOVE, "good999", "");
    while (sent_count > 0) { /* neither the ordinary one nor the removal */
        for (size_t i = 0; i < sent_count; i++)
            ck_assert_str_ne(sent[i]->path, "good999");
        answer_all(0);
        run(0);
    }
    job_order_unanswered(order, urgent, 0);
    ck_assert_ptr_eq(run_one(JOBS_RETRY_FIRST_MS, "good999"), urgent);
    job_order_done(order, urgent);
    job_order_done(order, run_one(JOBS_RETRY_FIRST_MS, "good999"));
    ck_assert_int_eq(run_one(JOBS_RETRY_FIRST_MS, "good999")->op, ACCOUNT_JOB_REMOVE);
}
END_TEST

START_TEST(who_was_not_answered_has_not_failed)
{
    add(ACCOUNT_JOB_CREATE, "a", "");
    job_order_unanswered(order, run_one(0, "a"), 0);
    (void)run_one(0, "a");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("job_order");
    TCase *tc = tcase_create("core");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, many_that_fail_hold_up_nobody);
    tcase_add_test(tc, those_that_failed_leave_room);
    tcase_add_test(tc, one_that_fails_is_tried_later_and_later);
    tcase_add_test(tc, the_order_at_one_path_stays);
    tcase_add_test(tc, an_urgent_one_waits_for_nobody_and_a_removal_for_it);
    tcase_add_test(tc, who_was_not_answered_has_not_failed);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
