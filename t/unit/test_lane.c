/*
 * t/unit/test_lane.c - queue-manager/lane and sender: who is served when.
 */
// LINK: queue-manager/lane.c
// LINK: queue-manager/sender.c
// LINK: queue-manager/sent.c
// LINK: queue-manager/system_sender.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "queue-manager/lane.h"

#define MESSAGES 200

static struct senders *senders;
static struct lane lane;
static struct queue_envelope envelopes[MESSAGES];
static struct message messages[MESSAGES];
static size_t count;
static uint32_t index_zero;

static void
setup(void)
{
    senders = senders_new();
    lane_init(&lane, true, NULL);
    memset(messages, 0, sizeof(messages));
    count = 0;
}

static void
teardown(void)
{
    for (size_t i = 0; i < count; i++) {
        while (!LIST_EMPTY(&messages[i].shares))
            lane_remove(LIST_FIRST(&messages[i].shares));
        arena_free(&messages[i].arena);
        sender_left(senders, messages[i].sender);
    }
    ck_assert_uint_eq(lane.share_count + lane.flow_count + lane.light_count + lane.used, 0);
    senders_free(&senders);
}

static struct message *
add(struct slice sender, int8_t priority)
{
    struct message *m = &messages[count];

    envelopes[count] = (struct queue_envelope){.sender = sender, .priority = priority};
    m->envelope = &envelopes[count++];
    m->sender = senders_get(senders, m->envelope);
    sender_entered(m->sender);
    lane_add(&lane, m, &index_zero, 1);
    return m;
}

/* Serves one message and gives it. */
static struct message *
serve(void)
{
    struct share *share = lane_first(&lane);
    struct message *m = share->message;

    share->taken = share->count;
    lane_turn(share);
    return m;
}

START_TEST(senders_take_turns)
{
    struct message *single;
    int before = 0;

    for (int i = 0; i < 150; i++)
        (void)add(SLICE("flood@d.test"), 0);
    (void)add(SLICE("other@d.test"), 0);
    single = add(SLICE("single@d.test"), 0);
    ck_assert_uint_eq(lane_count_of(&lane, messages), 150);
    ck_assert_uint_eq(lane_count_of(&lane, single), 1);
    while (serve() != single)
        before++;
    ck_assert_int_eq(before, 2); /* one of each other sender */
}
END_TEST

/* RFC 6710: higher first, yet one turn of eight is a lower one's. */
START_TEST(higher_priority_first_without_starving)
{
    int urgent = 0, normal = 0, low = 0;

    for (int i = 0; i < 60; i++) {
        (void)add(SLICE("s@d.test"), 0);
        (void)add(SLICE("s@d.test"), -9);
        (void)add(SLICE("s@d.test"), 9);
    }
    for (int i = 0; i < 32; i++) {
        int8_t priority = serve()->envelope->priority;

        urgent += priority == 9;
        normal += priority == 0;
        low += priority == -9;
    }
    ck_assert_int_eq(urgent, 28);
    ck_assert_int_eq(normal, 2);
    ck_assert_int_eq(low, 2);
}
END_TEST

START_TEST(bounces_wait_behind_ordinary_mail)
{
    (void)add(SLICE(""), 0);
    (void)add(SLICE("s@d.test"), 0);
    ck_assert_uint_ne(serve()->envelope->sender.len, 0);
    ck_assert_uint_eq(serve()->envelope->sender.len, 0);
}
END_TEST

/* A share that is not used up goes behind its sender's other ones. */
START_TEST(long_share_holds_up_nobody)
{
    struct message *longer = add(SLICE("s@d.test"), 0), *other = add(SLICE("s@d.test"), 0);

    lane_first(&lane)->count = 1000;
    ck_assert_ptr_eq(lane_first(&lane)->message, longer);
    lane_first(&lane)->taken = 1;
    lane_turn(lane_first(&lane));
    ck_assert_ptr_eq(serve(), other);
    ck_assert_ptr_eq(lane_first(&lane)->message, longer);
}
END_TEST

/* Alone a third of the room; with others less, so that something is always free. */
START_TEST(no_sender_has_all_the_room)
{
    static const struct slice names[] = {{"a@d.test", 8}, {"b@d.test", 8}, {"c@d.test", 8}};
    uint32_t room = 3000, before = room;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct queue_envelope e = {.sender = names[i]};
        struct sender *sender = senders_get(senders, &e);

        while (sender_may_start(sender, room)) {
            sender_entered(sender);
            room--;
        }
        ck_assert_uint_ge(before - room, SENDER_FEW);
        ck_assert_msg(i > 0 || before - room == 1000, "%u", before - room);
        before = room;
    }
    ck_assert_uint_gt(room, 500);
}
END_TEST

START_TEST(parked_ones_come_by_turns_and_in_order)
{
    static const char *const want[] = {"a1", "b1", "a2", "b2", "a3"};
    struct queue_envelope a = {.sender = SLICE("a@d.test")}, b = {.auth_user = SLICE("b@d.test")};
    char id[QUEUE_ID_SIZE];

    ck_assert(senders_park(senders, senders_get(senders, &a), "a1"));
    ck_assert(senders_park(senders, senders_get(senders, &a), "a2"));
    ck_assert(senders_park(senders, senders_get(senders, &a), "a3"));
    ck_assert(senders_park(senders, senders_get(senders, &b), "b1"));
    ck_assert(senders_park(senders, senders_get(senders, &b), "b2"));
    ck_assert_uint_eq(senders_parked(senders), 5);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        ck_assert(senders_have_ready(senders, 100));
        ck_assert(senders_take_parked(senders, 100, id));
        ck_assert_str_eq(id, want[i]);
    }
    ck_assert(!senders_have_ready(senders, 100));
    ck_assert(!senders_take_parked(senders, 100, id));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("lane");
    TCase *tc = tcase_create("lane");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, senders_take_turns);
    tcase_add_test(tc, higher_priority_first_without_starving);
    tcase_add_test(tc, bounces_wait_behind_ordinary_mail);
    tcase_add_test(tc, long_share_holds_up_nobody);
    tcase_add_test(tc, no_sender_has_all_the_room);
    tcase_add_test(tc, parked_ones_come_by_turns_and_in_order);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
