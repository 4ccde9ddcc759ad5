/*
 * t/unit/test_queue_copies.c - who reads along: the decision, and the whole queue manager with it.
 */
// LINK: queue-manager/approval.c
// LINK: queue-manager/approval_mail.c
// LINK: queue-manager/approval_request.c
// LINK: queue-manager/approval_watch.c
// LINK: queue-manager/own_mail.c
// LINK: queue-manager/agent.c
// LINK: queue-manager/agents.c
// LINK: queue-manager/admin.c
// LINK: queue-manager/admit.c
// LINK: queue-manager/control.c
// LINK: queue-manager/copies.c
// LINK: queue-manager/deadline.c
// LINK: queue-manager/deferral.c
// LINK: queue-manager/due_heap.c
// LINK: queue-manager/destination.c
// LINK: queue-manager/etrn.c
// LINK: queue-manager/expand.c
// LINK: queue-manager/intake.c
// LINK: queue-manager/lane.c
// LINK: queue-manager/message.c
// LINK: queue-manager/notice.c
// LINK: queue-manager/pressure.c
// LINK: queue-manager/disk_notice.c
// LINK: queue-manager/reply.c
// LINK: queue-manager/queue.c
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

#include "queue-manager/copies.h"
#include "queue-manager/deferral.h"

static struct monitor_rules *
rules_of(const char *text)
{
    struct strbuf errors = strbuf_new(4096);
    struct monitor_rules *rules = monitor_rules_parse(slice_of(text), "f", &errors);

    ck_assert_msg(rules != NULL, "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
    return rules;
}

/* ---- the decision ---- */

static const char deciding[] =
    "[out]\nmonitored = alice@d.test\noutgoing = o@x.test\n"
    "[in]\nmonitored = alice@d.test info@d.test\nincoming = i@x.test\n"
    "[internal]\nmonitored = bob@d.test\nmail = internal\noutgoing = oi@x.test\nincoming = "
    "ii@x.test\n"
    "[external]\nmonitored = bob@d.test\nmail = external\noutgoing = oe@x.test\nincoming = "
    "ie@x.test\n"
    "[domain]\nmonitored = *@e.test\noutgoing = o@x.test d@x.test\nincoming = d@x.test\n";

/* Targets: M mailbox, R remote, F failure, N forwards only; after the address how it came there. */
static const struct {
    const char *user, *sender; /* user NULL: from outside */
    const char *rcpt;
    const char *targets;
    const char *copies;
} decisions[] = {
    {"carol@d.test", "carol@d.test", "dan@d.test", "M dan@d.test", ""},
    {"alice@d.test", "alice@d.test", "dan@d.test", "M dan@d.test", "o@x.test/alice@d.test"},
    {"alice@d.test", "", "x@far.test", "R x@far.test", "o@x.test/alice@d.test"},
    {"", "Alice@D.test", "x@far.test", "R x@far.test", "o@x.test/Alice@D.test"}, /* trusted host */
    {NULL, "alice@d.test", "dan@d.test", "M dan@d.test", ""},                    /* forged */
    {NULL, "x@far.test", "alice@d.test", "M alice@d.test", "i@x.test/alice@d.test"},
    {NULL, "x@far.test", "sales@d.test", "M alice@d.test/alias", "i@x.test/alice@d.test"},
    {NULL, "x@far.test", "INFO@d.test", "M dan@d.test/alias", "i@x.test/INFO@d.test"},
    {NULL, "x@far.test", "info@d.test", "F info@d.test", ""},
    {NULL, "x@far.test", "alice@d.test", "F alice@d.test", ""},
    {NULL, "x@far.test", "alice@d.test", "R y@far.test/forward N alice@d.test",
     "i@x.test/alice@d.test"},
    {NULL, "x@far.test", "team@d.test", "R y@far.test/forward N alice@d.test/group team",
     "i@x.test/alice@d.test"},
    {"bob@d.test", "bob@d.test", "dan@d.test", "M dan@d.test", "oi@x.test/bob@d.test"},
    {"bob@d.test", "bob@d.test", "x@far.test", "R x@far.test", "oe@x.test/bob@d.test"},
    {"bob@d.test", "bob@d.test", "dan@d.test", "M dan@d.test R x@far.test",
     "oi@x.test/bob@d.test oe@x.test/bob@d.test"},
    {"bob@d.test", "bob@d.test", "out@d.test", "R x@far.test/alias", "oe@x.test/bob@d.test"},
    {"bob@d.test", "bob@d.test", "dan@d.test", "R x@far.test/forward N dan@d.test",
     "oi@x.test/bob@d.test"},
    {"bob@d.test", "bob@d.test", "nobody@d.test", "F nobody@d.test", ""},
    {"dan@d.test", "dan@d.test", "bob@d.test", "M bob@d.test", "ii@x.test/bob@d.test"},
    {NULL, "x@far.test", "bob@d.test", "M bob@d.test", "ie@x.test/bob@d.test"},
    {NULL, "x@far.test", "v@e.test", "M v@e.test M w@e.test", "d@x.test/v@e.test"},
    {"u@e.test", "u@e.test", "v@e.test", "M v@e.test M w@e.test",
     "o@x.test/u@e.test d@x.test/u@e.test"},            /* each once */
    {NULL, "x@far.test", "v@e.test", "R v@e.test", ""}, /* not one of ours */
};

static uint32_t
make_targets(struct target *targets, struct slice text)
{
    uint32_t count = 0;

    while (text.len > 0) {
        char kind = slice_split(&text, ' ').ptr[0];
        size_t end = slice_index(text, ' ');
        struct slice word, address;

        /* "group team" holds a space: up to the next kind */
        while (end + 2 < text.len && text.ptr[end + 2] != ' ')
            end += 1 + slice_index(slice_sub(text, end + 1, text.len), ' ');
        word = slice_sub(text, 0, end);
        text = slice_sub(text, end + 1, text.len);
        address = slice_split(&word, '/');
        targets[count++] = (struct target){.kind = kind == 'M'   ? TARGET_MAILBOX
                                                   : kind == 'R' ? TARGET_REMOTE
                                                   : kind == 'N' ? TARGET_NOBODY
                                                                 : TARGET_FAILURE,
                                           .address = address,
                                           .via = word};
    }
    return count;
}

START_TEST(a_decision_follows_from_rules_and_targets)
{
    static const struct archive_conf none = {.to_files = true};
    struct monitor_rules *rules = rules_of(deciding);
    const struct copy_rules policy = {rules, &none};
    struct queue_rcpt rcpt = {.address = slice_of(decisions[_i].rcpt)};
    struct queue_envelope e = {.sender = slice_of(decisions[_i].sender),
                               .auth_user = slice_of(decisions[_i].user),
                               .rcpt_count = 1,
                               .rcpts = &rcpt};
    struct strbuf text = strbuf_new(4096);
    struct copy_decision decision;
    struct target targets[10];
    uint32_t count = make_targets(targets, slice_of(decisions[_i].targets));

    copies_decide(&policy, &e, decisions[_i].user != NULL, targets, count, &decision);
    for (uint32_t i = 0; i < decision.count; i++)
        (void)strbuf_printf(&text, "%s%.*s/%.*s", i > 0 ? " " : "",
                            (int)decision.copies[i].address.len, decision.copies[i].address.ptr,
                            (int)decision.copies[i].monitored.len,
                            decision.copies[i].monitored.ptr);
    ck_assert_str_eq(strbuf_cstr(&text), decisions[_i].copies);
    copy_rules_clear(&decision);
    monitor_rules_free(&rules);
    strbuf_free(&text);
}
END_TEST

/* ---- the whole ---- */

static void
set_rules(const char *text)
{
    h.queue->settings.monitor_rules = rules_of(text);
    h.settings.monitor_rules = h.queue->settings.monitor_rules;
}

static struct queue_envelope
from_user(const char *user)
{
    return (struct queue_envelope){.auth_user = slice_of(user), .rcpt_count = 0};
}

static void
send_from(const char *user, const char *rcpts)
{
    (void)submit_as(user, rcpts, "Subject: x\r\n\r\nbody\r\n", 0, from_user(user));
}

static void
start_agents(void)
{
    (void)agent_start(QUEUE_AGENT_LOCAL, 4);
    (void)agent_start(QUEUE_AGENT_REMOTE, 4);
}

START_TEST(a_copy_mailbox_gets_one_copy)
{
    set_rules("[r]\nmonitored = *@d.test\noutgoing = boss@d.test copy@far.test\n"
              "incoming = boss@d.test twice@d.test\n");
    start_agents();
    send_from("u@d.test", "b@d.test c@d.test x@far.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("boss@d.test"), 1);
    ck_assert_uint_eq(delivered_to("copy@far.test"), 1);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1); /* twice@ is a@ and b@, who has it already */
    ck_assert_uint_eq(delivered_to("b@d.test"), 1);
    ck_assert_uint_eq(delivered_to("c@d.test"), 1);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(h.delivery_count, 6); /* the copies are not copied again */
    send_from("u@d.test", "boss@d.test");   /* gets it anyway */
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("boss@d.test"), 2);
}
END_TEST

START_TEST(a_mailbox_that_forwards_gets_nothing_and_is_copied)
{
    set_rules("[r]\nmonitored = *@d.test\nincoming = boss@d.test\n");
    start_agents();
    (void)submit("s@far.test", "fwd@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    ck_assert_uint_eq(delivered_to("boss@d.test"), 1);
    ck_assert_uint_eq(h.delivery_count, 2);
}
END_TEST

/* Neither by a notice nor as the sender of what another server gets. */
START_TEST(the_sender_never_hears_of_a_copy)
{
    static const struct {
        const char *copy;
        bool monitored_told;
        const char *told;
    } cases[] = {
        {"never@d.test", false, "postmaster@d.test"},
        {"never@far.test", false, "postmaster@d.test"},
        {"nobody@d.test", false, "postmaster@d.test"},
        {"ghost@d.test", false, "postmaster@d.test"},
        {"nobody@d.test", true, "m@d.test"},
    };
    char text[200];

    (void)snprintf(text, sizeof(text), "[r]\nmonitored = m@d.test\nincoming = %s a@d.test\n",
                   cases[_i].copy);
    set_rules(text);
    h.queue->settings.monitored_told = cases[_i].monitored_told;
    start_agents();
    (void)submit_as("s@d.test", "m@d.test", "Subject: x\r\n\r\n",
                    QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY,
                    (struct queue_envelope){.rcpt_count = 0});
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("a@d.test"), 1);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1); /* that m@ has it, as asked */
    ck_assert_uint_eq(delivered_to("admin@d.test"), 0);
    ck_assert_uint_eq(delivered_to(cases[_i].told), cases[_i].monitored_told ? 2 : 1);
    ck_assert_uint_eq(h.delivery_count, 4);
}
END_TEST

/* Nor does the postmaster hear of it twice when there is no sender. */
START_TEST(a_failed_copy_of_a_bounce_is_told_once)
{
    set_rules("[r]\nmonitored = m@d.test\nincoming = never@d.test\n");
    start_agents();
    (void)submit("", "m@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("postmaster@d.test"), 1);
    ck_assert_uint_eq(h.delivery_count, 2);
}
END_TEST

START_TEST(a_remote_copy_has_a_sender_of_its_own)
{
    set_rules("[r]\nmonitored = *@d.test\noutgoing = copy@far.test\nincoming = copy@far.test\n");
    start_agents();
    send_from("u@d.test", "x@far.test");
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2);
    for (size_t i = 0; i < h.delivery_count; i++)
        ck_assert_str_eq(h.deliveries[i].sender, strcmp(h.deliveries[i].address, "x@far.test") == 0
                                                     ? "u@d.test"
                                                     : "postmaster@d.test");
    (void)submit("", "m@d.test"); /* of a bounce: nobody's, or bounces of copies would go on */
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 4);
    for (size_t i = 2; i < h.delivery_count; i++)
        ck_assert_str_eq(h.deliveries[i].sender, "");
}
END_TEST

/* Who reads along may have a forward, and be away: the message goes there as his, and says nothing.
 */
START_TEST(a_copy_is_forwarded_as_its_readers_mail)
{
    set_rules("[r]\nmonitored = m@d.test\nincoming = fwd@d.test\n");
    start_agents();
    (void)submit("s@far.test", "m@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(h.delivery_count, 2);
    for (size_t i = 0; i < h.delivery_count; i++)
        if (strcmp(h.deliveries[i].address, "m@d.test") != 0) {
            ck_assert_str_eq(h.deliveries[i].address, "x@far.test");
            ck_assert_str_eq(h.deliveries[i].forwarder, "fwd@d.test");
            ck_assert_str_eq(h.deliveries[i].prepend, "Delivered-To: fwd@d.test\r\n");
        }
}
END_TEST

START_TEST(a_copy_is_not_answered)
{
    set_rules("[r]\nmonitored = m@d.test\nincoming = away@d.test\n");
    start_agents();
    (void)submit("s@far.test", _i == 0 ? "m@d.test" : "m@d.test away@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("away@d.test"), 1);
    for (size_t i = 0; i < h.delivery_count; i++)
        ck_assert(h.deliveries[i].auto_reply ==
                  (_i == 1 && strcmp(h.deliveries[i].address, "away@d.test") == 0));
}
END_TEST

static bool
deferred_after_attempts(void)
{
    return h.job_count >= 2 && one_deferred();
}

/* A copy that waits is tried again; what is delivered is not, also after a restart. */
START_TEST(a_copy_is_tried_again_alone)
{
    char store[128];

    set_rules("[r]\nmonitored = m@d.test\nincoming = once@d.test b@d.test\n");
    (void)snprintf(store, sizeof(store), "%s/store", scratch_dir);
    ck_assert_int_eq(mkdir(store, 0700), 0);
    h.store_fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    start_agents();
    (void)submit("s@far.test", "m@d.test x@far.test");
    run_until(deferred_after_attempts);
    ck_assert_uint_eq(delivered_to("m@d.test"), 1);
    ck_assert_uint_eq(delivered_to("b@d.test"), 1);
    ck_assert_uint_eq(delivered_to("once@d.test"), 0);
    queue_down();
    h.settings.retry_interval_ms = 10;
    queue_up();
    start_agents();
    (void)deferrals_flush(h.queue->deferrals, DUE_DOMAIN_ALL);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("m@d.test"), 1);
    ck_assert_uint_eq(delivered_to("b@d.test"), 1);
    ck_assert_uint_eq(delivered_to("once@d.test"), 1);
    ck_assert_uint_eq(delivered_to("x@far.test"), 1);
    (void)close(h.store_fd);
}
END_TEST

START_TEST(our_own_notices_are_not_monitored)
{
    set_rules("[r]\nmonitored = *@d.test\nincoming = boss@d.test\n");
    start_agents();
    (void)submit("s@d.test", "never@far.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to("s@d.test"), 1); /* the bounce */
    ck_assert_uint_eq(delivered_to("boss@d.test"), 0);
}
END_TEST

/* ---- the archive ---- */

#define ALL_CLASSES (ARCHIVE_LOCAL | ARCHIVE_INCOMING | ARCHIVE_OUTGOING | ARCHIVE_RELAYED)

static const struct {
    unsigned on;
    const char *user, *rcpt, *targets;
    unsigned classes;
    const char *mailboxes; /* with archive.to = mailbox */
} archives[] = {
    {ALL_CLASSES, "u@d.test", "v@d.test", "M v@d.test", ARCHIVE_LOCAL, "l@d.test"},
    {ALL_CLASSES, NULL, "v@d.test", "M v@d.test", ARCHIVE_INCOMING, "r@d.test"},
    {ALL_CLASSES, "u@d.test", "x@far.test", "R x@far.test", ARCHIVE_OUTGOING, "r@d.test"},
    {ALL_CLASSES, NULL, "x@far.test", "R x@far.test", ARCHIVE_RELAYED, "r@d.test"},
    {ALL_CLASSES, "u@d.test", "v@d.test", "M v@d.test R x@far.test",
     ARCHIVE_LOCAL | ARCHIVE_OUTGOING, "l@d.test r@d.test"},
    {ALL_CLASSES, NULL, "v@d.test", "R x@far.test/forward N v@d.test", ARCHIVE_INCOMING,
     "r@d.test"},
    {ALL_CLASSES, NULL, "v@d.test", "F v@d.test", 0, ""},
    {ARCHIVE_LOCAL, "u@d.test", "x@far.test", "R x@far.test", 0, ""},
    {ARCHIVE_OUTGOING, "u@d.test", "v@d.test", "M v@d.test R x@far.test", ARCHIVE_OUTGOING,
     "r@d.test"},
    {0, "u@d.test", "v@d.test", "M v@d.test", 0, ""},
};

START_TEST(mail_has_its_classes)
{
    struct archive_conf conf = {
        .classes = archives[_i].on, .local_mailbox = "l@d.test", .remote_mailbox = "r@d.test"};
    const struct copy_rules policy = {NULL, &conf};
    struct queue_rcpt rcpt = {.address = slice_of(archives[_i].rcpt)};
    struct queue_envelope e = {
        .auth_user = slice_of(archives[_i].user), .rcpt_count = 1, .rcpts = &rcpt};
    struct strbuf text = strbuf_new(4096);
    struct copy_decision decision;
    struct target targets[10];
    uint32_t count = make_targets(targets, slice_of(archives[_i].targets));

    copies_decide(&policy, &e, archives[_i].user != NULL, targets, count, &decision);
    ck_assert_uint_eq(decision.classes, archives[_i].classes);
    for (uint32_t i = 0; i < decision.count; i++)
        (void)strbuf_printf(&text, "%s%.*s", i > 0 ? " " : "", (int)decision.copies[i].address.len,
                            decision.copies[i].address.ptr);
    ck_assert_str_eq(strbuf_cstr(&text), archives[_i].mailboxes);
    copy_rules_clear(&decision);
    conf.to_files = true;
    copies_decide(&policy, &e, archives[_i].user != NULL, targets, count, &decision);
    ck_assert_uint_eq(decision.classes, archives[_i].classes);
    ck_assert_uint_eq(decision.count, 0);
    copy_rules_clear(&decision);
    strbuf_free(&text);
}
END_TEST

static void
archive_all(void)
{
    h.queue->settings.archive = (struct archive_conf){.classes = ALL_CLASSES, .to_files = true};
}

START_TEST(a_message_is_archived_with_its_envelope)
{
    archive_all();
    start_agents();
    (void)agent_start(QUEUE_AGENT_ARCHIVE, 4);
    send_from("u@d.test", "v@d.test x@far.test team@d.test");
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 1);
    ck_assert_uint_eq(h.delivery_count, 6);
    for (size_t i = 0; i < h.delivery_count; i++) {
        bool is_archive = strcmp(h.deliveries[i].address, COPIES_ARCHIVE) == 0;

        ck_assert_str_eq(h.deliveries[i].classes, is_archive ? "local,outgoing" : "");
        ck_assert_str_eq(h.deliveries[i].envelope_rcpts,
                         is_archive ? "v@d.test\nx@far.test\nteam@d.test\n" : "");
        ck_assert_str_eq(h.deliveries[i].sender, "u@d.test");
    }
    (void)submit("", "nobody@d.test"); /* neither a bounce nor mail for nobody */
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 1);
}
END_TEST

/* Mail goes its way; the archive is never given up, and nobody but the log hears of it. */
START_TEST(an_archive_that_is_full_is_tried_for_ever)
{
    struct fake_agent *agent;

    archive_all();
    h.queue->settings.lifetime_ms = 1;
    start_agents();
    agent = agent_start(QUEUE_AGENT_ARCHIVE, 4);
    agent->full = true;
    send_from("u@d.test", "v@d.test x@far.test");
    run_until(deferred_after_attempts);
    ck_assert_uint_eq(h.delivery_count, 2);
    run_for(1200); /* again after half a second, then one */
    ck_assert_uint_ge(h.job_count, 4);
    ck_assert_uint_eq(h.delivery_count, 2);
    agent->full = false;
    (void)deferrals_flush(h.queue->deferrals, DUE_DOMAIN_ALL);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 1);
    ck_assert_uint_eq(h.delivery_count, 3);
}
END_TEST

/* The agent dies with the job: given out again, in doubt. */
START_TEST(a_lost_archive_job_is_in_doubt)
{
    struct fake_agent *agent;

    archive_all();
    start_agents();
    agent = agent_start(QUEUE_AGENT_ARCHIVE, 4);
    agent->silent = true;
    send_from("u@d.test", "v@d.test");
    run_for(100);
    ck_assert_uint_eq(delivered_to("v@d.test"), 1);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 0);
    ipc_peer_close(agent->peer);
    (void)agent_start(QUEUE_AGENT_ARCHIVE, 4);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 1);
    ck_assert(h.deliveries[h.delivery_count - 1].in_doubt);
}
END_TEST

/* DELIVERBY ends attempts at recipients, not at the archive. */
START_TEST(a_deadline_does_not_hold_for_the_archive)
{
    struct queue_envelope e = from_user("u@d.test");

    archive_all();
    e.by_mode = QUEUE_BY_RETURN;
    e.deliver_by_ms = clock_real_ms() + 300;
    start_agents();
    (void)submit_as("u@d.test", "later@d.test", "Subject: x\r\n\r\n", 0, e);
    run_for(400);
    (void)agent_start(QUEUE_AGENT_ARCHIVE, 4);
    run_until(all_gone);
    ck_assert_uint_eq(delivered_to(COPIES_ARCHIVE), 1);
    ck_assert_uint_eq(delivered_to("u@d.test"), 1); /* the bounce */
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("queue_copies");
    TCase *tc = tcase_create("decision"), *whole = tcase_create("queue");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_decision_follows_from_rules_and_targets, 0,
                        (int)ARRAY_LEN(decisions));
    suite_add_tcase(s, tc);
    tcase_add_checked_fixture(whole, harness_start, harness_stop);
    tcase_set_timeout(whole, 30);
    tcase_add_test(whole, a_copy_mailbox_gets_one_copy);
    tcase_add_test(whole, a_mailbox_that_forwards_gets_nothing_and_is_copied);
    tcase_add_loop_test(whole, the_sender_never_hears_of_a_copy, 0, 5);
    tcase_add_test(whole, a_failed_copy_of_a_bounce_is_told_once);
    tcase_add_test(whole, a_remote_copy_has_a_sender_of_its_own);
    tcase_add_test(whole, a_copy_is_forwarded_as_its_readers_mail);
    tcase_add_loop_test(whole, a_copy_is_not_answered, 0, 2);
    tcase_add_test(whole, a_copy_is_tried_again_alone);
    tcase_add_test(whole, our_own_notices_are_not_monitored);
    tcase_add_loop_test(tc, mail_has_its_classes, 0, (int)ARRAY_LEN(archives));
    tcase_add_test(whole, a_message_is_archived_with_its_envelope);
    tcase_add_test(whole, an_archive_that_is_full_is_tried_for_ever);
    tcase_add_test(whole, a_lost_archive_job_is_in_doubt);
    tcase_add_test(whole, a_deadline_does_not_hold_for_the_archive);
    suite_add_tcase(s, whole);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
