/*
 * t/unit/test_acme_renewal.c - acmed/renewal and acmed/state: when a certificate is renewed, and
 * that a restart knows it.
 */
// LINK: acmed/renewal.c
// LINK: acmed/state.c
#include "acmed/renewal.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/scratch.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOW INT64_C(1800000000000)

/* ---- who answers in the authority's place ---- */

static struct acme_answer answer;
static char asked[300];

int
ca_get(struct ca *ca, const char *what, struct slice url, enum acme_kind kind)
{
    (void)what;
    ck_assert_int_eq(kind, ACME_RENEWAL_INFO);
    (void)snprintf(asked, sizeof(asked), "%.*s", (int)url.len, url.ptr);
    ca->answer = answer;
    return answer.http == 200 ? 0 : -1;
}

static char base[] = "https://ca.test/renewal";

static struct ca
authority(void)
{
    struct ca ca = {.kid = NULL};

    ca.url[ACME_RENEWAL_URL] = base;
    return ca;
}

/* ---- its own plan ---- */

START_TEST(it_is_renewed_when_two_thirds_of_its_life_are_over)
{
    for (int i = 0; i < 100; i++) {
        struct state state = {.not_before_ms = NOW, .not_after_ms = NOW + 90 * DAY};

        renewal_plan(&state);
        ck_assert_int_ge(state.renew_ms, NOW + 60 * DAY);
        ck_assert_int_lt(state.renew_ms, NOW + 60 * DAY + 90 * HOUR);
    }
}
END_TEST

START_TEST(each_failure_doubles_the_pause_up_to_a_day)
{
    static const struct {
        int64_t failures, pause;
    } expected[] = {{0, HOUR},      {1, HOUR}, {2, 2 * HOUR}, {3, 4 * HOUR},
                    {5, 16 * HOUR}, {6, DAY},  {7, DAY},      {INT64_MAX / 4, DAY}};

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        struct state state = {.failures = expected[i].failures};

        renewal_put_off(&state, HOUR, 0, NOW);
        ck_assert_int_ge(state.next_ms, NOW + expected[i].pause);
        ck_assert_int_le(state.next_ms, NOW + expected[i].pause + expected[i].pause / 10);
    }
}
END_TEST

START_TEST(what_the_authority_wants_counts_where_it_is_later)
{
    struct state state = {.failures = 1};

    renewal_put_off(&state, HOUR, NOW + 3 * DAY, NOW);
    ck_assert_int_ge(state.next_ms, NOW + 3 * DAY);
    ck_assert_int_lt(state.next_ms, NOW + 3 * DAY + MINUTE);
    renewal_put_off(&state, HOUR, NOW + MINUTE, NOW);
    ck_assert_int_ge(state.next_ms, NOW + HOUR);
}
END_TEST

/* ---- the window ---- */

START_TEST(a_time_in_the_window_is_chosen_once)
{
    struct state state = {.cert_id = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"};
    struct ca ca = authority();
    int64_t chosen;

    answer = (struct acme_answer){
        .http = 200, .start_ms = NOW + DAY, .end_ms = NOW + 11 * DAY, .retry_after_ms = HOUR};
    answer.text[ACME_EXPLANATION] = SLICE("https://ca.test/why");
    renewal_look(&ca, &state, NOW);
    ck_assert_str_eq(asked, "https://ca.test/renewal/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    chosen = state.renew_ms;
    ck_assert(chosen >= answer.start_ms && chosen < answer.end_ms);
    ck_assert_str_eq(state.explanation, "https://ca.test/why");
    ck_assert_int_eq(state.look_ms, NOW + HOUR);
    for (int i = 0; i < 20; i++)
        renewal_look(&ca, &state, NOW);
    ck_assert_int_eq(state.renew_ms, chosen);
    answer.text[ACME_EXPLANATION] = SLICE("");
    answer.start_ms = NOW - 2 * DAY; /* it was revoked, say */
    answer.end_ms = NOW - DAY;
    renewal_look(&ca, &state, NOW);
    ck_assert(state.renew_ms >= answer.start_ms && state.renew_ms < answer.end_ms);
    ck_assert_str_eq(state.explanation, "");
}
END_TEST

START_TEST(it_is_looked_for_between_each_minute_and_each_day)
{
    static const int64_t expected[][2] = {
        {0, 6 * HOUR}, {1, MINUTE}, {5 * HOUR, 5 * HOUR}, {30 * DAY, DAY}};
    struct state state = {.cert_id = "a.b"};
    struct ca ca = authority();

    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        answer = (struct acme_answer){
            .http = 200, .start_ms = NOW, .end_ms = NOW + DAY, .retry_after_ms = expected[i][0]};
        renewal_look(&ca, &state, NOW);
        ck_assert_int_eq(state.look_ms, NOW + expected[i][1]);
    }
}
END_TEST

START_TEST(who_does_not_answer_is_asked_again_soon_and_then_less)
{
    static const unsigned pass[] = {0, 500, 503, 0, 500}, final[] = {404, 200};
    struct state state = {.cert_id = "a.b", .renew_ms = NOW + DAY};
    struct ca ca = authority();

    for (int i = 0; i < 5; i++) {
        answer = (struct acme_answer){.http = pass[i]};
        renewal_look(&ca, &state, NOW);
        ck_assert_int_eq(state.look_ms, NOW + (MINUTE << i));
    }
    renewal_look(&ca, &state, NOW);
    ck_assert_int_eq(state.look_ms, NOW + 6 * HOUR);
    for (int i = 0; i < 2; i++) { /* no such thing, or an answer without a window */
        answer = (struct acme_answer){.http = final[i]};
        renewal_look(&ca, &state, NOW);
        ck_assert_int_eq(state.look_ms, NOW + 6 * HOUR);
        ck_assert_int_eq(state.looks_failed, 0);
    }
    ck_assert_int_eq(state.renew_ms, NOW + DAY); /* its own plan stays */
}
END_TEST

START_TEST(without_a_name_or_a_place_nobody_is_asked)
{
    struct state state = {.cert_id = "", .look_ms = NOW};
    struct ca ca = authority();

    asked[0] = '\0';
    renewal_look(&ca, &state, NOW);
    ck_assert_int_eq(state.look_ms, 0);
    ca.url[ACME_RENEWAL_URL] = NULL;
    state = (struct state){.cert_id = "a.b", .look_ms = NOW};
    renewal_look(&ca, &state, NOW);
    ck_assert_int_eq(state.look_ms, 0);
    ck_assert_str_eq(asked, "");
}
END_TEST

/* ---- on disk ---- */

START_TEST(a_restart_knows_all_of_it)
{
    static const struct state state = {.order = "https://ca.test/order/1",
                                       .directory = "https://ca.test/directory",
                                       .request = "00ff",
                                       .serial = "0a0b",
                                       .cert_id = "a.b",
                                       .not_before_ms = NOW,
                                       .not_after_ms = NOW + 1,
                                       .window_start_ms = NOW + 2,
                                       .window_end_ms = NOW + 3,
                                       .renew_ms = NOW + 4,
                                       .look_ms = NOW + 5,
                                       .next_ms = NOW + 6,
                                       .failures = 7,
                                       .looks_failed = 8,
                                       .is_revoked = 1,
                                       .explanation = "https://ca.test/why",
                                       .error = "what went wrong"};
    static const struct state nothing;
    struct state read;
    int dirfd;

    ck_assert_ptr_nonnull(scratch_make());
    dirfd = open(scratch_dir, O_RDONLY | O_DIRECTORY);
    state_read(dirfd, "web", &read);
    ck_assert_mem_eq(&read, &nothing, sizeof(read));
    ck_assert_int_eq(state_write(dirfd, "web", &state), 0);
    state_read(dirfd, "web", &read);
    ck_assert_mem_eq(&read, &state, sizeof(read));
    ck_assert_int_eq(state_write(dirfd, "web", &nothing), 0);
    state_read(dirfd, "web", &read);
    ck_assert_mem_eq(&read, &nothing, sizeof(read));
    (void)close(dirfd);
    scratch_remove();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("acme_renewal");
    Suite *s = suite_create("acme_renewal");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, it_is_renewed_when_two_thirds_of_its_life_are_over);
    tcase_add_test(tc, each_failure_doubles_the_pause_up_to_a_day);
    tcase_add_test(tc, what_the_authority_wants_counts_where_it_is_later);
    tcase_add_test(tc, a_time_in_the_window_is_chosen_once);
    tcase_add_test(tc, it_is_looked_for_between_each_minute_and_each_day);
    tcase_add_test(tc, who_does_not_answer_is_asked_again_soon_and_then_less);
    tcase_add_test(tc, without_a_name_or_a_place_nobody_is_asked);
    tcase_add_test(tc, a_restart_knows_all_of_it);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
