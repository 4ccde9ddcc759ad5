/*
 * t/unit/test_queue_flow.c - the whole queue manager with fakes around it: a message's way through.
 */
// LINK: queue-manager/agent.c
// LINK: queue-manager/approval.c
// LINK: queue-manager/approval_mail.c
// LINK: queue-manager/approval_request.c
// LINK: queue-manager/approval_watch.c
// LINK: queue-manager/own_mail.c
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
// LINK: queue-manager/trim.c
// LINK: queue-manager/wording.c
#include "t/unit/queue_harness.h"

START_TEST(one_recipient_is_delivered_and_nothing_stays)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "a@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert_str_eq(h.deliveries[0].address, "a@d.test");
    ck_assert(!h.deliveries[0].in_doubt);
}
END_TEST

START_TEST(mailbox_gets_one_copy_however_many_ways_lead_there)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)agent_start(QUEUE_AGENT_REMOTE, 10);
    (void)submit("s@far.test",
                 "team@d.test twice@d.test a@d.test a@d.test x@far.test x@FAR.test fwd@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
    ck_assert_uint_eq(delivered_to("b@d.test"), 1);
    ck_assert_uint_eq(delivered_to("c@d.test"), 1);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(h.delivery_count, 4);
}
END_TEST

START_TEST(thousand_recipients_leave_in_few_jobs)
{
    struct strbuf rcpts = strbuf_new(100000);

    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    for (int i = 0; i < 2500; i++)
        (void)strbuf_printf(&rcpts, "%su%d@d.test", i == 0 ? "" : " ", i);
    (void)submit("s@far.test", strbuf_cstr(&rcpts));
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2500);
    ck_assert_uint_le(h.job_count, 4);
    strbuf_free(&rcpts);
}
END_TEST

START_TEST(many_messages_share_one_question)
{
    for (int i = 0; i < 50; i++)
        (void)submit("s@far.test", "a@d.test");
    (void)agent_start(QUEUE_AGENT_LOCAL, 64);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 50);
    ck_assert_uint_le(h.expansions, 2);
}
END_TEST

START_TEST(temporary_failure_blocks_nobody_and_is_tried_again)
{
    h.settings.retry_interval_ms = h.settings.retry_max_ms = 50;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "a@d.test later@d.test b@d.test");
    run_until(one_deferred);
    ck_assert_uint_eq(h.delivery_count, 2);
    ck_assert_uint_eq(files_in(SPOOL_DEFERRED), 3); /* ID, ID.env, ID.log */
    h.job_count = 0;
    run_for(300);
    ck_assert_uint_ge(h.job_count, 2);
    ck_assert_uint_eq(h.delivery_count, 2); /* a and b only once */
}
END_TEST

START_TEST(restart_knows_what_is_done)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "a@d.test later@d.test team@d.test");
    run_until(one_deferred);
    ck_assert_uint_eq(h.delivery_count, 3);
    queue_down();
    queue_up();
    run_for(50);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    h.job_count = 0;
    run_for(100);
    ck_assert_uint_eq(h.job_count, 0); /* the retry time holds over the restart */
}
END_TEST

static bool
job_out(void)
{
    return h.job_count > 0;
}

START_TEST(message_left_in_active_is_requeued_in_doubt)
{
    struct fake_agent *a = agent_start(QUEUE_AGENT_LOCAL, 10);

    a->silent = true;
    (void)submit("s@far.test", "a@d.test b@d.test");
    run_until(job_out);
    queue_down();
    (void)usleep(5000);
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2);
    ck_assert(h.deliveries[0].in_doubt && h.deliveries[1].in_doubt);
}
END_TEST

START_TEST(lost_agent_puts_its_jobs_in_doubt)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "lost@d.test");
    run_until(job_out);
    run_for(50);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert(h.deliveries[0].in_doubt);
}
END_TEST

/* One that is there again whenever it has died. */
static bool
revive_until_deferred(void)
{
    if (h.agents[0].peer == NULL) {
        h.agent_count = 0;
        (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    }
    return one_deferred();
}

/* A message that kills every agent makes room for the others. */
START_TEST(deadly_message_is_deferred)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "deadly@d.test");
    run_until(revive_until_deferred);
    ck_assert_uint_le(h.job_count, 5);
    (void)submit("s@far.test", "a@d.test");
    run_for(50);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
}
END_TEST

/* How many deliveries came before the one to single@d.test. */
static size_t
before_single(void)
{
    size_t i = 0;

    while (i < h.delivery_count && strcmp(h.deliveries[i].address, "single@d.test") != 0)
        i++;
    return i;
}

/* One sender has three times as much mail here as fits into memory; another's one message passes
 * nearly all of it, and in the end everything is delivered once. */
START_TEST(flood_of_one_sender_does_not_delay_another)
{
    h.settings.active_max = 100;
    queue_down();
    queue_up();
    for (int i = 0; i < 300; i++)
        (void)submit("flood@far.test", "a@d.test");
    (void)submit("single@far.test", "single@d.test");
    run_for(200); /* no agent yet: everything is taken up or parked */
    ck_assert_uint_eq(files_in(SPOOL_NEW), 0);
    ck_assert_uint_lt(h.queue->active_count, 50);
    (void)agent_start(QUEUE_AGENT_LOCAL, 1);
    run_until(all_gone);
    ck_assert_uint_le(before_single(), 2);
    ck_assert_uint_eq(h.delivery_count, 301);
}
END_TEST

/* Higher priority overtakes what came before it. */
START_TEST(urgent_message_overtakes)
{
    for (int i = 0; i < 40; i++)
        (void)submit("s@far.test", "a@d.test");
    (void)submit_as("s@far.test", "single@d.test", "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.priority = 5});
    run_for(200);
    (void)agent_start(QUEUE_AGENT_LOCAL, 1);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 41);
    ck_assert_uint_eq(before_single(), 0);
}
END_TEST

START_TEST(accountd_away_costs_time_only)
{
    h.account_mute = true;
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@far.test", "a@d.test");
    run_for(100);
    ck_assert_uint_eq(h.delivery_count, 0);
    h.account_mute = false;
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
}
END_TEST

/* Messages share a question: one that fills the answer is no reason to defer the others. */
START_TEST(huge_group_crowds_out_nobody)
{
    (void)submit("s@far.test", "huge@d.test");
    for (int i = 0; i < 10; i++)
        (void)submit("s@far.test", "a@d.test");
    (void)agent_start(QUEUE_AGENT_LOCAL, 64);
    run_until(one_deferred);
    ck_assert_uint_eq(h.delivery_count, 10);
    ck_assert_uint_eq(files_in(SPOOL_DEFERRED), 2); /* the huge one and its log */
}
END_TEST

START_TEST(damaged_file_goes_aside_and_stops_nothing)
{
    int fd;

    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    fd = openat(h.queue->spool.fds[SPOOL_NEW], "damaged", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write_all(fd, SLICE("From: x\r\n\r\nno footer")), 0);
    (void)close(fd);
    (void)submit("s@far.test", "a@d.test");
    run_for(200);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert_uint_eq(files_in(SPOOL_CORRUPT), 1);
    ck_assert_uint_eq(files_in(SPOOL_NEW), 0);
}
END_TEST

START_TEST(dead_destination_does_not_hold_up_others)
{
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    for (int i = 0; i < 20; i++)
        (void)submit("s@d.test", "down@dead.test");
    (void)submit("s@d.test", "x@live.test");
    run_until(one_deferred);
    ck_assert_uint_eq(delivered_to("x@live.test"), 1);
    ck_assert_uint_eq(files_in(SPOOL_DEFERRED), 40);
    ck_assert_uint_lt(h.job_count, 10); /* not all twenty were tried */
}
END_TEST

START_TEST(who_is_not_in_a_result_is_tried_again)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit("s@far.test", "a@d.test unsaid@d.test");
    run_until(one_deferred);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
    ck_assert_uint_eq(h.job_count, 1);
}
END_TEST

static bool
alien_is_gone(void)
{
    return h.agents[0].peer == NULL;
}

START_TEST(an_agent_has_no_say_about_another_ones_job)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    agent_start(QUEUE_AGENT_REMOTE, 4)->silent = true;
    (void)submit("s@far.test", "alien@d.test x@far.test");
    run_until(alien_is_gone);
    ck_assert_uint_eq(h.queue->active_count, 1); /* x@far.test is not done */
    ck_assert_uint_ge(files_in(SPOOL_ACTIVE), 1);
}
END_TEST

START_TEST(damaged_content_of_before_the_start_goes_aside)
{
    struct queue_envelope e = {.received_ms = clock_real_ms() - 1000, .rcpt_count = 0};
    int fd;

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    fd = openat(h.queue->spool.fds[SPOOL_NEW],
                submit_as("s@far.test", "a@d.test", "Subject: x\r\n\r\nbody\r\n", 0, e), O_WRONLY);
    ck_assert_int_eq(pwrite(fd, "X", 1, 3), 1);
    (void)close(fd);
    (void)submit("s@far.test", "b@d.test");
    run_for(200);
    ck_assert_uint_eq(delivered_to("a@d.test"), 0);
    ck_assert_uint_eq(delivered_to("b@d.test"), 1);
    ck_assert_uint_eq(files_in(SPOOL_CORRUPT), 1);
}
END_TEST

START_TEST(envelope_that_moved_on_is_brought_back)
{
    char name[QUEUE_NAME_MAX];

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    queue_name(name, submit("s@far.test", "a@d.test b@d.test"), ".env");
    ck_assert_int_eq(
        renameat(h.queue->spool.fds[SPOOL_NEW], name, h.queue->spool.fds[SPOOL_DEFERRED], name), 0);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2);
}
END_TEST

START_TEST(what_is_no_file_is_removed)
{
    int dirfd = h.queue->spool.fds[SPOOL_NEW];

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    ck_assert_int_eq(mkfifoat(dirfd, "fifo", 0600), 0);
    ck_assert_int_eq(symlinkat("/etc/passwd", dirfd, "link"), 0);
    (void)submit("s@far.test", "a@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
}
END_TEST

static bool
tried_three_times(void)
{
    return h.job_count >= 3;
}

/* The agent says that a mailbox is not where accountd had it: asked again at once, not after the
 * retry interval of a minute. */
START_TEST(moved_mailbox_is_looked_up_again_soon)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit("s@d.test", "down@d.test");
    run_until(tried_three_times);
    ck_assert_uint_ge(h.expansions, 3);
}
END_TEST

START_TEST(forward_carries_a_trace_that_stops_the_loop)
{
    struct queue_envelope e = {.rcpt_count = 0};

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit("s@far.test", "fwd@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_str_eq(h.deliveries[0].prepend, "Delivered-To: fwd@d.test\r\n");
    (void)submit_as("s@d.test", "fwd@d.test", "Delivered-To: fwd@d.test\r\n\r\nx\r\n", 0, e);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1); /* the bounce */
    e.hops = 51;
    (void)submit_as("s@d.test", "a@d.test", "x\r\n", 0, e);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 0);
    ck_assert_uint_eq(delivered_to("s@d.test"), 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_flow");
    TCase *tc = tcase_create("queue_flow");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, one_recipient_is_delivered_and_nothing_stays);
    tcase_add_test(tc, mailbox_gets_one_copy_however_many_ways_lead_there);
    tcase_add_test(tc, thousand_recipients_leave_in_few_jobs);
    tcase_add_test(tc, many_messages_share_one_question);
    tcase_add_test(tc, temporary_failure_blocks_nobody_and_is_tried_again);
    tcase_add_test(tc, restart_knows_what_is_done);
    tcase_add_test(tc, message_left_in_active_is_requeued_in_doubt);
    tcase_add_test(tc, lost_agent_puts_its_jobs_in_doubt);
    tcase_add_test(tc, deadly_message_is_deferred);
    tcase_add_test(tc, flood_of_one_sender_does_not_delay_another);
    tcase_add_test(tc, urgent_message_overtakes);
    tcase_add_test(tc, accountd_away_costs_time_only);
    tcase_add_test(tc, huge_group_crowds_out_nobody);
    tcase_add_test(tc, damaged_file_goes_aside_and_stops_nothing);
    tcase_add_test(tc, dead_destination_does_not_hold_up_others);
    tcase_add_test(tc, who_is_not_in_a_result_is_tried_again);
    tcase_add_test(tc, an_agent_has_no_say_about_another_ones_job);
    tcase_add_test(tc, damaged_content_of_before_the_start_goes_aside);
    tcase_add_test(tc, envelope_that_moved_on_is_brought_back);
    tcase_add_test(tc, what_is_no_file_is_removed);
    tcase_add_test(tc, moved_mailbox_is_looked_up_again_soon);
    tcase_add_test(tc, forward_carries_a_trace_that_stops_the_loop);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
