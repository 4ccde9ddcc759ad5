/*
 * t/unit/test_flow.c - what a mailbox may send: to whom, and how much.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/account/flow.h"
#include "lib/account/sending.h"
#include "lib/base/mem.h"

#define HOUR_MS 3600000
#define DAY_MS 86400000
#define NOON_MS (20000 * (int64_t)DAY_MS + 12 * (int64_t)HOUR_MS)

static void
set(struct record *user, enum account_property id, const char *value)
{
    record_set(user, id, slice_of(value));
}

/* ---- to whom ---- */

static const struct {
    const char *domain_rule, *system_rule, *remote_rule, *exceptions;
    enum sending_way way;
    const char *domain, *denied; /* NULL: it may */
} rules[] = {
    {"", "", "", "", SENDING_DOMAIN, "d.test", NULL},
    {"", "", "", "", SENDING_REMOTE, "far.test", NULL},
    {"no", "", "", "", SENDING_DOMAIN, "d.test", "may_send_domain"},
    {"no", "", "", "", SENDING_SYSTEM, "e.test", NULL},
    {"", "no", "", "", SENDING_SYSTEM, "e.test", "may_send_system"},
    {"", "", "no", "", SENDING_REMOTE, "far.test", "may_send_remote"},
    {"", "", "no", "far.test", SENDING_REMOTE, "far.test", NULL},
    {"", "", "no", "near.test far.test", SENDING_REMOTE, "Far.Test", NULL},
    {"", "", "no", "far.test", SENDING_REMOTE, "other.test", "may_send_remote"},
    {"", "", "", "far.test", SENDING_REMOTE, "far.test", "send_exceptions"},
    {"", "", "", "far.test", SENDING_REMOTE, "sub.far.test", NULL},
    {"no", "", "", "d.test", SENDING_DOMAIN, "d.test", NULL},
};

START_TEST(an_exception_turns_a_rule_round)
{
    struct record user = record_new(ACCOUNT_USER);
    const char *why;

    set(&user, USER_SEND_DOMAIN, rules[_i].domain_rule);
    set(&user, USER_SEND_SYSTEM, rules[_i].system_rule);
    set(&user, USER_SEND_REMOTE, rules[_i].remote_rule);
    set(&user, USER_SEND_EXCEPTIONS, rules[_i].exceptions);
    why = sending_denied(&user, rules[_i].way, slice_of(rules[_i].domain));
    ck_assert_pstr_eq(why, rules[_i].denied);
    ck_assert_ptr_null(receiving_denied(&user, rules[_i].way, slice_of(rules[_i].domain)));
    record_free(&user);
}
END_TEST

START_TEST(receiving_has_rules_of_its_own)
{
    struct record user = record_new(ACCOUNT_USER);

    set(&user, USER_RECEIVE_REMOTE, "no");
    set(&user, USER_RECEIVE_EXCEPTIONS, "far.test d.test");
    ck_assert_pstr_eq(receiving_denied(&user, SENDING_REMOTE, SLICE("other.test")),
                      "may_receive_remote");
    ck_assert_ptr_null(receiving_denied(&user, SENDING_REMOTE, SLICE("far.test")));
    ck_assert_pstr_eq(receiving_denied(&user, SENDING_DOMAIN, SLICE("d.test")),
                      "receive_exceptions");
    ck_assert_ptr_null(sending_denied(&user, SENDING_REMOTE, SLICE("other.test")));
    record_free(&user);
}
END_TEST

/* ---- how much ---- */

START_TEST(without_properties_nothing_is_limited)
{
    struct record user = record_new(ACCOUNT_USER);
    struct flow_limits limits;

    flow_limits_of(&user, 0, &limits);
    ck_assert(!flow_is_limited(&limits));
    flow_limits_of(&user, 7, &limits);
    ck_assert(flow_is_limited(&limits));
    ck_assert_uint_eq(limits.hour_rcpts, 7);
    set(&user, USER_HOUR_RCPTS, "9");
    flow_limits_of(&user, 7, &limits);
    ck_assert_uint_eq(limits.hour_rcpts, 9);
    record_free(&user);
}
END_TEST

static const struct {
    enum account_property id;
    const char *limit;
    struct flow_message fits, too_much;
    const char *name;
} amounts[] = {
    {USER_MESSAGE_RCPTS, "5", {2, 3, 1}, {3, 3, 1}, "max_recipients"},
    {USER_MESSAGE_BYTES, "100", {1, 1, 100}, {1, 1, 101}, "max_message_bytes"},
    {USER_HOUR_RCPTS, "5", {2, 3, 1}, {6, 0, 1}, "recipients_per_hour"},
    {USER_DAY_LOCAL_RCPTS, "5", {5, 90, 1}, {6, 0, 1}, "local_recipients_per_day"},
    {USER_DAY_REMOTE_RCPTS, "5", {90, 5, 1}, {0, 6, 1}, "remote_recipients_per_day"},
    {USER_DAY_LOCAL_BYTES, "100", {9, 9, 100}, {1, 0, 101}, "local_bytes_per_day"},
    {USER_DAY_LOCAL_BYTES, "100", {0, 9, 900}, {1, 0, 101}, "local_bytes_per_day"},
    {USER_DAY_REMOTE_BYTES, "100", {9, 9, 100}, {0, 1, 101}, "remote_bytes_per_day"},
    {USER_DAY_REMOTE_BYTES, "100", {9, 0, 900}, {0, 1, 101}, "remote_bytes_per_day"},
    {USER_MESSAGE_RCPTS, "5", {1, 1, 1}, {UINT64_MAX, UINT64_MAX, 1}, "max_recipients"},
};

START_TEST(a_limit_is_reached_and_never_passed)
{
    struct record user = record_new(ACCOUNT_USER);
    struct flow_use use = {0};
    struct flow_limits limits;

    set(&user, amounts[_i].id, amounts[_i].limit);
    flow_limits_of(&user, 0, &limits);
    flow_use_until(&use, NOON_MS);
    ck_assert_ptr_null(flow_exceeded(&limits, &use, &amounts[_i].fits));
    ck_assert_pstr_eq(flow_exceeded(&limits, &use, &amounts[_i].too_much), amounts[_i].name);
    record_free(&user);
}
END_TEST

START_TEST(what_was_sent_counts_until_its_hour_or_day_is_over)
{
    struct record user = record_new(ACCOUNT_USER);
    const struct flow_message one_each = {1, 1, 10};
    struct flow_use use = {0};
    struct flow_allowances a;
    struct flow_limits limits;

    set(&user, USER_HOUR_RCPTS, "5");
    set(&user, USER_DAY_LOCAL_RCPTS, "3");
    set(&user, USER_DAY_REMOTE_BYTES, "25");
    flow_limits_of(&user, 0, &limits);
    flow_use_until(&use, NOON_MS);
    flow_count(&use, &one_each);
    flow_count(&use, &one_each);
    flow_allow(&limits, &use, false, &a);
    ck_assert_uint_eq(a.rcpts.max, 1);
    ck_assert_str_eq(a.rcpts.limit, "recipients_per_hour");
    ck_assert_uint_eq(a.class_rcpts.max, 1);
    ck_assert_uint_eq(a.bytes.max, FLOW_NO_LIMIT);
    flow_allow(&limits, &use, true, &a);
    ck_assert_uint_eq(a.class_rcpts.max, FLOW_NO_LIMIT);
    ck_assert_uint_eq(a.bytes.max, 5);
    ck_assert_str_eq(a.bytes.limit, "remote_bytes_per_day");
    flow_use_until(&use, NOON_MS + HOUR_MS); /* another hour, the same day */
    flow_allow(&limits, &use, false, &a);
    ck_assert_uint_eq(a.rcpts.max, 5);
    ck_assert_uint_eq(a.class_rcpts.max, 1);
    flow_use_until(&use, NOON_MS + 12 * (int64_t)HOUR_MS);
    flow_allow(&limits, &use, false, &a);
    ck_assert_uint_eq(a.class_rcpts.max, 3);
    record_free(&user);
}
END_TEST

START_TEST(what_did_not_go_is_taken_off)
{
    const struct flow_message both = {2, 3, 10}, local = {1, 0, 5};
    struct flow_use use = {0}, nothing = {0};

    flow_use_until(&use, NOON_MS);
    flow_use_until(&nothing, NOON_MS);
    flow_count(&use, &both);
    flow_count(&use, &local);
    flow_uncount(&use, &both);
    ck_assert_uint_eq(use.hour_rcpts, 1);
    ck_assert_uint_eq(use.local_rcpts, 1);
    ck_assert_uint_eq(use.local_bytes, 5);
    ck_assert_uint_eq(use.remote_rcpts + use.remote_bytes, 0);
    flow_uncount(&use, &both); /* of an hour that is over: never below nothing */
    ck_assert_mem_eq(&use, &nothing, sizeof(use));
}
END_TEST

START_TEST(the_smaller_of_two_allowances_holds)
{
    struct record user = record_new(ACCOUNT_USER);
    struct flow_use use = {0};
    struct flow_allowances a;
    struct flow_limits limits;

    set(&user, USER_MESSAGE_RCPTS, "2");
    set(&user, USER_HOUR_RCPTS, "5");
    flow_limits_of(&user, 0, &limits);
    flow_use_until(&use, NOON_MS);
    flow_allow(&limits, &use, true, &a);
    ck_assert_uint_eq(a.rcpts.max, 2);
    ck_assert_str_eq(a.rcpts.limit, "max_recipients");
    flow_count(&use, &(struct flow_message){5, 5, UINT64_MAX}); /* the limits were lowered since */
    flow_count(&use, &(struct flow_message){5, 5, UINT64_MAX});
    flow_allow(&limits, &use, true, &a);
    ck_assert_uint_eq(a.rcpts.max, 0);
    record_free(&user);
}
END_TEST

static const struct {
    const char *text;
    int rc;
} rows[] = {{"1 2 3 4 5 6 7", 0},
            {"0 0 0 0 0 0 18446744073709551615", 0},
            {"", -1},
            {"1 2 3 4 5 6", -1},
            {"1 2 3 4 5 6 7 8", -1},
            {"1 2 3 4 5 6 18446744073709551616", -1},
            {"a 2 3 4 5 6 7", -1},
            {"1 2 3 4 5 6 -7", -1}};

START_TEST(a_row_is_read_as_it_was_written)
{
    struct strbuf out = strbuf_new(200);
    struct flow_use use = {0};

    ck_assert_int_eq(flow_use_parse(slice_of(rows[_i].text), &use), rows[_i].rc);
    if (rows[_i].rc == 0) {
        flow_use_print(&use, &out);
        ck_assert_str_eq(strbuf_cstr(&out), rows[_i].text);
    }
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("flow");
    TCase *tc = tcase_create("flow");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, an_exception_turns_a_rule_round, 0, (int)ARRAY_LEN(rules));
    tcase_add_test(tc, receiving_has_rules_of_its_own);
    tcase_add_test(tc, without_properties_nothing_is_limited);
    tcase_add_loop_test(tc, a_limit_is_reached_and_never_passed, 0, (int)ARRAY_LEN(amounts));
    tcase_add_test(tc, what_was_sent_counts_until_its_hour_or_day_is_over);
    tcase_add_test(tc, what_did_not_go_is_taken_off);
    tcase_add_test(tc, the_smaller_of_two_allowances_holds);
    tcase_add_loop_test(tc, a_row_is_read_as_it_was_written, 0, (int)ARRAY_LEN(rows));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
