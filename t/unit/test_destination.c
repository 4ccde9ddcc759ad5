/*
 * t/unit/test_destination.c - queue-manager/destination: turns, windows, death and return.
 */
// LINK: queue-manager/destination.c
// LINK: queue-manager/lane.c
// LINK: queue-manager/sender.c
// LINK: queue-manager/sent.c
// LINK: queue-manager/system_sender.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "queue-manager/destination.h"

static struct queue_settings settings;
static struct destinations *ds;
static struct senders *senders;
static struct queue_envelope envelope;
static struct message *m;
static uint32_t index_zero;

static void
setup(void)
{
    settings = (struct queue_settings){.destination_concurrency = 5, .retry_interval_ms = 3600000};
    ds = destinations_new(&settings);
    senders = senders_new();
    envelope = (struct queue_envelope){.sender = SLICE("s@d.test")};
    m = calloc(1, sizeof(*m));
    LIST_INIT(&m->shares);
    m->envelope = &envelope;
    m->sender = senders_get(senders, &envelope);
}

static void
teardown(void)
{
    while (!LIST_EMPTY(&m->shares))
        lane_remove(LIST_FIRST(&m->shares));
    ck_assert_uint_eq(destinations_waiting(ds), 0);
    arena_free(&m->arena);
    free(m);
    destinations_free(&ds);
    senders_free(&senders);
}

static struct destination *
line_up(struct slice name, int shares)
{
    struct destination *d = destinations_get(ds, name);

    for (int i = 0; i < shares; i++)
        lane_add(&d->lane, m, &index_zero, 1);
    destinations_line_up(ds, d);
    return d;
}

START_TEST(name_is_behind_the_last_at)
{
    ck_assert(slice_eq(destination_name(SLICE("a@b.test")), SLICE("b.test")));
    ck_assert(slice_eq(destination_name(SLICE("\"x@y\"@b.test")), SLICE("b.test")));
    ck_assert(slice_eq(destination_name(SLICE("a@[192.0.2.1]")), SLICE("[192.0.2.1]")));
}
END_TEST

START_TEST(destinations_take_turns)
{
    struct destination *big = line_up(SLICE("big.test"), 100);
    struct destination *small = line_up(SLICE("small.test"), 1);

    ck_assert_ptr_eq(destinations_next(ds, 100), big);
    ck_assert_ptr_eq(destinations_next(ds, 100), small);
    ck_assert_ptr_eq(destinations_next(ds, 100), big);
    lane_remove(lane_first(&small->lane));
    ck_assert_ptr_eq(destinations_next(ds, 100), big);
    ck_assert_ptr_eq(destinations_next(ds, 100), big);
    ck_assert_ptr_eq(destinations_get(ds, SLICE("big.test")), big);
}
END_TEST

/* One sender's mail to a thousand destinations, then another's to one more: its turn comes soon,
 * and the others have theirs too. */
START_TEST(light_sender_does_not_wait_for_a_thousand_destinations)
{
    struct destination *single, *got;
    unsigned turns = 0, usual = 0;
    char name[32];

    m->sender->active = 1000;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "d%d.test", i);
        (void)line_up(slice_of(name), 1);
    }
    m->sender->active = 1;
    single = line_up(SLICE("single.test"), 5);
    do {
        got = destinations_next(ds, 100);
        turns++;
        usual += got != single;
    } while (got == NULL || turns < 20);
    ck_assert_uint_eq(usual, 5); /* one of four */
    while (lane_first(&single->lane) != NULL)
        lane_remove(lane_first(&single->lane));
    ck_assert_ptr_ne(destinations_next(ds, 100), single);
    m->sender->active = 0;
}
END_TEST

START_TEST(deaths_are_remembered_past_the_rest)
{
    struct destination *d = destinations_get(ds, SLICE("dead.test"));

    for (int i = 0; i < 3; i++)
        (void)destination_failed(ds, d, SLICE("refused"));
    d->dead_until_ms = clock_mono_ms() - 600000; /* the rest was over ten minutes ago */
    d->idle_since_ms = d->dead_until_ms;
    destinations_sweep(ds);
    ck_assert_ptr_eq(destinations_get(ds, SLICE("dead.test")), d);
    ck_assert(!destination_is_dead(d));
    ck_assert(destination_failed(ds, d, SLICE("refused"))); /* the first one counts */
    ck_assert_int_ge((int)(d->dead_until_ms - clock_mono_ms()), 110000);
}
END_TEST

START_TEST(full_window_gives_the_turn_away)
{
    struct destination *a = line_up(SLICE("a.test"), 10);
    struct destination *b = line_up(SLICE("b.test"), 10);

    a->in_flight = 2; /* its first window */
    ck_assert_ptr_eq(destinations_next(ds, 100), b);
    ck_assert_ptr_eq(destinations_next(ds, 100), b);
    b->in_flight = 1; /* half of two slots */
    ck_assert_ptr_null(destinations_next(ds, 2));
}
END_TEST

START_TEST(window_follows_success_and_failure)
{
    struct destination *d = destinations_get(ds, SLICE("a.test"));

    for (int i = 0; i < 100; i++)
        destination_succeeded(ds, d);
    ck_assert_int_eq((int)d->window, 5);
    ck_assert(!destination_failed(ds, d, SLICE("refused")));
    ck_assert_int_eq((int)(d->window * 10), 25);
    destination_succeeded(ds, d);
    ck_assert(!destination_failed(ds, d, SLICE("refused")));
    ck_assert(!destination_failed(ds, d, SLICE("refused")));
    ck_assert(!destination_is_dead(d));
    ck_assert(destination_failed(ds, d, SLICE("refused"))); /* the third in a row */
    ck_assert(destination_is_dead(d));
    ck_assert_str_eq(d->reason, "refused");
    ck_assert_int_eq((int)d->window, 1);
    destinations_revive(ds, SLICE(""));
    ck_assert(!destination_is_dead(d));
}
END_TEST

START_TEST(dead_ones_get_no_turn)
{
    struct destination *d = line_up(SLICE("dead.test"), 3);

    for (int i = 0; i < 3; i++)
        (void)destination_failed(ds, d, SLICE("refused"));
    ck_assert_ptr_null(destinations_next(ds, 100));
    destinations_revive(ds, SLICE(""));
    ck_assert_ptr_eq(destinations_next(ds, 100), d);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("destination");
    TCase *tc = tcase_create("destination");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, name_is_behind_the_last_at);
    tcase_add_test(tc, destinations_take_turns);
    tcase_add_test(tc, light_sender_does_not_wait_for_a_thousand_destinations);
    tcase_add_test(tc, deaths_are_remembered_past_the_rest);
    tcase_add_test(tc, full_window_gives_the_turn_away);
    tcase_add_test(tc, window_follows_success_and_failure);
    tcase_add_test(tc, dead_ones_get_no_turn);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
