/*
 * t/unit/test_filter_packet.c - packets of the milter protocol, replies, and policy answers.
 */
// LINK: filterd/packet.c
// LINK: filterd/policy_answer.c
#include <check.h>
#include <stdlib.h>

#include "filterd/packet.h"
#include "filterd/policy_answer.h"

/* SLICE is no constant where -Wpedantic looks. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

START_TEST(a_packet_is_taken_whole_or_not_at_all)
{
    static const char bytes[] = "\0\0\0\3habcrest";
    struct packet packet;

    for (size_t len = 0; len < 7; len++) {
        struct slice input = slice_make(bytes, len);

        ck_assert_int_eq(packet_take(&input, &packet), PACKET_PARTIAL);
        ck_assert_uint_eq(input.len, len);
    }
    struct slice input = slice_make(bytes, sizeof(bytes) - 1);
    ck_assert_int_eq(packet_take(&input, &packet), PACKET_WHOLE);
    ck_assert_int_eq(packet.command, 'h');
    ck_assert(slice_eq(packet.data, SLICE("ab")));
    ck_assert(slice_eq(input, SLICE("crest")));
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} bad_packets[] = {{"\0\0\0\0", 4}, {"HTTP/1.1", 8}, {"\0\1\0\1x", 5}, {"\xff\xff\xff\xff", 4}};

START_TEST(a_length_out_of_bounds_is_no_packet)
{
    struct slice input = slice_make(bad_packets[_i].bytes, bad_packets[_i].len);
    struct packet packet;

    ck_assert_int_eq(packet_take(&input, &packet), PACKET_BAD);
}
END_TEST

static const struct {
    struct slice data;
    int rc;
} options[] = {
    {BYTES("\0\0\0\6\0\0\0\1\0\0\0\2"), 0},
    {BYTES("\0\0\0\2\0\0\0\0\0\0\0\0"), 0},
    {BYTES("\0\0\0\6\0\0\1\1\0\0\0\2\0\0\0\1j _\0\0\0\0\2i\0"), 0},
    {BYTES("\0\0\0\1\0\0\0\0\0\0\0\0"), -1},          /* no such version */
    {BYTES("\0\0\0\7\0\0\0\0\0\0\0\0"), -1},          /* newer than ours */
    {BYTES("\0\0\0\6\0\0\2\0\0\0\0\0"), -1},          /* an action that we did not offer */
    {BYTES("\0\0\0\6\0\0\0\0\x40\0\0\0"), -1},        /* a step */
    {BYTES("\0\0\0\6\0\0\0\0\0\0\0"), -1},            /* cut */
    {BYTES("\0\0\0\6\0\0\0\1\0\0\0\2\0\0\0\1j"), -1}, /* a list without its end */
};

START_TEST(options_are_what_was_offered)
{
    struct packet_options out;

    ck_assert_int_eq(packet_options_parse(options[_i].data, &out), options[_i].rc);
    if (_i == 2) {
        ck_assert(slice_eq(out.macros[MACROS_HELO], SLICE("j _")));
        ck_assert(slice_eq(out.macros[MACROS_MAIL], SLICE("i")));
        ck_assert_ptr_null(out.macros[MACROS_RCPT].ptr);
    }
}
END_TEST

static const struct {
    char command;
    struct slice data;
    int rc;
} answers[] = {
    {'c', BYTES(""), 0},
    {'c', BYTES("x"), -1},
    {'h', BYTES("X-A\0value\0"), 0},
    {'h', BYTES("X-A\0value"), -1},
    {'h', BYTES("X-A: v\r\nX-B\0value\0"), -1}, /* a name that would begin another field */
    {'h', BYTES("\0value\0"), -1},
    {'h', BYTES("X-A\0value\0more"), -1},
    {'i', BYTES("\0\0\0\1X-A\0value\0"), 0},
    {'i', BYTES("\0\0\1"), -1},
    {'m', BYTES("\0\0\0\1X-A\0\0"), 0},
    {'+', BYTES("<a@b>\0"), 0},
    {'+', BYTES("<a@b>"), -1},
    {'2', BYTES("<a@b>\0NOTIFY=NEVER\0"), 0},
    {'e', BYTES("<a@b>\0"), 0},
    {'q', BYTES("why\0"), 0},
    {'b', BYTES("any\0thing"), 0},
    {'y', BYTES("550 5.7.1 no\0"), 0},
    {'y', BYTES("550 5.7.1 no"), -1},
    {'y', BYTES("250 ok\0"), -1},
    {'l', BYTES(""), -1},
    {'\0', BYTES(""), -1},
};

START_TEST(answers_have_the_data_of_their_command)
{
    const struct packet packet = {.command = answers[_i].command, .data = answers[_i].data};
    struct answer answer;

    ck_assert_int_eq(packet_answer_parse(&packet, &answer), answers[_i].rc);
}
END_TEST

static const struct {
    const char *text;
    unsigned code; /* 0: no reply */
    const char *dsn, *line;
} replies[] = {
    {"550 5.7.1 no", 550, "5.7.1", "no"},
    {"451 later", 451, "4.7.1", "later"},
    {"450", 450, "4.7.1", "refused by a filter"},
    {"550 4.7.1 wrong class", 550, "5.7.1", "4.7.1 wrong class"},
    {"550-5.7.1 one\r\n550 5.7.1 two", 550, "5.7.1", "one two"},
    {"550-5.7.1 one\n450 4.7.1 two", 0, NULL, NULL},
    {"550 100%% \x01\xc3", 550, "5.7.1", "100% ??"},
    {"650 5.7.1 no", 0, NULL, NULL},
    {"55", 0, NULL, NULL},
    {"5500 no", 0, NULL, NULL},
    {"", 0, NULL, NULL},
};

START_TEST(replies_are_4yz_or_5yz_on_one_line)
{
    struct answer answer = {0};
    int rc = packet_reply_parse(slice_of(replies[_i].text), &answer);

    ck_assert_int_eq(rc, replies[_i].code == 0 ? -1 : 0);
    if (rc < 0)
        return;
    ck_assert_uint_eq(answer.code, replies[_i].code);
    ck_assert_str_eq(answer.dsn, replies[_i].dsn);
    ck_assert_str_eq(answer.text, replies[_i].line);
}
END_TEST

static const struct {
    const char *lines;
    int rc;
    enum policy_action action;
    unsigned code;
    const char *text; /* of the reply, or the answer's */
} policies[] = {
    {"action=DUNNO\n\n", 0, POLICY_DUNNO, 0, ""},
    {"other=1\naction=dunno\n\n", 0, POLICY_DUNNO, 0, ""},
    {"action=OK\r\n\r\n", 0, POLICY_OK, 0, ""},
    {"action=1234\n\n", 0, POLICY_OK, 0, NULL},
    {"action=REJECT\n\n", 0, POLICY_REFUSE, 554, "refused by a policy service"},
    {"action=550 5.1.1 gone\n\n", 0, POLICY_REFUSE, 550, "gone"},
    {"action=defer_if_permit Service unavailable\n\n", 0, POLICY_DEFER_IF_PERMIT, 450,
     "Service unavailable"},
    {"action=HOLD why\n\n", 0, POLICY_HOLD, 0, "why"},
    {"action=PREPEND X-A: b\n\n", 0, POLICY_PREPEND, 0, "X-A: b"},
    {"action=PREPEND X A\n\n", 0, POLICY_UNKNOWN, 0, NULL},
    {"action=REDIRECT <a@b.test>\n\n", 0, POLICY_REDIRECT, 0, "a@b.test"},
    {"action=BCC a\n\n", 0, POLICY_UNKNOWN, 0, NULL},
    {"action=FILTER x:y\n\n", 0, POLICY_UNKNOWN, 0, "FILTER x:y"},
    {"action=\n\n", -1, POLICY_UNKNOWN, 0, NULL},
    {"reaction=OK\n\n", -1, POLICY_UNKNOWN, 0, NULL},
    {"\n\n", -1, POLICY_UNKNOWN, 0, NULL},
};

START_TEST(policy_answers_are_actions_of_access_5)
{
    struct policy_answer answer;

    ck_assert_uint_eq(policy_answer_len(slice_of(policies[_i].lines)), strlen(policies[_i].lines));
    ck_assert_int_eq(policy_answer_parse(slice_of(policies[_i].lines), &answer), policies[_i].rc);
    if (policies[_i].rc < 0)
        return;
    ck_assert_int_eq(answer.action, policies[_i].action);
    ck_assert_uint_eq(answer.outcome.code, policies[_i].code);
    if (policies[_i].code != 0)
        ck_assert_str_eq(answer.outcome.text, policies[_i].text);
    else if (policies[_i].text != NULL)
        ck_assert(slice_eq(answer.text, slice_of(policies[_i].text)));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("filter_packet");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, a_packet_is_taken_whole_or_not_at_all);
    tcase_add_loop_test(tc, a_length_out_of_bounds_is_no_packet, 0, (int)ARRAY_LEN(bad_packets));
    tcase_add_loop_test(tc, options_are_what_was_offered, 0, (int)ARRAY_LEN(options));
    tcase_add_loop_test(tc, answers_have_the_data_of_their_command, 0, (int)ARRAY_LEN(answers));
    tcase_add_loop_test(tc, replies_are_4yz_or_5yz_on_one_line, 0, (int)ARRAY_LEN(replies));
    tcase_add_loop_test(tc, policy_answers_are_actions_of_access_5, 0, (int)ARRAY_LEN(policies));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
