/*
 * t/unit/test_queue_requests.c - how approvers are asked: in steps, and after a crash once; and who
 * hears of a refusal.
 */
// LINK: queue-manager/sent.c
// LINK: queue-manager/system_sender.c
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
// LINK: queue-manager/server.c
// LINK: queue-manager/trace.c
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "queue-manager/approval.h"
#include "t/unit/queue_harness.h"

#define LARGE (24u << 20)

static char id[QUEUE_ID_SIZE], request[QUEUE_ID_SIZE];

static void
start_queue(void)
{
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

static void
start(void)
{
    struct strbuf errors = strbuf_new(1000);
    struct list_kind kind = {approval_rule_expected};

    harness_start();
    h.settings.approval_rules = approval_rules_new(
        list_file_parse(SLICE("r s@d.test external=boss@d.test,deputy@d.test,third@d.test\n"),
                        "rules", &kind, &errors));
    strbuf_free(&errors);
    h.settings.approval_lifetime_ms = 3600000;
    queue_down();
    start_queue();
}

static void
stop(void)
{
    struct approval_rules *rules = (struct approval_rules *)h.settings.approval_rules;

    harness_stop();
    approval_rules_free(&rules);
}

static bool
all_asked(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_HOLD) > 0 && files_in(SPOOL_NEW) == 0;
}

static size_t
asked(void)
{
    return delivered_to("boss@d.test") + delivered_to("deputy@d.test") +
           delivered_to("third@d.test");
}

static void
submit_for_approval(const char *content)
{
    (void)snprintf(id, sizeof(id), "%s",
                   submit_as("s@d.test", "x@far.test", content, 0,
                             (struct queue_envelope){.auth_user = SLICE("s@d.test")}));
    (void)snprintf(request, sizeof(request), "%.20sQ%08x", id, crc32c(0, SLICE("deputy@d.test")));
}

static bool
small_is_there(void)
{
    return delivered_to("a@d.test") == 1;
}

/* While a large message is copied for its approvers, others go their way; and nobody has a request
 * before all of them are written. */
START_TEST(large_requests_stop_nobody)
{
    char *content = xmalloc(LARGE + 1);

    memset(content, 'x', LARGE);
    for (size_t i = 64; i < LARGE; i += 64)
        memcpy(content + i, "\r\n", 2);
    memcpy(content, "Subject: x\r\n\r\n", 14);
    content[LARGE] = '\0';
    submit_for_approval(content);
    (void)submit("o@far.test", "a@d.test");
    run_until(small_is_there);
    ck_assert_uint_eq(files_in(SPOOL_NEW) + files_in(SPOOL_HOLD) + asked(), 0);
    run_until(all_asked);
    ck_assert_uint_eq(asked(), 3);
    free(content);
}
END_TEST

/* The suite stops while requests are being written: nobody has got one, and then everybody gets
 * one.
 */
START_TEST(stop_on_the_way_asks_nobody_twice)
{
    char *content = xmalloc(LARGE + 1);

    memset(content, 'x', LARGE);
    content[LARGE] = '\0';
    submit_for_approval(content);
    (void)submit("o@far.test", "a@d.test");
    run_until(small_is_there);
    ck_assert_uint_eq(asked(), 0);
    queue_down();
    start_queue();
    run_until(all_asked);
    ck_assert_uint_eq(asked(), 3);
    free(content);
}
END_TEST

/* A file of a request that a crash has torn is in nobody's way. */
START_TEST(torn_file_is_no_obstacle)
{
    int fd;

    h.account_mute = true;
    submit_for_approval("Subject: x\r\n\r\n");
    fd = openat(h.queue->spool.fds[SPOOL_TMP], request, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "torn", 4), 4);
    (void)close(fd);
    h.account_mute = false;
    run_until(all_asked);
    ck_assert_uint_eq(asked(), 3);
}
END_TEST

/* A crash has come behind the first requests: one that is in the queue is not made again. */
START_TEST(request_in_the_queue_is_not_doubled)
{
    int fd;

    h.account_mute = true;
    submit_for_approval("Subject: x\r\n\r\n");
    fd = openat(h.queue->spool.fds[SPOOL_HOLD], request, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    h.account_mute = false;
    run_until(all_asked);
    ck_assert_uint_eq(asked(), 2);
    ck_assert_uint_eq(delivered_to("deputy@d.test"), 0);
}
END_TEST

/* Mail that was delivered in part before the rule came: who has got it all is not told to have been
 * refused it. */
START_TEST(refusal_is_not_told_of_who_was_served)
{
    struct approval_rules *rules = (struct approval_rules *)h.settings.approval_rules;

    h.settings.approval_rules = NULL;
    h.settings.retry_interval_ms = 50;
    queue_down();
    start_queue();
    (void)snprintf(id, sizeof(id), "%s",
                   submit_as("s@d.test", "twice@d.test later@far.test", "Subject: x\r\n\r\n", 0,
                             (struct queue_envelope){.auth_user = SLICE("s@d.test")}));
    run_until(one_deferred);
    h.settings.approval_rules = rules;
    queue_down();
    start_queue();
    run_until(all_asked);
    ck_assert_uint_eq(delivered_to("a@d.test") + delivered_to("b@d.test"), 2);
    ck_assert_int_eq(approval_decide_on(h.queue, id,
                                        &(struct approval_verdict){.kinds = APPROVAL_KINDS_ALL,
                                                                   .by = SLICE("boss@d.test"),
                                                                   .way = "test"}),
                     APPROVAL_DONE);
    run_until(all_gone);
    ck_assert_uint_eq(*h.queue->counters.bounced, 1);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_requests");
    TCase *tc = tcase_create("requests");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_test(tc, large_requests_stop_nobody);
    tcase_add_test(tc, stop_on_the_way_asks_nobody_twice);
    tcase_add_test(tc, torn_file_is_no_obstacle);
    tcase_add_test(tc, request_in_the_queue_is_not_doubled);
    tcase_add_test(tc, refusal_is_not_told_of_who_was_served);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
