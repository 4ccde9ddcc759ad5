/*
 * t/unit/test_queue_flow.c - the whole queue manager with fakes around it: a message's way through.
 */
// LINK: queue-manager/agent.c
// LINK: queue-manager/agents.c
// LINK: queue-manager/control.c
// LINK: queue-manager/deferral.c
// LINK: queue-manager/destination.c
// LINK: queue-manager/expand.c
// LINK: queue-manager/intake.c
// LINK: queue-manager/lane.c
// LINK: queue-manager/message.c
// LINK: queue-manager/notice.c
// LINK: queue-manager/queue.c
// LINK: queue-manager/result.c
// LINK: queue-manager/round.c
// LINK: queue-manager/schedule.c
// LINK: queue-manager/server.c
// LINK: queue-manager/trace.c
// LINK: queue-manager/trim.c
// LINK: queue-manager/wording.c
#include "t/unit/queue_harness.h"

#include "queue-manager/control.h"

static uint32_t
control(const char *verb, const char *name)
{
    struct queue_control req = {slice_of(verb), slice_of(name), SLICE("")};
    struct queue_control_reply reply;
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX + FRAME_HEADER);

    control_run(h.queue, &req, 1, &out);
    ck_assert_int_eq(
        queue_control_reply_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &reply),
        0);
    strbuf_free(&out);
    return reply.result;
}

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

START_TEST(failures_are_told_as_the_sender_wishes)
{
    static const struct {
        const char *sender, *rcpt;
        uint8_t notify;
        size_t to_sender, to_postmaster;
    } cases[] = {
        {"s@d.test", "never@d.test", 0, 1, 0},
        {"s@d.test", "nobody@d.test", 0, 1, 0},
        {"s@d.test", "never@d.test", QUEUE_NOTIFY_NEVER, 0, 0},
        {"s@d.test", "never@d.test", QUEUE_NOTIFY_SUCCESS, 0, 0},
        {"s@d.test", "a@d.test", QUEUE_NOTIFY_SUCCESS, 1, 0},
        {"s@d.test", "a@d.test", QUEUE_NOTIFY_FAILURE, 0, 0},
        {"", "never@d.test", 0, 0, 1},
        {"never@d.test", "never@d.test", 0, 0, 1},
    };

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as(cases[_i].sender, cases[_i].rcpt, "Subject: x\r\n\r\nbody\r\n",
                    cases[_i].notify, (struct queue_envelope){.rcpt_count = 0});
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), cases[_i].to_sender);
    ck_assert_uint_eq(delivered_to("postmaster@d.test"), cases[_i].to_postmaster);
}
END_TEST

/* DIR-09 */
START_TEST(administrator_hears_of_unknown_mailboxes)
{
    static const struct {
        const char *sender, *client;
        size_t to_sender, to_admin;
    } cases[] = {
        {"s@d.test", "192.0.2.1", 1, 1},
        {"", "192.0.2.1", 0, 1},
        {"", "notice", 0, 0}, /* not of our own notices: they would follow each other */
        {"", "double-bounce", 0, 0},
    };
    struct queue_envelope e = {.client = slice_of(cases[_i].client), .rcpt_count = 0};

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as(cases[_i].sender, "ghost@d.test a@d.test ghost@d.test", "Subject: x\r\n\r\n", 0,
                    e);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), cases[_i].to_sender);
    ck_assert_uint_eq(delivered_to("admin@d.test"), cases[_i].to_admin);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
}
END_TEST

/* The one message in deferred/, whole. */
static void
read_deferred(struct strbuf *text)
{
    struct spool_scan scan;
    const char *id;

    ck_assert_int_eq(spool_scan_open(&scan, &h.queue->spool, SPOOL_DEFERRED), 0);
    id = spool_scan_next(&scan);
    ck_assert_ptr_nonnull(id);
    ck_assert_int_eq(read_file(h.queue->spool.fds[SPOOL_DEFERRED], id, text), 0);
    spool_scan_close(&scan);
}

static bool
tried_and_deferred(void)
{
    return h.job_count >= 1 && one_deferred();
}

/* Members that fail are told apart: each is listed, and each is finished by itself. */
START_TEST(each_failed_member_is_named)
{
    struct strbuf text = strbuf_new(1u << 20);

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)submit("later@far.test", "off@d.test");
    run_until(tried_and_deferred); /* the bounce waits for later@far.test */
    read_deferred(&text);
    ck_assert_ptr_nonnull(memmem(text.ptr, text.len, "member: <a@d.test>", 18));
    ck_assert_ptr_nonnull(memmem(text.ptr, text.len, "member: <b@d.test>", 18));
    strbuf_free(&text);
}
END_TEST

/* RFC 3461 section 5.2.7.3: the group was reached, whatever becomes of its members. */
START_TEST(group_is_reported_as_expanded)
{
    struct strbuf text = strbuf_new(1u << 20);

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)submit_as("later@far.test", "off@d.test", "Subject: x\r\n\r\n", QUEUE_NOTIFY_SUCCESS,
                    (struct queue_envelope){.rcpt_count = 0});
    run_until(tried_and_deferred);
    read_deferred(&text);
    ck_assert_ptr_nonnull(memmem(text.ptr, text.len, "Action: expanded\r\nStatus: 2.0.0\r\n", 33));
    ck_assert_ptr_null(memmem(text.ptr, text.len, "a@d.test", 8));
    strbuf_free(&text);
}
END_TEST

/* A report has a thousand recipients at most. */
START_TEST(many_failures_make_several_reports)
{
    struct strbuf rcpts = strbuf_new(100000);

    for (int i = 0; i < 2500; i++)
        (void)strbuf_printf(&rcpts, "%snever%d@d.test", i == 0 ? "" : " ", i);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    (void)submit("s@d.test", strbuf_cstr(&rcpts));
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), 3);
    strbuf_free(&rcpts);
}
END_TEST

START_TEST(lifetime_ends_in_a_bounce)
{
    struct queue_envelope e = {.received_ms = clock_real_ms() - 200000, .rcpt_count = 0};

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as("s@d.test", "later@d.test a@d.test", "Subject: x\r\n\r\nbody\r\n", 0, e);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
}
END_TEST

START_TEST(delay_is_told_once)
{
    struct queue_envelope e = {.received_ms = clock_real_ms() - 5000, .rcpt_count = 0};

    h.settings.retry_interval_ms = h.settings.retry_max_ms = 30;
    h.settings.delay_notice_ms = 4000;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as("s@d.test", "later@d.test", "Subject: x\r\n\r\nbody\r\n", 0, e);
    run_for(400);
    ck_assert_uint_ge(h.job_count, 4);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
}
END_TEST

static bool
one_held(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_HOLD) > 0;
}

START_TEST(hold_release_delete)
{
    char id[QUEUE_ID_SIZE];

    (void)snprintf(id, sizeof(id), "%s", submit("s@far.test", "a@d.test"));
    run_for(50); /* no agent: it waits in memory */
    ck_assert_uint_eq(h.queue->active_count, 1);
    ck_assert_uint_eq(control("hold", id), 0);
    run_until(one_held);
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    run_for(50);
    ck_assert_uint_eq(h.delivery_count, 0);
    ck_assert_uint_eq(control("show", id), 0);
    ck_assert_uint_eq(control("release", id), 0);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert_uint_ne(control("delete", id), 0);
    (void)submit("s@far.test", "later@d.test b@d.test");
    run_until(one_deferred);
    ck_assert_uint_eq(control("delete", "ALL"), 0);
    run_until(all_gone);
}
END_TEST

static bool
both_delivered(void)
{
    return h.delivery_count == 2 && all_gone();
}

/* Held while an agent has one of its recipients, released before the agent ends: the other one was
 * taken out of line and is due at once. */
START_TEST(release_during_a_job_is_due_at_once)
{
    struct fake_agent *a = agent_start(QUEUE_AGENT_REMOTE, 1);
    const char *id;

    a->silent = true;
    id = submit("s@far.test", "x@one.test y@two.test");
    run_until(job_out);
    ck_assert_uint_eq(control("hold", id), 0);
    ck_assert_uint_eq(control("release", id), 0);
    ipc_peer_close(a->peer);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    run_until(both_delivered);
}
END_TEST

START_TEST(delete_waits_for_the_job)
{
    struct fake_agent *a = agent_start(QUEUE_AGENT_LOCAL, 4);
    const char *id;

    a->silent = true;
    id = submit("s@far.test", "a@d.test");
    run_until(job_out);
    ck_assert_uint_eq(control("delete", id), 0);
    run_for(50);
    ck_assert_uint_eq(h.queue->active_count, 1);
    ipc_peer_close(a->peer);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 0);
}
END_TEST

START_TEST(flush_tries_again_at_once)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit("s@far.test", "later@d.test");
    run_until(one_deferred);
    h.job_count = 0;
    run_for(50);
    ck_assert_uint_eq(h.job_count, 0);
    ck_assert_uint_eq(control("flush", _i == 0 ? "" : "d.test"), 0);
    run_until(job_out);
}
END_TEST

START_TEST(active_set_is_bounded)
{
    h.settings.active_max = 20;
    queue_down();
    queue_up();
    for (int i = 0; i < 100; i++)
        (void)submit("s@far.test", "a@d.test");
    run_for(100);
    ck_assert_uint_eq(h.queue->active_count, 20);
    ck_assert_uint_eq(files_in(SPOOL_NEW), 80);
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 100);
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
    tcase_add_test(tc, accountd_away_costs_time_only);
    tcase_add_test(tc, huge_group_crowds_out_nobody);
    tcase_add_test(tc, damaged_file_goes_aside_and_stops_nothing);
    tcase_add_test(tc, dead_destination_does_not_hold_up_others);
    tcase_add_test(tc, moved_mailbox_is_looked_up_again_soon);
    tcase_add_test(tc, forward_carries_a_trace_that_stops_the_loop);
    tcase_add_loop_test(tc, failures_are_told_as_the_sender_wishes, 0, 8);
    tcase_add_loop_test(tc, administrator_hears_of_unknown_mailboxes, 0, 4);
    tcase_add_test(tc, each_failed_member_is_named);
    tcase_add_test(tc, group_is_reported_as_expanded);
    tcase_add_test(tc, many_failures_make_several_reports);
    tcase_add_test(tc, lifetime_ends_in_a_bounce);
    tcase_add_test(tc, delay_is_told_once);
    tcase_add_test(tc, hold_release_delete);
    tcase_add_test(tc, release_during_a_job_is_due_at_once);
    tcase_add_test(tc, delete_waits_for_the_job);
    tcase_add_loop_test(tc, flush_tries_again_at_once, 0, 2);
    tcase_add_test(tc, active_set_is_bounded);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
