/*
 * t/unit/test_queue_etrn.c - what waits for a domain is tried when the FIFO asks for it (ETRN).
 */
// LINK: queue-manager/agent.c
// LINK: queue-manager/approval.c
// LINK: queue-manager/approval_mail.c
// LINK: queue-manager/approval_request.c
// LINK: queue-manager/approval_watch.c
// LINK: queue-manager/own_mail.c
// LINK: queue-manager/trim.c
// LINK: queue-manager/wording.c
// LINK: queue-manager/agents.c
// LINK: queue-manager/admin.c
// LINK: queue-manager/admit.c
// LINK: queue-manager/control.c
// LINK: queue-manager/copies.c
// LINK: queue-manager/deadline.c
// LINK: queue-manager/deferral.c
// LINK: queue-manager/due_heap.c
// LINK: queue-manager/destination.c
// LINK: queue-manager/expand.c
// LINK: queue-manager/etrn.c
// LINK: queue-manager/intake.c
// LINK: queue-manager/lane.c
// LINK: queue-manager/message.c
// LINK: queue-manager/notice.c
// LINK: queue-manager/pressure.c
// LINK: queue-manager/disk_notice.c
// LINK: queue-manager/queue.c
// LINK: queue-manager/reply.c
// LINK: queue-manager/result.c
// LINK: queue-manager/round.c
// LINK: queue-manager/line_up.c
// LINK: queue-manager/odmr.c
// LINK: queue-manager/schedule.c
// LINK: queue-manager/sender.c
// LINK: queue-manager/sent.c
// LINK: queue-manager/system_sender.c
// LINK: queue-manager/server.c
// LINK: queue-manager/trace.c
#include "lib/queue/trigger.h"
#include "queue-manager/deferral.h"
#include "queue-manager/etrn.h"
#include "queue-manager/schedule.h"
#include "t/unit/queue_harness.h"

static bool
two_deferred(void)
{
    return deferrals_count(h.queue->deferrals) == 2 && h.queue->active_count == 0;
}

static bool
one_left(void)
{
    return deferrals_count(h.queue->deferrals) == 1 && h.queue->active_count == 0;
}

START_TEST(mail_of_that_domain_goes_and_no_other)
{
    h.settings.retry_interval_ms = h.settings.retry_max_ms = 3600000;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    h.store_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* "once" is later then */
    (void)submit("s@d.test", "once1@far.test");
    (void)submit("s@d.test", "once2@other.test");
    run_until(two_deferred);
    if (_i == 1) { /* deferrals that are not read yet */
        queue_down();
        queue_up();
        (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    }
    ck_assert_int_eq(trigger_ask(h.queue->spool.trigger_fd, SLICE("FAR.test")), 0);
    run_until(one_left);
    run_for(100);
    ck_assert_uint_eq(delivered_to("once1@far.test"), 1);
    ck_assert_uint_eq(delivered_to("once2@other.test"), 0);
    (void)close(h.store_fd);
    h.store_fd = 0;
}
END_TEST

/* One that rests after failures gets its attempt; a second request so soon gets none. */
START_TEST(a_dead_destination_is_asked_again_once)
{
    size_t jobs;

    h.settings.retry_interval_ms = h.settings.retry_max_ms = 3600000;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    for (int i = 0; i < 4; i++)
        (void)submit("s@d.test", "down@far.test");
    while (deferrals_count(h.queue->deferrals) < 4 || h.queue->active_count > 0)
        run_for(10);
    jobs = h.job_count;
    ck_assert_uint_eq(jobs, 3); /* the fourth was deferred with them */
    ck_assert_int_eq(trigger_ask(h.queue->spool.trigger_fd, SLICE("far.test")), 0);
    while (h.job_count == jobs || h.queue->active_count > 0)
        run_for(10);
    jobs = h.job_count;
    ck_assert_int_eq(trigger_ask(h.queue->spool.trigger_fd, SLICE("far.test")), 0);
    run_for(200);
    ck_assert_uint_eq(h.job_count, jobs);
}
END_TEST

START_TEST(each_domain_has_its_pause)
{
    struct etrn etrn = {.recent = {{0, 0}}};
    char name[32];
    int64_t now_ms = 1000;

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)submit("s@d.test", "later@far.test");
    run_until(one_deferred);
    h.job_count = 0;
    for (int i = 0; i < ETRN_DOMAINS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "d%d.test", i);
        etrn_run(h.queue, &etrn, slice_of(name), now_ms);
    }
    etrn_run(h.queue, &etrn, SLICE("far.test"), now_ms); /* no place is free */
    ck_assert_int_ne((int)deferrals_wait_ms(h.queue->deferrals, clock_real_ms()), 0);
    etrn_run(h.queue, &etrn, SLICE("far.test"), now_ms + ETRN_PAUSE_MS);
    ck_assert_int_eq((int)deferrals_wait_ms(h.queue->deferrals, clock_real_ms()), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_etrn");
    TCase *tc = tcase_create("queue_etrn");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_add_loop_test(tc, mail_of_that_domain_goes_and_no_other, 0, 2);
    tcase_add_test(tc, a_dead_destination_is_asked_again_once);
    tcase_add_test(tc, each_domain_has_its_pause);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
