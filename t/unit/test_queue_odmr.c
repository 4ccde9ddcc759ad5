/*
 * t/unit/test_queue_odmr.c - mail that customers fetch (ATRN): who gets what, and when it is over.
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
#include "lib/conf/odmr_table.h"
#include "queue-manager/deferral.h"
#include "queue-manager/schedule.h"
#include "t/unit/queue_harness.h"

static struct {
    struct ipc_peer *peer;
    unsigned code;
} customer;

static void
rules(const char *text)
{
    const struct list_kind kind = {odmr_line_expected};
    struct strbuf errors = strbuf_new(1000);

    h.settings.odmr_table = odmr_table_new(list_file_parse(slice_of(text), "f", &kind, &errors));
    h.settings.retry_interval_ms = h.settings.retry_max_ms = 3600000;
    h.settings.lifetime_ms = 7200000;
    strbuf_free(&errors);
    queue_down();
    queue_up();
}

static int
reply_came(struct ipc_peer *peer, const struct frame_header *header, struct slice payload, int fd)
{
    struct queue_fetch_reply reply;

    (void)peer;
    (void)fd;
    ck_assert_uint_eq(header->type, QUEUE_FETCH_REPLY);
    ck_assert_int_eq(queue_fetch_reply_decode(payload, &reply), 0);
    customer.code = reply.code;
    return 0;
}

static void
customer_closed(struct ipc_peer *peer)
{
    (void)peer;
    customer.peer = NULL;
}

static bool
was_answered(void)
{
    return customer.code != 0 || customer.peer == NULL;
}

/* What authd says on the connection; then the session has it. */
static void
introduce(const char *user)
{
    static const struct ipc_handlers handlers = {
        .payload_max = QUEUE_PAYLOAD_MAX, .frame = reply_came, .closed = customer_closed};
    const struct queue_customer who = {slice_of(user), SLICE("192.0.2.1")};
    struct strbuf out = strbuf_new(1000);

    if (customer.peer != NULL)
        ipc_peer_close(customer.peer);
    customer.peer =
        ipc_peer_new(h.loop, ipc_socket_connect(h.run_dirfd, QUEUE_SOCKET), &handlers, NULL);
    ck_assert_int_eq(queue_customer_encode(&out, &who), 0);
    ipc_peer_send(customer.peer, &out, -1);
    strbuf_free(&out);
}

static unsigned
ask(const char *domains)
{
    struct strbuf out = strbuf_new(1000);
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    customer.code = 0;
    ck_assert_int_eq(queue_fetch_encode(&out, slice_of(domains)), 0);
    ipc_peer_send(customer.peer, &out, fd);
    strbuf_free(&out);
    (void)close(fd);
    run_until(was_answered);
    return customer.code;
}

static unsigned
ask_as(const char *user, const char *domains)
{
    introduce(user);
    return ask(domains);
}

static bool
is_over(void)
{
    for (size_t i = 0; i < h.agent_count; i++)
        if (h.agents[i].peer != NULL && h.agents[i].connection != 0)
            return false;
    return h.queue->active_count == 0;
}

static uint32_t expected;

static bool
so_many_wait(void)
{
    return deferrals_count(h.queue->deferrals) == expected && h.queue->active_count == 0 &&
           files_in(SPOOL_NEW) == 0;
}

static void
wait_deferred(uint32_t count)
{
    expected = count;
    run_until(so_many_wait);
}

START_TEST(exactly_these_domains)
{
    rules("a.test u@d.test\nb.test u@d.test v@d.test\nc.test v@d.test\n");
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    (void)submit("s@d.test", "x@a.test y@b.test z@far.test");
    (void)submit("s@d.test", "x@c.test");
    (void)submit("s@d.test", "x2@a.test");
    wait_deferred(3);
    ck_assert_uint_eq(h.delivery_count, 1); /* far.test's */
    ck_assert_uint_eq(ask_as("u@d.test", "a.test,c.test"), 450);
    ck_assert_uint_eq(ask("A.test"), 250);
    run_until(is_over);
    ck_assert_uint_eq(delivered_to("x@a.test") + delivered_to("x2@a.test"), 2);
    ck_assert_uint_eq(h.delivery_count, 3);
    ck_assert_uint_eq(ask("a.test"), 453);
    ck_assert_uint_eq(ask(""), 250);
    run_until(is_over);
    ck_assert_uint_eq(delivered_to("y@b.test"), 1);
    ck_assert_uint_eq(ask_as("v@d.test", ""), 250);
    run_until(is_over);
    ck_assert_uint_eq(delivered_to("x@c.test"), 1);
    ck_assert_uint_eq(h.delivery_count, 5);
    for (size_t i = 0; i < h.delivery_count; i++)
        ck_assert((h.deliveries[i].connection != 0) ==
                  (strstr(h.deliveries[i].address, "far") == NULL));
    run_until(all_gone);
}
END_TEST

/* Recipients that were put off while another one of the message still is under way. */
START_TEST(what_is_in_memory_goes_too)
{
    struct fake_agent *slow;

    rules("a.test u@d.test\n");
    slow = agent_start(QUEUE_AGENT_LOCAL, 10);
    slow->silent = true;
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    (void)submit("s@d.test", "x@a.test m@d.test");
    while (h.job_count == 0)
        run_for(5);
    ck_assert_uint_eq(ask_as("u@d.test", ""), 250);
    while (delivered_to("x@a.test") == 0)
        run_for(5);
    run_for(200);
    ck_assert_uint_eq(h.agents[1].connection, 0); /* it is over all the same */
    ck_assert_uint_eq(delivered_to("x@a.test"), 1);
}
END_TEST

/* A customer whose mail does not fit into memory at once gets all of it in one session. */
START_TEST(more_than_there_is_room_for)
{
    static const char *const senders[] = {"a@d.test", "b@d.test", "c@d.test"};

    h.settings.active_max = 100;
    rules("a.test u@d.test\n");
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    for (int i = 0; i < 300; i++)
        (void)submit(senders[i % 3], "x@a.test");
    wait_deferred(300);
    ck_assert_uint_eq(ask_as("u@d.test", ""), 250);
    run_until(is_over);
    ck_assert_uint_eq(delivered_to("x@a.test"), 300);
    run_until(all_gone);
}
END_TEST

/* The session waits for what nobody can say yet whether it is its customer's. */
START_TEST(what_is_not_resolved_yet_goes_too)
{
    rules("a.test u@d.test\n");
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    (void)submit("s@d.test", "x@a.test");
    wait_deferred(1);
    h.account_mute = true;
    ck_assert_uint_eq(ask_as("u@d.test", ""), 250);
    run_for(300);
    ck_assert_uint_eq(h.agents[0].connection, 1);
    h.account_mute = false;
    while (h.agents[0].connection != 0)
        run_for(5);
    ck_assert_uint_eq(delivered_to("x@a.test"), 1);
}
END_TEST

START_TEST(what_is_put_off_is_not_tried_again)
{
    rules("a.test u@d.test\n");
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    (void)submit("s@d.test", "later@a.test");
    (void)submit("s@d.test", "x@a.test");
    wait_deferred(2);
    ck_assert_uint_eq(ask_as("u@d.test", ""), 250);
    run_until(is_over);
    ck_assert_uint_eq(h.job_count, 2);
    wait_deferred(1);
}
END_TEST

/* The customer's connection is lost, or the agent with it: nothing more is tried, and all is there
 * the next time. */
START_TEST(a_lost_connection_loses_nothing)
{
    rules("a.test u@d.test\n");
    (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    (void)submit("s@d.test", _i == 0 ? "down1@a.test" : "lost@a.test");
    (void)submit("s@d.test", _i == 0 ? "down2@a.test" : "x@a.test");
    (void)submit("s@d.test", _i == 0 ? "down3@a.test" : "y@a.test");
    wait_deferred(3);
    ck_assert_uint_eq(ask_as("u@d.test", ""), 250);
    while (h.job_count == 0 || h.queue->active_count > 0)
        run_for(5);
    if (_i == 1)
        (void)agent_start(QUEUE_AGENT_REMOTE, 1);
    run_for(50);
    ck_assert_uint_eq(deferrals_count(h.queue->deferrals) + h.delivery_count, 3);
    ck_assert(_i == 1 || h.job_count == 1);
    while (_i == 1 && h.delivery_count < 3) {
        ck_assert_uint_eq(ask(""), 250);
        run_until(is_over);
    }
    ck_assert_int_eq(delivered_to("lost@a.test") == 1, _i == 1);
}
END_TEST

START_TEST(two_customers_and_the_agents)
{
    rules("a.test u@d.test\nb.test v@d.test\nc.test w@d.test\ng.test u@d.test\ne.test "
          "u@d.test\nf.test y@d.test\n");
    for (int i = 0; i < 8; i++)
        agent_start(QUEUE_AGENT_REMOTE, 1)->silent = true;
    (void)submit("s@d.test", "x@a.test x@b.test x@c.test x@g.test x@e.test");
    wait_deferred(1);
    ck_assert_uint_eq(ask_as("u@d.test", "a.test"), 250);
    while (h.job_count < 1)
        run_for(5);
    ck_assert_uint_eq(ask("a.test"), 450); /* it is being fetched */
    ck_assert_uint_eq(ask("g.test"), 250);
    ck_assert_uint_eq(ask("e.test"), 450); /* two are enough for one customer */
    ck_assert_uint_eq(ask_as("v@d.test", ""), 250);
    ck_assert_uint_eq(ask_as("w@d.test", "c.test"), 250);
    ck_assert_uint_eq(ask_as("y@d.test", ""), 451); /* half of the agents are taken */
    (void)submit("s@d.test", "y@far.test");
    while (h.job_count < 5)
        run_for(5); /* there are others for other mail */
}
END_TEST

/* On a customer's connection nothing else is heard, and nobody who is not authd makes one. */
START_TEST(a_customer_can_do_nothing_else)
{
    struct queue_control control = {.verb = SLICE("flush")};
    struct queue_hello hello = {.agent = QUEUE_AGENT_REMOTE, .slots = 1};
    struct strbuf out = strbuf_new(10000);

    rules("a.test u@d.test\n");
    introduce("u@d.test");
    if (_i == 0)
        ck_assert_int_eq(queue_control_encode(&out, &control), 0);
    else if (_i == 1)
        ck_assert_int_eq(queue_hello_encode(&out, &hello), 0);
    else
        ck_assert_int_eq(
            queue_customer_encode(&out, &(struct queue_customer){SLICE("v@d.test"), SLICE("")}), 0);
    ipc_peer_send(customer.peer, &out, -1);
    strbuf_free(&out);
    customer.code = 0;
    run_until(was_answered);
    ck_assert_ptr_null(customer.peer);
}
END_TEST

static void
stop(void)
{
    struct odmr_table *table = (struct odmr_table *)h.settings.odmr_table;

    if (customer.peer != NULL)
        ipc_peer_close(customer.peer);
    harness_stop();
    odmr_table_free(&table);
}

int
main(void)
{
    Suite *s = suite_create("queue_odmr");
    TCase *tc = tcase_create("queue_odmr");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, harness_start, stop);
    tcase_add_test(tc, exactly_these_domains);
    tcase_add_test(tc, what_is_in_memory_goes_too);
    tcase_add_test(tc, more_than_there_is_room_for);
    tcase_add_test(tc, what_is_not_resolved_yet_goes_too);
    tcase_add_test(tc, what_is_put_off_is_not_tried_again);
    tcase_add_loop_test(tc, a_lost_connection_loses_nothing, 0, 2);
    tcase_add_test(tc, two_customers_and_the_agents);
    tcase_add_loop_test(tc, a_customer_can_do_nothing_else, 0, 3);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
