/*
 * t/unit/test_queue_admin.c - hold with a reason, release at a time, change of recipients.
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
#include "lib/queue/queue_edit.h"
#include "queue-manager/admin.h"
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "t/unit/queue_harness.h"

static char id[QUEUE_ID_SIZE];

static void
submit_one(const char *rcpts)
{
    (void)snprintf(id, sizeof(id), "%s", submit("s@d.test", rcpts));
}

static bool
one_held(void)
{
    return h.queue->active_count == 0 && files_in(SPOOL_HOLD) > 0;
}

static void
restart(void)
{
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

static void
load_log(enum spool_state state, struct queue_log *log)
{
    ck_assert_int_eq(queue_log_load(h.queue->spool.fds[state], id, log), 0);
}

/* Taken from memory, from deferred/, and with what it had delivered before. */
START_TEST(hold_has_its_reason)
{
    struct queue_log log;

    if (_i == 1)
        (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    submit_one("later@d.test a@d.test");
    if (_i == 1)
        run_until(one_deferred);
    else
        run_for(50);
    ck_assert_ptr_null(admin_hold(h.queue, id, SLICE("wait for the lawyers")));
    run_until(one_held);
    load_log(SPOOL_HOLD, &log);
    ck_assert(log.held && slice_eq(log.hold_reason, SLICE("wait for the lawyers")));
    ck_assert_int_eq((int)log.hold_until_ms, 0);
    queue_log_free(&log);
    restart();
    run_for(100);
    ck_assert(one_held());
    ck_assert_uint_eq(delivered_to("a@d.test"), _i == 1 ? 1 : 0);
    ck_assert_ptr_nonnull(admin_hold(h.queue, id, SLICE("again")));
    ck_assert_ptr_null(admin_release(h.queue, id, 0));
    intake_look(h.queue->intake);
    run_until(one_deferred);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
}
END_TEST

/* The machine dies when the record is on disk and the file is not in hold/ yet. */
START_TEST(hold_that_a_crash_cut_off_is_finished)
{
    submit_one("a@d.test");
    run_for(50);
    ck_assert_ptr_null(admin_hold(h.queue, id, SLICE("x")));
    run_until(one_held);
    ck_assert_int_eq(
        spool_move(&h.queue->spool, id, SPOOL_HOLD, SPOOL_ACTIVE, SPOOL_ENV | SPOOL_LOG), 0);
    restart();
    run_until(one_held);
    ck_assert_uint_eq(h.delivery_count, 0);
}
END_TEST

/* Released for later: it goes then and not before, whatever is flushed and restarted. */
START_TEST(release_at_a_time)
{
    int64_t at_ms;
    struct queue_log log;

    submit_one("a@d.test");
    run_for(50);
    ck_assert_ptr_null(admin_hold(h.queue, id, SLICE("x")));
    run_until(one_held);
    at_ms = clock_real_ms() + 500;
    ck_assert_ptr_null(admin_release(h.queue, id, at_ms));
    restart();
    (void)deferrals_flush(h.queue->deferrals, DUE_DOMAIN_ALL);
    intake_look(h.queue->intake);
    run_for(200);
    ck_assert(one_deferred());
    load_log(SPOOL_DEFERRED, &log);
    ck_assert(log.hold_until_ms == at_ms && log.hold_reason.len > 0);
    queue_log_free(&log);
    if (_i == 1) { /* or earlier, if the administrator thinks again */
        ck_assert_ptr_null(admin_release(h.queue, id, 0));
        intake_look(h.queue->intake);
    }
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert((clock_real_ms() >= at_ms) == (_i == 0));
    ck_assert_ptr_nonnull(admin_release(h.queue, id, 0));
}
END_TEST

/* A released message is due at once, also when the machine dies before it went. */
START_TEST(release_outlives_a_restart)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    h.store_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    submit_one("once@d.test"); /* due in a minute */
    run_until(one_deferred);
    ck_assert_ptr_null(admin_hold(h.queue, id, SLICE("x")));
    ck_assert_ptr_null(admin_release(h.queue, id, 0));
    restart();
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("once@d.test"), 1);
    (void)close(h.store_fd);
    h.store_fd = 0;
}
END_TEST

START_TEST(sender_asked_for_later_and_the_administrator_sends_now)
{
    struct queue_envelope e = {.hold_until_ms = clock_real_ms() + 3600000};

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)snprintf(id, sizeof(id), "%s", submit_as("s@d.test", "a@d.test", "x", 0, e));
    run_until(one_deferred);
    ck_assert_ptr_null(admin_release(h.queue, id, 0));
    intake_look(h.queue->intake);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
}
END_TEST

/* Who is removed gets nothing, who is added does, others are as before, over a restart too. */
START_TEST(edited_recipients)
{
    static const struct {
        const char *rcpts, *removed, *added;
        const char *gets[3], *not [3];
    } cases[] = {
        {"later@d.test", "later@D.test", "a@d.test", {"a@d.test"}, {"later@d.test"}},
        {"later@d.test b@d.test", "later@d.test", "", {"b@d.test"}, {"later@d.test"}},
        {"later@d.test", "", "a@d.test", {"a@d.test"}, {NULL}},
        {"team@d.test later@d.test", "c@d.test", "", {"a@d.test", "b@d.test"}, {"c@d.test"}},
        {"later@d.test x@far.test", "x@FAR.test", "y@far.test", {"y@far.test"}, {"x@far.test"}},
    };
    struct queue_log log;

    if (_i < 3)
        (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    submit_one(cases[_i].rcpts);
    if (_i < 3) {
        run_until(one_deferred);
    } else {
        run_for(50);
        ck_assert_ptr_null(admin_hold(h.queue, id, SLICE("to be changed")));
        run_until(one_held);
    }
    ck_assert_ptr_null(
        admin_edit(h.queue, id, slice_of(cases[_i].removed), slice_of(cases[_i].added)));
    if (_i >= 3)
        ck_assert_ptr_null(admin_release(h.queue, id, 0));
    restart();
    (void)deferrals_flush(h.queue->deferrals, DUE_DOMAIN_ALL);
    intake_look(h.queue->intake);
    if (_i < 2)
        run_until(all_gone);
    else
        run_for(300);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(cases[_i].gets[i] == NULL || delivered_to(cases[_i].gets[i]) == 1);
        ck_assert(cases[_i].not [i] == NULL || delivered_to(cases[_i].not [i]) == 0);
    }
    if (_i < 2)
        return;
    load_log(SPOOL_DEFERRED, &log);
    ck_assert_uint_eq(log.edit_count, 1);
    queue_log_free(&log);
}
END_TEST

START_TEST(edits_that_make_no_sense_are_refused)
{
    static const struct {
        const char *removed, *added;
    } cases[] = {
        {"", ""},
        {"nobody@else.test", ""},
        {"later@d.test", ""},
        {"", "no address"},
        {"", "a@b@c"},
        {"", "x\r\ny@d.test"},
        {"", "later@d.test"},
        {"", "\xc3\xa4@d.test"},
        {"later@d.test", "@"},
        {"later@d.test", "later@d.test"},
    };

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    submit_one("later@d.test");
    ck_assert_ptr_nonnull(admin_edit(h.queue, id, SLICE(""), SLICE("a@d.test"))); /* in new/ */
    run_until(one_deferred);
    ck_assert_ptr_nonnull(
        admin_edit(h.queue, id, slice_of(cases[_i].removed), slice_of(cases[_i].added)));
}
END_TEST

/* Last word first: removed, added again, removed again. */
START_TEST(last_edit_counts)
{
    struct queue_rcpt rcpts[] = {{.address = SLICE("a@d.test")}, {.address = SLICE("b@d.test")}};
    struct queue_envelope e = {.rcpts = rcpts, .rcpt_count = 2}, edited;
    struct queue_log_entry edits[] = {{.kind = QUEUE_LOG_EDIT, .address = SLICE("a@d.test")},
                                      {.kind = QUEUE_LOG_EDIT, .added = SLICE("a@D.TEST")},
                                      {.kind = QUEUE_LOG_EDIT, .address = SLICE("b@d.test")}};
    struct queue_log log = {.edits = edits, .edit_count = 3};

    queue_edit_apply(&e, &log, &edited);
    ck_assert_uint_eq(edited.rcpt_count, 1);
    ck_assert(slice_eq(edited.rcpts[0].address, SLICE("a@D.TEST")));
    ck_assert(!queue_edit_removed(&log, SLICE("a@d.test")));
    ck_assert(queue_edit_removed(&log, SLICE("b@d.test")));
    ck_assert(!queue_edit_removed(&log, SLICE("B@d.test"))); /* a local part's case counts */
    envelope_clear(&edited);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_admin");
    TCase *tc = tcase_create("queue_admin");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_add_loop_test(tc, hold_has_its_reason, 0, 2);
    tcase_add_test(tc, hold_that_a_crash_cut_off_is_finished);
    tcase_add_loop_test(tc, release_at_a_time, 0, 2);
    tcase_add_test(tc, release_outlives_a_restart);
    tcase_add_test(tc, sender_asked_for_later_and_the_administrator_sends_now);
    tcase_add_loop_test(tc, edited_recipients, 0, 5);
    tcase_add_loop_test(tc, edits_that_make_no_sense_are_refused, 0, 10);
    tcase_add_test(tc, last_edit_counts);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
