/*
 * t/unit/test_queue_notices.c - the whole queue manager with fakes around it: who is told what.
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

/* Mail about mail about mail: the postmaster's own bounce goes nowhere. */
START_TEST(nobody_is_told_for_ever)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    h.queue->settings.postmaster = "never@d.test";
    (void)submit("never@d.test", "never2@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(h.job_count, 3); /* the mail, its bounce, that one's bounce */
}
END_TEST

/* queue.postmaster_copies: of what senders are told, and of nothing that we wrote ourselves. */
START_TEST(postmaster_gets_copies_where_he_wants_them)
{
    static const struct {
        const char *sender, *client;
        bool bounces, delays;
        size_t copies;
    } cases[] = {
        {"s@d.test", "192.0.2.1", false, false, 0},
        {"s@d.test", "192.0.2.1", true, false, 1},
        {"s@d.test", "192.0.2.1", false, true, 1},
        {"s@d.test", "192.0.2.1", true, true, 2},
        {"", "192.0.2.1", false, true, 2}, /* the double bounce, and the delay */
        {"", "notice", true, true, 1},
        {"", "double-bounce", true, true, 0},
    };
    struct queue_envelope e = {.received_ms = clock_real_ms() - 5000,
                               .client = slice_of(cases[_i].client),
                               .rcpt_count = 0};

    h.settings.delay_notice_ms = 4000;
    h.settings.copy_bounces = cases[_i].bounces;
    h.settings.copy_delays = cases[_i].delays;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as(cases[_i].sender, "never@d.test later@d.test", "Subject: x\r\n\r\n", 0, e);
    run_for(300);
    ck_assert_uint_eq(delivered_to("postmaster@d.test"), cases[_i].copies);
}
END_TEST

/* RET=FULL, up to queue.bounce_size (RFC 3461 section 4.3). */
START_TEST(the_whole_message_comes_back_on_request)
{
    static const struct {
        uint8_t ret;
        uint64_t size_max;
        bool requiretls; /* RFC 8689 section 5 */
        bool whole;
    } cases[] = {{2, 100000, false, false},
                 {1, 100000, false, true},
                 {1, 10, false, false},
                 {1, 100000, true, false}};
    struct strbuf text = strbuf_new(1u << 20);
    struct queue_envelope e = {
        .ret = cases[_i].ret, .requiretls = cases[_i].requiretls, .rcpt_count = 0};

    h.queue->settings.bounce_size_max = cases[_i].size_max;
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_as("later@far.test", "never@d.test", "Subject: x\r\n\r\nthe body\r\n", 0, e);
    run_until(tried_and_deferred); /* the bounce waits for later@far.test */
    read_deferred(&text);
    ck_assert_ptr_nonnull(memmem(text.ptr, text.len, "Subject: x", 10));
    ck_assert((memmem(text.ptr, text.len, "the body", 8) != NULL) == cases[_i].whole);
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_notices");
    TCase *tc = tcase_create("queue_notices");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, failures_are_told_as_the_sender_wishes, 0, 8);
    tcase_add_loop_test(tc, administrator_hears_of_unknown_mailboxes, 0, 4);
    tcase_add_test(tc, each_failed_member_is_named);
    tcase_add_test(tc, group_is_reported_as_expanded);
    tcase_add_test(tc, many_failures_make_several_reports);
    tcase_add_test(tc, lifetime_ends_in_a_bounce);
    tcase_add_test(tc, delay_is_told_once);
    tcase_add_test(tc, nobody_is_told_for_ever);
    tcase_add_loop_test(tc, postmaster_gets_copies_where_he_wants_them, 0, 7);
    tcase_add_loop_test(tc, the_whole_message_comes_back_on_request, 0, 4);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
