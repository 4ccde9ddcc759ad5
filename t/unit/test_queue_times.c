/*
 * t/unit/test_queue_times.c - not before (FUTURERELEASE) and not after (DELIVERBY) a time.
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
#include "queue-manager/deferral.h"
#include "queue-manager/intake.h"
#include "t/unit/queue_harness.h"

static const char content[] = "Subject: x\r\n\r\nbody\r\n";

static const char *
submit_for_later(const char *rcpts, int64_t ms)
{
    return submit_as("s@d.test", rcpts, content, 0,
                     (struct queue_envelope){.hold_until_ms = clock_real_ms() + ms});
}

static const char *
submit_by(const char *rcpts, uint8_t mode, int64_t ms)
{
    return submit_as(
        "s@d.test", rcpts, content, 0,
        (struct queue_envelope){.by_mode = mode, .deliver_by_ms = clock_real_ms() + ms});
}

static uint32_t
flush_all(void)
{
    schedule_flush(h.queue->schedule, SLICE(""));
    return deferrals_flush(h.queue->deferrals, DUE_DOMAIN_ALL);
}

START_TEST(scheduled_mail_waits_for_its_time)
{
    int64_t began = clock_mono_ms();

    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_for_later("a@d.test", 600);
    run_until(one_deferred);
    ck_assert_uint_eq(files_in(SPOOL_DEFERRED), 1);
    if (_i == 1) { /* neither a restart nor a flush sends it */
        queue_down();
        queue_up();
        (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    }
    run_for(100);
    (void)flush_all();
    intake_look(h.queue->intake);
    run_for(100);
    ck_assert_uint_eq(h.job_count, 0);
    run_until(all_gone);
    ck_assert_int_ge((int)(clock_mono_ms() - began), 590);
    ck_assert_uint_eq(h.delivery_count, 1);
}
END_TEST

/* The lifetime begins when the mail may go. */
START_TEST(scheduled_mail_does_not_expire_before_its_time)
{
    h.settings.lifetime_ms = 300;
    queue_down();
    queue_up();
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_for_later("once@d.test", 500);
    h.store_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    run_until(all_gone); /* the second attempt is the last, at the lifetime's end */
    ck_assert_uint_eq(delivered_to("once@d.test"), 1);
    ck_assert_uint_eq(delivered_to("s@d.test"), 0);
    (void)close(h.store_fd);
    h.store_fd = 0;
}
END_TEST

/* The notice in new/ or on its way, whole, while no local agent takes it. */
static void
read_notice(const char *original, struct strbuf *text)
{
    for (int s = SPOOL_NEW; s <= SPOOL_ACTIVE; s++) {
        struct spool_scan scan;
        const char *id;

        ck_assert_int_eq(spool_scan_open(&scan, &h.queue->spool, (enum spool_state)s), 0);
        while ((id = spool_scan_next(&scan)) != NULL)
            if (strcmp(id, original) != 0)
                ck_assert_int_eq(read_file(h.queue->spool.fds[s], id, text), 0);
        spool_scan_close(&scan);
    }
}

static bool
notice_is_there(void)
{
    return h.queue->counters.notices != NULL && *h.queue->counters.notices == 1;
}

static bool
has(const struct strbuf *text, const char *what)
{
    return memmem(text->ptr, text->len, what, strlen(what)) != NULL;
}

/* RFC 2852 section 4.1.3, by-mode R: over before the first attempt, or while it is deferred. */
START_TEST(return_when_the_time_is_over)
{
    struct strbuf text = strbuf_new(1u << 20);
    char id[QUEUE_ID_SIZE];

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)snprintf(id, sizeof(id), "%s",
                   submit_by("later@far.test", QUEUE_BY_RETURN, _i == 0 ? -1000 : 300));
    run_until(notice_is_there);
    ck_assert_uint_eq(h.job_count, _i == 0 ? 0 : 1);
    read_notice(id, &text);
    ck_assert(has(&text, "Status: 5.4.7"));
    ck_assert(has(&text, "Action: failed"));
    ck_assert_uint_eq(files_in(SPOOL_DEFERRED), 0);
    strbuf_free(&text);
}
END_TEST

/* By-mode N: one delay notice at the time, whatever the setting is, and the attempts go on. */
START_TEST(notify_when_the_time_is_over)
{
    struct strbuf text = strbuf_new(1u << 20);
    char id[QUEUE_ID_SIZE];

    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)snprintf(id, sizeof(id), "%s", submit_by("later@far.test", QUEUE_BY_NOTIFY, 300));
    run_until(one_deferred);
    ck_assert_uint_eq(*h.queue->counters.notices, 0);
    run_until(notice_is_there);
    read_notice(id, &text);
    ck_assert(has(&text, "Status: 4.4.7"));
    ck_assert(has(&text, "Action: delayed"));
    strbuf_free(&text);
    for (size_t jobs = h.job_count; h.job_count == jobs;) { /* once, also after a restart */
        queue_down();
        queue_up();
        (void)agent_start(QUEUE_AGENT_REMOTE, 4);
        (void)flush_all();
        run_for(100);
    }
    ck_assert_uint_eq(*h.queue->counters.notices, 1);
    ck_assert(files_in(SPOOL_DEFERRED) > 0);
}
END_TEST

static int
priority_of(const struct strbuf *file)
{
    struct envelope_footer footer;
    struct queue_envelope e;
    size_t at = file->len - ENVELOPE_FOOTER;
    int priority;

    ck_assert_int_eq(envelope_footer_decode(file->ptr + at, &footer), 0);
    at -= footer.body_length;
    ck_assert_int_eq(envelope_decode(slice_sub(strbuf_slice(file), at, file->len), &e), 0);
    priority = e.priority;
    envelope_clear(&e);
    return priority;
}

/* RFC 2852 section 4.1.4: whatever NOTIFY says, unless it is NEVER; and the notice has the
 * message's own priority (RFC 6710 section 4.6). */
START_TEST(passing_on_is_told)
{
    static const struct {
        const char *rcpt;
        uint8_t notify;
        unsigned notices;
    } cases[] = {{"passed@far.test", 0, 1},
                 {"passed-dsn@far.test", 0, 1},
                 {"passed-dsn@far.test", QUEUE_NOTIFY_SUCCESS, 1},
                 {"passed@far.test", QUEUE_NOTIFY_FAILURE, 1},
                 {"passed@far.test", QUEUE_NOTIFY_NEVER, 0},
                 {"a@far.test", 0, 0}};
    int64_t by_ms = clock_real_ms() + 3600000;
    struct queue_envelope e = {
        .by_mode = QUEUE_BY_NOTIFY, .deliver_by_ms = by_ms, .priority = 3, .rcpt_count = 0};
    struct strbuf text = strbuf_new(1u << 20), date = strbuf_new(100);
    char id[QUEUE_ID_SIZE];

    (void)clock_rfc5322(by_ms, &date);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
    (void)snprintf(id, sizeof(id), "%s",
                   submit_as("s@d.test", cases[_i].rcpt, content, cases[_i].notify, e));
    run_until(cases[_i].notices > 0 ? notice_is_there : all_gone);
    ck_assert_int_eq(h.job_priority, 3);
    if (cases[_i].notices > 0) {
        read_notice(id, &text);
        ck_assert(has(&text, "Action: relayed\r\nStatus: 2.0.0\r\n"));
        ck_assert(has(&text, "\r\nDeliver-By-Date: "));
        ck_assert(has(&text, strbuf_cstr(&date)));
        ck_assert_int_eq(priority_of(&text), 3);
    }
    ck_assert_uint_eq(*h.queue->counters.notices, cases[_i].notices);
    strbuf_free(&text);
    strbuf_free(&date);
}
END_TEST

START_TEST(time_that_is_not_over_changes_nothing)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)submit_by("a@d.test", QUEUE_BY_RETURN, 60000);
    (void)submit_by("b@d.test", QUEUE_BY_NOTIFY, -1000);
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2);
    ck_assert_uint_eq(delivered_to("s@d.test"), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_times");
    TCase *tc = tcase_create("queue_times");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, harness_start, harness_stop);
    tcase_add_loop_test(tc, scheduled_mail_waits_for_its_time, 0, 2);
    tcase_add_test(tc, scheduled_mail_does_not_expire_before_its_time);
    tcase_add_loop_test(tc, return_when_the_time_is_over, 0, 2);
    tcase_add_test(tc, notify_when_the_time_is_over);
    tcase_add_loop_test(tc, passing_on_is_told, 0, 6);
    tcase_add_test(tc, time_that_is_not_over_changes_nothing);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
