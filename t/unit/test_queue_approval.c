/*
 * t/unit/test_queue_approval.c - mail that waits for approval: asked, decided, over restarts and
 * crashes, with both kinds of recipients, and when its time is over.
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
#include <signal.h>
#include <sys/resource.h>

#include "queue-manager/admin.h"
#include "queue-manager/approval.h"
#include "queue-manager/intake.h"
#include "t/unit/queue_harness.h"

static char id[QUEUE_ID_SIZE];

static void
load_rules(const char *text)
{
    struct strbuf errors = strbuf_new(1000);
    struct list_kind kind = {approval_rule_expected};

    h.settings.approval_rules =
        approval_rules_new(list_file_parse(slice_of(text), "rules", &kind, &errors));
    strbuf_free(&errors);
}

static void
start(void)
{
    harness_start();
    load_rules("r s@d.test external=boss@d.test,deputy@d.test local=chief@d.test\n");
    h.settings.approval_lifetime_ms = 3600000;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

static void
stop(void)
{
    struct approval_rules *rules = (struct approval_rules *)h.settings.approval_rules;

    harness_stop();
    approval_rules_free(&rules);
}

static void
restart(void)
{
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

static bool
one_held(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_HOLD) > 0 && files_in(SPOOL_NEW) == 0;
}

static void
submit_one(const char *rcpts)
{
    (void)snprintf(id, sizeof(id), "%s",
                   submit_as("s@d.test", rcpts, "Subject: hello\r\n\r\nbody\r\n", 0,
                             (struct queue_envelope){.auth_user = SLICE("s@d.test")}));
    run_until(one_held);
}

static enum approval_outcome
decide(bool approve, uint8_t kinds)
{
    struct approval_verdict v = {.approve = approve,
                                 .kinds = kinds,
                                 .by = SLICE("boss@d.test"),
                                 .words = SLICE("no\nway"),
                                 .way = "test"};

    return approval_decide_on(h.queue, id, &v);
}

static void
ck_waits(bool expected)
{
    struct queue_log log;

    ck_assert_int_eq(queue_log_load(h.queue->spool.fds[SPOOL_HOLD], id, &log), 0);
    ck_assert(queue_log_waits_for_approval(&log) == expected);
    queue_log_free(&log);
}

/* Only those are asked who have to decide; nobody else gets anything. */
START_TEST(mail_waits_and_approvers_are_asked)
{
    submit_one(_i == 0 ? "x@far.test" : _i == 1 ? "a@d.test" : "a@d.test x@far.test");
    ck_waits(true);
    ck_assert_uint_eq(delivered_to("boss@d.test"), _i != 1);
    ck_assert_uint_eq(delivered_to("deputy@d.test"), _i != 1);
    ck_assert_uint_eq(delivered_to("chief@d.test"), _i != 0);
    ck_assert_uint_eq(delivered_to("a@d.test") + delivered_to("x@far.test"), 0);
    restart();
    run_for(300);
    ck_waits(true);
    ck_assert_uint_eq(h.delivery_count, _i == 2 ? 3 : _i == 0 ? 2 : 1);
    ck_assert_ptr_nonnull(admin_release(h.queue, id, 0)); /* by a decision alone */
}
END_TEST

/* An address that cannot be resolved now may turn out to be of either kind. It is judged once: who
 * approves one kind does not let the other through. */
START_TEST(what_is_not_known_yet_is_asked_about)
{
    submit_one("x@far.test huge@d.test");
    ck_assert_uint_eq(delivered_to("boss@d.test"), 1);
    ck_assert_uint_eq(delivered_to("chief@d.test"), 1);
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    ck_waits(true);
}
END_TEST

START_TEST(other_mail_does_not_wait)
{
    (void)submit_as("o@d.test", "x@far.test a@d.test", "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.auth_user = SLICE("o@d.test")});
    (void)submit_as("s@d.test", "b@d.test", "Subject: from outside\r\n\r\n", 0,
                    (struct queue_envelope){.client = SLICE("192.0.2.1")});
    (void)submit_as(
        "s@d.test", "c@d.test", "Subject: ours\r\n\r\n", 0,
        (struct queue_envelope){.auth_user = SLICE("s@d.test"), .origin = QUEUE_ORIGIN_SYSTEM});
    (void)submit_as("boss@d.test", "y@far.test", "Subject: his own\r\n\r\n", 0,
                    (struct queue_envelope){.auth_user = SLICE("boss@d.test")});
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 5);
}
END_TEST

/* One decision for each kind; the first counts. */
START_TEST(both_kinds_are_decided_separately)
{
    submit_one("a@d.test x@far.test");
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    ck_assert_int_eq(decide(false, APPROVAL_EXTERNAL), APPROVAL_NOTHING);
    ck_waits(true);
    restart();
    run_for(100);
    ck_waits(true);
    ck_assert_uint_eq(delivered_to("a@d.test") + delivered_to("x@far.test"), 0);
    ck_assert_int_eq(decide(true, APPROVAL_LOCAL), APPROVAL_DONE);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_int_eq(decide(true, APPROVAL_KINDS_ALL), APPROVAL_NOTHING);
}
END_TEST

START_TEST(a_refusal_of_one_kind_refuses_all)
{
    submit_one("a@d.test x@far.test");
    if (_i == 1)
        ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    ck_assert_int_eq(decide(false, APPROVAL_LOCAL), APPROVAL_DONE);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test") + delivered_to("x@far.test"), 0);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1); /* is told */
}
END_TEST

/* The machine dies behind the decision's record: what was decided happens. */
START_TEST(decision_that_a_crash_cut_off_has_its_effect)
{
    submit_one("x@far.test");
    ck_assert_int_eq(decide(_i == 0, APPROVAL_EXTERNAL), APPROVAL_DONE);
    ck_assert_int_eq(
        spool_move(&h.queue->spool, id, SPOOL_DEFERRED, SPOOL_HOLD, SPOOL_ENV | SPOOL_LOG), 0);
    restart();
    ck_assert_int_eq(decide(_i != 0, APPROVAL_EXTERNAL), APPROVAL_NOTHING);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), _i == 0);
    ck_assert_uint_eq(delivered_to("s@d.test"), _i != 0);
}
END_TEST

/* It dies behind the record of the question, before the file is in hold/. */
START_TEST(waiting_that_a_crash_cut_off_is_finished)
{
    submit_one("x@far.test");
    ck_assert_int_eq(
        spool_move(&h.queue->spool, id, SPOOL_HOLD, SPOOL_ACTIVE, SPOOL_ENV | SPOOL_LOG), 0);
    restart();
    run_until(one_held);
    run_for(100);
    ck_waits(true);
    ck_assert_uint_eq(delivered_to("x@far.test"), 0);
    ck_assert_uint_eq(delivered_to("boss@d.test"), 1); /* not asked again */
}
END_TEST

/* The same, and nobody decides: its time ends all the same. */
START_TEST(waiting_that_a_crash_cut_off_has_its_deadline)
{
    h.settings.approval_lifetime_ms = 500;
    restart();
    submit_one("x@far.test");
    ck_assert_int_eq(
        spool_move(&h.queue->spool, id, SPOOL_HOLD, SPOOL_ACTIVE, SPOOL_ENV | SPOOL_LOG), 0);
    restart();
    run_until(one_held);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 0);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
}
END_TEST

/* A hold that cannot be put on record is none: it would look like an approval on its way. */
START_TEST(hold_of_approved_mail_is_on_record_or_refused)
{
    struct rlimit limit, small;
    const char *why;

    submit_one("later@far.test");
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    run_until(one_deferred);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 1, .rlim_max = limit.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_FSIZE, _i == 0 ? &small : &limit);
    why = admin_hold(h.queue, id, SLICE("wait"));
    (void)setrlimit(RLIMIT_FSIZE, &limit); /* before the test's own files grow */
    ck_assert((why != NULL) == (_i == 0));
    ck_assert_int_eq(spool_find(&h.queue->spool, id), _i == 0 ? SPOOL_DEFERRED : SPOOL_HOLD);
    restart();
    run_for(100);
    ck_assert_int_eq(spool_find(&h.queue->spool, id), _i == 0 ? SPOOL_DEFERRED : SPOOL_HOLD);
}
END_TEST

/* RFC 2852 section 4.1.2: whoever asks for it back by a time does not wait longer for a decision.
 */
START_TEST(time_of_the_sender_ends_the_wait)
{
    struct queue_envelope e = {.auth_user = SLICE("s@d.test"),
                               .by_mode = _i == 0 ? QUEUE_BY_RETURN : QUEUE_BY_NOTIFY,
                               .deliver_by_ms = clock_real_ms() + 400};

    (void)snprintf(id, sizeof(id), "%s", submit_as("s@d.test", "x@far.test", "A: b\r\n\r\n", 0, e));
    run_until(one_held);
    if (_i == 0) {
        run_until(all_gone);
        ck_assert_uint_eq(delivered_to("s@d.test"), 1);
    } else {
        run_for(800);
        ck_waits(true);
    }
    ck_assert_uint_eq(delivered_to("x@far.test"), 0);
}
END_TEST

START_TEST(time_that_is_over_refuses)
{
    h.settings.approval_lifetime_ms = _i == 0 ? 400 : 1;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    submit_one("x@far.test");
    if (_i == 1)
        restart();
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 0);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
}
END_TEST

START_TEST(deleted_mail_is_gone)
{
    submit_one("x@far.test");
    ck_assert_ptr_null(admin_delete(h.queue, id));
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_NOTHING);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test") + delivered_to("s@d.test"), 0);
}
END_TEST

/* The lifetime begins with the approval: a message is not old because it waited. */
START_TEST(approved_mail_has_its_whole_lifetime)
{
    h.settings.lifetime_ms = 300;
    h.settings.retry_interval_ms = 50;
    h.settings.retry_max_ms = 50;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    submit_one("later@far.test");
    run_for(400);
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    run_until(one_deferred);
    ck_assert_uint_eq(delivered_to("s@d.test"), 0);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1);
}
END_TEST

/* Records that a crash or a second program would have left behind the last decision. */
START_TEST(records_behind_the_last_decision_decide_nothing)
{
    const struct queue_log_entry ask = {.kind = QUEUE_LOG_ASK,
                                        .kinds = APPROVAL_KINDS_ALL,
                                        .next_ms = 7,
                                        .address = SLICE("sales"),
                                        .added = SLICE("1 boss@d.test 3 chief@d.test")};
    struct queue_log_entry first = {
        .kind = QUEUE_LOG_VERDICT, .kinds = 3, .refused = _i == 0, .address = SLICE("boss@d.test")};
    struct queue_log_entry second = {.kind = QUEUE_LOG_VERDICT,
                                     .kinds = 1,
                                     .refused = _i != 0,
                                     .address = SLICE("chief@d.test")};
    struct strbuf records = strbuf_new(QUEUE_LOG_MAX);
    struct slice list, address;
    struct queue_log log;
    uint64_t length = 0;
    uint8_t kinds;

    queue_log_encode(&records, &ask);
    queue_log_encode(&records, &first);
    queue_log_encode(&records, &second);
    ck_assert_int_eq(queue_log_append(h.queue->spool.fds[SPOOL_HOLD], "some", &length,
                                      strbuf_slice(&records), false),
                     0);
    ck_assert_int_eq(queue_log_load(h.queue->spool.fds[SPOOL_HOLD], "some", &log), 0);
    ck_assert(log.approval.refused == (_i == 0));
    ck_assert(slice_eq(log.approval.decided_by, SLICE("boss@d.test")));
    ck_assert(slice_eq(log.approval.rule, SLICE("sales")) && log.approval.deadline_ms == 7);
    ck_assert(!queue_log_waits_for_approval(&log));
    list = log.approval.approvers;
    ck_assert(queue_log_next_approver(&list, &kinds, &address) && kinds == 1);
    ck_assert(queue_log_next_approver(&list, &kinds, &address) && kinds == 3);
    ck_assert(slice_eq(address, SLICE("chief@d.test")));
    ck_assert(!queue_log_next_approver(&list, &kinds, &address));
    queue_log_free(&log);
    strbuf_free(&records);
}
END_TEST

/* ---- decisions by mail ---- */

static void
make_address(char *out, size_t size, bool approve, unsigned approver, int64_t expires_s)
{
    struct approval_token token = {
        .approve = approve, .approver = approver, .expires_s = expires_s};
    char text[APPROVAL_TOKEN_MAX + 1];

    (void)snprintf(token.id, sizeof(token.id), "%s", id);
    ck_assert_int_eq(approval_token_make(&token, h.settings.approval_key, text), 0);
    (void)snprintf(out, size, "%s@mail.d.test", text);
}

static bool
only_held(void)
{
    return one_held() && files_in(SPOOL_DEFERRED) == 0;
}

/* What a mail to such an address does: sender, header, and whether the address is right. */
static const struct {
    const char *what, *sender, *content, *user;
    bool forged, expired;
    unsigned approver;
    bool decides;
    unsigned answers; /* mail to the sender of the decision */
} mails[] = {
    {"right", "any@far.test", "Subject: x\r\n\r\nok\r\n", "", false, false, 0, true, 0},
    {"the other approver", "any@far.test", "Subject: x\r\n\r\n", "", false, false, 1, true, 0},
    {"said by hand", "any@far.test", "Auto-Submitted: no\r\n\r\n", "", false, false, 0, true, 0},
    {"not his kind", "any@far.test", "Subject: x\r\n\r\n", "", false, false, 2, false, 1},
    {"no such approver", "any@far.test", "Subject: x\r\n\r\n", "", false, false, 9, false, 1},
    {"absence", "any@far.test", "Auto-Submitted: auto-replied\r\n\r\n", "", false, false, 0, false,
     0},
    {"bounce", "", "Subject: x\r\n\r\n", "", false, false, 0, false, 0},
    {"expired", "any@far.test", "Subject: x\r\n\r\n", "", false, true, 0, false, 1},
    {"a stranger's forgery", "any@far.test", "Subject: x\r\n\r\n", "", true, false, 0, false, 0},
    {"a user's forgery", "o@d.test", "Subject: x\r\n\r\n", "o@d.test", true, false, 0, false, 1},
};

START_TEST(mail_decides)
{
    char address[200];

    submit_one("x@far.test");
    make_address(address, sizeof(address), true, mails[_i].approver,
                 clock_real_ms() / 1000 + (mails[_i].expired ? -10 : 1000));
    if (mails[_i].forged)
        address[50] = address[50] == 'a' ? 'b' : 'a';
    (void)submit_as(mails[_i].sender, address, mails[_i].content, 0,
                    (struct queue_envelope){.auth_user = slice_of(mails[_i].user),
                                            .client = SLICE("192.0.2.1")});
    run_for(30);
    run_until(mails[_i].decides ? all_gone : only_held);
    ck_assert_uint_eq(delivered_to("x@far.test"), mails[_i].decides);
    if (mails[_i].sender[0] != '\0')
        ck_assert_uint_eq(delivered_to(mails[_i].sender), mails[_i].answers);
}
END_TEST

static bool
one_deferred_decision(void)
{
    return h.queue->active_count == 1 && files_in(SPOOL_DEFERRED) > 0;
}

/* The request was quicker than the message on its way to hold/ (a full disk, a crash): the decision
 * waits for it. */
START_TEST(early_decision_counts)
{
    char address[200];

    h.settings.retry_interval_ms = 50;
    h.settings.retry_max_ms = 50;
    restart();
    h.account_mute = true;
    (void)snprintf(id, sizeof(id), "%s",
                   submit_as("s@d.test", "x@far.test", "Subject: hello\r\n\r\nbody\r\n", 0,
                             (struct queue_envelope){.auth_user = SLICE("s@d.test")}));
    make_address(address, sizeof(address), true, 0, clock_real_ms() / 1000 + 1000);
    (void)submit_as("any@far.test", address, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.rcpt_count = 0});
    run_until(one_deferred_decision);
    h.account_mute = false;
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(delivered_to("any@far.test"), 0);
}
END_TEST

/* Replayed, and decided by another one too late: answered each time, nothing happens. */
START_TEST(later_decisions_are_answered)
{
    char first[200], second[200];

    submit_one("x@far.test");
    make_address(first, sizeof(first), true, 0, clock_real_ms() / 1000 + 1000);
    make_address(second, sizeof(second), false, 1, clock_real_ms() / 1000 + 1000);
    (void)submit_as("one@far.test", first, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.rcpt_count = 0});
    run_until(all_gone);
    (void)submit_as("one@far.test", first, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.rcpt_count = 0});
    (void)submit_as("two@far.test", second, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.rcpt_count = 0});
    run_for(50);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(delivered_to("one@far.test"), 1);
    ck_assert_uint_eq(delivered_to("two@far.test"), 1);
    ck_assert_uint_eq(delivered_to("s@d.test"), 0);
}
END_TEST

/* Mail that a crash has kept in the queue behind the decision that it brought is not late, whether
 * its message waits still or is gone. Others are told as ever. */
static const struct {
    const char *rcpt;
    bool approves;
    unsigned approver;
    size_t answers;
} in_doubt[] = {
    {"later@far.test", true, 0, 0},
    {"x@far.test", true, 0, 0},
    {"later@far.test", true, 1, 1},
    {"later@far.test", false, 0, 1},
};

START_TEST(decision_before_a_crash_is_not_too_late)
{
    bool (*done)(void) = strncmp(in_doubt[_i].rcpt, "later", 5) == 0 ? one_deferred : all_gone;
    char address[200];

    submit_one(in_doubt[_i].rcpt);
    ck_assert_int_eq(decide(true, APPROVAL_EXTERNAL), APPROVAL_DONE);
    run_until(done);
    make_address(address, sizeof(address), in_doubt[_i].approves, in_doubt[_i].approver,
                 clock_real_ms() / 1000 + 1000);
    (void)submit_as("one@far.test", address, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.received_ms = 1}); /* long before the start */
    run_for(50);
    run_until(done);
    ck_assert_uint_eq(delivered_to("one@far.test"), in_doubt[_i].answers);
}
END_TEST

/* A decision among other recipients, twice, many of them: each mailbox gets its mail. */
START_TEST(decisions_go_beside_other_recipients)
{
    char address[200], rcpts[500];

    submit_one("x@far.test");
    make_address(address, sizeof(address), true, 0, clock_real_ms() / 1000 + 1000);
    (void)snprintf(rcpts, sizeof(rcpts), "%s a@d.test %s y@far.test", address, address);
    (void)submit_as("o@d.test", rcpts, "Subject: x\r\n\r\n", 0,
                    (struct queue_envelope){.rcpt_count = 0});
    run_for(30);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
    ck_assert_uint_eq(delivered_to("y@far.test"), 1);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(delivered_to("o@d.test"), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_approval");
    TCase *tc = tcase_create("approval");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, start, stop);
    tcase_add_loop_test(tc, mail_waits_and_approvers_are_asked, 0, 3);
    tcase_add_test(tc, what_is_not_known_yet_is_asked_about);
    tcase_add_test(tc, other_mail_does_not_wait);
    tcase_add_test(tc, both_kinds_are_decided_separately);
    tcase_add_loop_test(tc, a_refusal_of_one_kind_refuses_all, 0, 2);
    tcase_add_loop_test(tc, decision_that_a_crash_cut_off_has_its_effect, 0, 2);
    tcase_add_test(tc, waiting_that_a_crash_cut_off_is_finished);
    tcase_add_test(tc, waiting_that_a_crash_cut_off_has_its_deadline);
    tcase_add_loop_test(tc, hold_of_approved_mail_is_on_record_or_refused, 0, 2);
    tcase_add_loop_test(tc, time_of_the_sender_ends_the_wait, 0, 2);
    tcase_add_loop_test(tc, time_that_is_over_refuses, 0, 2);
    tcase_add_test(tc, deleted_mail_is_gone);
    tcase_add_test(tc, approved_mail_has_its_whole_lifetime);
    tcase_add_loop_test(tc, records_behind_the_last_decision_decide_nothing, 0, 2);
    tcase_add_loop_test(tc, mail_decides, 0, (int)ARRAY_LEN(mails));
    tcase_add_test(tc, early_decision_counts);
    tcase_add_test(tc, later_decisions_are_answered);
    tcase_add_loop_test(tc, decision_before_a_crash_is_not_too_late, 0, (int)ARRAY_LEN(in_doubt));
    tcase_add_test(tc, decisions_go_beside_other_recipients);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
