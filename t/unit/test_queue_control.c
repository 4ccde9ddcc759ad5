/*
 * t/unit/test_queue_control.c - the whole queue manager with fakes around it: what administrators
 * ask of it, and its bounds.
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

#include "lib/queue/queue_pressure.h"
#include "queue-manager/control.h"

static uint32_t
control(const char *verb, const char *name)
{
    struct queue_control req = {.verb = slice_of(verb), .names = slice_of(name)};
    struct queue_control_reply reply;
    struct strbuf out = strbuf_new(QUEUE_PAYLOAD_MAX + FRAME_HEADER);

    control_run(h.queue, &req, 1, &out);
    ck_assert_int_eq(
        queue_control_reply_decode(slice_sub(strbuf_slice(&out), FRAME_HEADER, out.len), &reply),
        0);
    strbuf_free(&out);
    return reply.result;
}

static bool
job_out(void)
{
    return h.job_count > 0;
}

static bool
second_deferred(void)
{
    return one_deferred() && h.job_count > 0;
}

/* A destination that is not tried for a while is tried when the administrator says so. */
START_TEST(flush_revives_a_dead_destination)
{
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    for (int i = 0; i < 20; i++)
        (void)submit("s@d.test", "down@dead.test");
    run_until(one_deferred);
    h.job_count = 0;
    ck_assert_uint_eq(control("flush", ""), 0);
    run_until(second_deferred);
}
END_TEST

/* What a crash may have left without its bytes is looked at before it is taken up. */
/* Whom an agent does not name has no mail yet. */
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
    ck_assert_uint_eq(control("release", id), 0);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 1);
    ck_assert_uint_ne(control("delete", id), 0);
    (void)snprintf(id, sizeof(id), "%s", submit("s@far.test", "later@d.test b@d.test"));
    run_until(one_deferred);
    ck_assert_uint_eq(control("delete", id), 0);
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
    for (int i = 0; i < 100; i++) {
        char sender[32];

        (void)snprintf(sender, sizeof(sender), "s%d@far.test", i);
        (void)submit(sender, "a@d.test");
    }
    run_for(100);
    ck_assert_uint_eq(h.queue->active_count, 20);
    ck_assert_uint_eq(files_in(SPOOL_NEW), 80);
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 100);
}
END_TEST

/* ---- what smtpd is told ---- */

static bool
intake_is_stopped(void)
{
    return (queue_pressure_get(h.queue->spool.trigger_fd) & QUEUE_PRESSURE_STOP) != 0;
}

static bool
intake_goes_on(void)
{
    return !intake_is_stopped();
}

/* Both what is in memory and what lies in new/ counts. */
START_TEST(a_long_queue_stops_the_intake_until_it_is_shorter)
{
    queue_down();
    h.settings.messages_max = 20;
    h.settings.active_max = 5;
    queue_up();
    for (int i = 0; i < 20; i++)
        (void)submit("s@far.test", "a@d.test");
    run_for(1200);
    ck_assert(intake_goes_on());
    (void)submit("s@far.test", "a@d.test");
    run_until(intake_is_stopped);
    queue_down(); /* it knows what it has said */
    h.settings.messages_max = 0;
    queue_up();
    run_until(intake_goes_on);
    (void)agent_start(QUEUE_AGENT_LOCAL, 10);
    run_until(all_gone);
}
END_TEST

static bool
disk_is_low(void)
{
    return queue_pressure_get(h.queue->spool.trigger_fd) == QUEUE_PRESSURE_LOW;
}

START_TEST(a_full_disk_stops_the_intake_across_restarts)
{
    struct disk_room room;

    ck_assert_int_eq(disk_room_of(h.root_fd, &room), 0);
    queue_down();
    h.settings.places.list[0].path = xstrdup("here");
    h.settings.places.list[0].fd = h.root_fd;
    h.settings.places.count = 1;
    h.settings.disk.hard_bytes = room.bytes * 2;
    queue_up();
    ck_assert(intake_is_stopped());
    queue_down();
    h.settings.disk.hard_bytes = room.bytes - room.bytes / 16; /* less than an eighth above */
    queue_up();
    ck_assert(intake_is_stopped());
    queue_down();
    h.settings.disk.hard_bytes = 1;
    h.settings.disk.soft_bytes = room.bytes * 2;
    queue_up();
    run_until(disk_is_low);
    ck_assert(intake_goes_on());
    free(h.settings.places.list[0].path);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_control");
    TCase *tc = tcase_create("queue_control");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, flush_revives_a_dead_destination);
    tcase_add_test(tc, hold_release_delete);
    tcase_add_test(tc, release_during_a_job_is_due_at_once);
    tcase_add_test(tc, delete_waits_for_the_job);
    tcase_add_loop_test(tc, flush_tries_again_at_once, 0, 2);
    tcase_add_test(tc, active_set_is_bounded);
    tcase_add_test(tc, a_long_queue_stops_the_intake_until_it_is_shorter);
    tcase_add_test(tc, a_full_disk_stops_the_intake_across_restarts);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
