/*
 * t/unit/test_smtp_terms.c - smtpd/terms: what MAIL asks for against settings, clock and who asks.
 */
// LINK: smtpd/terms.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "smtpd/terms.h"

static struct server server;
static struct session session;
static struct arena arena;

static void
teardown(void)
{
    arena_free(&arena);
}

static void
setup(void)
{
    server.settings = (struct settings){.max_future_release_ms = 3600000, .max_priority = 4};
    session = (struct session){.server = &server, .settings = &server.settings};
    session.hold_max_ms = clock_real_ms() + 3600000;
}

/* Is `ms` what `seconds` from now is, give or take what the test took? */
static bool
is_in(int64_t ms, int64_t seconds)
{
    int64_t off = clock_real_ms() + seconds * 1000 - ms;

    return off >= 0 && off < 5000;
}

START_TEST(holds_count_from_now_up_to_the_limit)
{
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.hold_for_s = 3600, .hold = SLICE("3600")};
    const struct refusal *why;

    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert(is_in(e.hold_until_ms, 3600));
    ck_assert(slice_eq(e.hold_request, SLICE("for;3600")));
    mail.hold_for_s = 3601;
    why = terms_accept(&session, &mail, &e, &arena);
    ck_assert_ptr_nonnull(why);
    ck_assert_uint_eq(why->code, 501);
    ck_assert_str_eq(why->dsn, "5.5.4");
}
END_TEST

START_TEST(a_date_is_between_now_and_what_ehlo_said)
{
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.has_hold_until = true,
                             .hold_until_ms = session.hold_max_ms,
                             .hold = SLICE("2026-11-27T09:30:00Z")};

    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert_int_eq(e.hold_until_ms, session.hold_max_ms);
    ck_assert(slice_eq(e.hold_request, SLICE("until;2026-11-27T09:30:00Z")));
    mail.hold_until_ms = session.hold_max_ms + 1;
    ck_assert_ptr_nonnull(terms_accept(&session, &mail, &e, &arena));
    mail.hold_until_ms = clock_real_ms() - 1;
    ck_assert_ptr_nonnull(terms_accept(&session, &mail, &e, &arena));
    mail.hold_until_ms = 0; /* 1970 is no "not given" */
    ck_assert_ptr_nonnull(terms_accept(&session, &mail, &e, &arena));
}
END_TEST

START_TEST(a_deadline_counts_from_now)
{
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.by_mode = QUEUE_BY_RETURN, .by_s = 120, .by_trace = true};

    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert(is_in(e.deliver_by_ms, 120));
    ck_assert_int_eq(e.by_mode, QUEUE_BY_RETURN);
    ck_assert(e.by_trace);
    mail = (struct mail_args){.by_mode = QUEUE_BY_NOTIFY, .by_s = -120};
    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert(is_in(e.deliver_by_ms, -120));
    ck_assert(!e.by_trace);
}
END_TEST

/* RFC 4865 section 5.2.2 */
START_TEST(no_release_after_the_deadline)
{
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.by_mode = QUEUE_BY_NOTIFY, .by_s = 120, .hold_for_s = 120};
    const struct refusal *why;

    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    mail.hold_for_s = 121;
    why = terms_accept(&session, &mail, &e, &arena);
    ck_assert_ptr_nonnull(why);
    ck_assert_uint_eq(why->code, 501);
    ck_assert_str_eq(why->dsn, "5.5.4");
}
END_TEST

START_TEST(nothing_asked_is_nothing_set)
{
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.size = 0};

    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert(e.hold_until_ms == 0 && e.deliver_by_ms == 0 && e.by_mode == QUEUE_BY_NONE);
    ck_assert(!e.requiretls && e.priority == 0 && e.hold_request.len == 0);
}
END_TEST

static const struct {
    const char *user; /* NULL: not logged in */
    bool trusted, submission;
    int wanted, given;
    const char *listed; /* smtp.priority_users */
} priorities[] = {
    {NULL, false, false, 9, 0, NULL}, /* RFC 6710 section 4.1: no stranger raises it */
    {NULL, false, false, 1, 0, NULL},
    {NULL, false, false, -9, -9, NULL}, /* but may lower it */
    {"a@d.test", false, true, 4, 4, NULL},
    {"a@d.test", false, true, 5, 4, NULL},
    {"a@d.test", false, true, -1, -1, NULL},
    {NULL, true, false, 3, 3, NULL},
    {"a@d.test", false, true, 4, 4, "a@d.test"},
    {"a@d.test", false, true, 4, 4, "@D.test"},
    {"b@d.test", false, true, 4, 0, "a@d.test"},
    {"b@x.d.test", false, true, 4, 0, "@d.test"},
    {"b@d.test", true, true, 4, 0, "a@d.test"},
    {"b@d.test", false, true, -4, -4, "a@d.test"},
};

START_TEST(who_may_raise_the_priority)
{
    const char *listed[] = {"x@y.test", priorities[_i].listed};
    char user[20] = "";
    struct queue_envelope e = {.rcpt_count = 0};
    struct mail_args mail = {.priority = (int8_t)priorities[_i].wanted};

    if (priorities[_i].user != NULL) {
        (void)snprintf(user, sizeof(user), "%s", priorities[_i].user);
        session.auth_user = user;
    }
    session.is_trusted = priorities[_i].trusted;
    session.is_submission = priorities[_i].submission;
    if (priorities[_i].listed != NULL) {
        server.settings.priority_users = listed;
        server.settings.priority_user_count = 2;
    }
    ck_assert_ptr_null(terms_accept(&session, &mail, &e, &arena));
    ck_assert_int_eq(e.priority, priorities[_i].given);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_terms");
    TCase *tc = tcase_create("smtp_terms");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, holds_count_from_now_up_to_the_limit);
    tcase_add_test(tc, a_date_is_between_now_and_what_ehlo_said);
    tcase_add_test(tc, a_deadline_counts_from_now);
    tcase_add_test(tc, no_release_after_the_deadline);
    tcase_add_test(tc, nothing_asked_is_nothing_set);
    tcase_add_loop_test(tc, who_may_raise_the_priority, 0, (int)ARRAY_LEN(priorities));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
