/*
 * t/unit/test_filter_parts.c - the configuration of filters, header lists, and filterd's frames.
 */
// LINK: filterd/header_list.c
#include <check.h>
#include <stdlib.h>

#include "filterd/header_list.h"
#include "lib/conf/filter_spec.h"
#include "lib/ipc/filterd.h"

static const struct {
    const char *text;
    bool policy;
    int rc;
} specs[] = {
    {"inet:127.0.0.1:8891", false, 0},
    {"inet:[2001:db8::1]:8891", false, 0},
    {"unix:/run/x;default=accept;name=x;connect=5s;command=1m;content=2m;for=submission", false, 0},
    {"inet:h:1;at=both", true, 0},
    {"inet:h:1;at=both", false, -1},
    {"inet:h:1;content=1m", true, -1},
    {"inet:2001:db8::1:25", false, -1},
    {"inet:h:0", false, -1},
    {"inet:h:65536", false, -1},
    {"inet::25", false, -1},
    {"inet:127.0.0.1", false, -1},
    {"unix:relative", false, -1},
    {"/run/x", false, -1},
    {"inet:h:1;default=maybe", false, -1},
    {"inet:h:1;command=0", false, -1},
    {"inet:h:1;unknown=1", false, -1},
    {"", false, -1},
};

START_TEST(specs_are_sockets_with_options)
{
    struct filter_spec spec;

    ck_assert_int_eq(filter_spec_parse(slice_of(specs[_i].text), specs[_i].policy, &spec),
                     specs[_i].rc);
    if (_i == 1)
        ck_assert(slice_eq(spec.host, SLICE("2001:db8::1")));
    if (_i == 2) {
        ck_assert(slice_eq(spec.path, SLICE("/run/x")) && slice_eq(spec.name, SLICE("x")));
        ck_assert(spec.command_ms == 60000 && spec.action == FILTER_ACCEPT);
        ck_assert_uint_eq(spec.whom, FILTER_FOR_SUBMISSION);
    }
}
END_TEST

static void
assert_section(struct header_list *list, const char *expected)
{
    struct strbuf out = strbuf_new(4096);

    header_list_settle(list);
    ck_assert_uint_eq(header_list_size(list) + 2, strlen(expected));
    ck_assert(header_list_write(list, &out));
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    strbuf_free(&out);
}

START_TEST(fields_change_and_keep_their_places_until_settled)
{
    size_t body_at;
    struct header_list *list = header_list_new(
        SLICE("A: 1\r\nX: 1\r\nB: 2\r\n  folded\r\nx: 2\r\nX: 3\r\n\r\nbody"), &body_at);

    ck_assert_uint_eq(body_at, 42);
    header_list_change(list, 1, SLICE("X"), SLICE(""), false);
    header_list_change(list, 2, SLICE("X"), SLICE("two"), false); /* still the second */
    header_list_change(list, 9, SLICE("A"), SLICE("new"), false);
    header_list_change(list, 9, SLICE("B"), SLICE(""), false);
    header_list_insert(list, 0, SLICE("First"), SLICE(" spaced"), true);
    assert_section(list,
                   "First: spaced\r\nA: 1\r\nB: 2\r\n  folded\r\nX: two\r\nX: 3\r\nA: new\r\n\r\n");
    header_list_free(&list);
}
END_TEST

START_TEST(no_value_begins_another_field)
{
    size_t body_at;
    struct header_list *list = header_list_new(SLICE("text, no field\r\n"), &body_at);

    ck_assert_uint_eq(body_at, 0);
    header_list_insert(list, 0, SLICE("A"), SLICE("1\nBcc: x\r\n\r\nbody\n"), false);
    assert_section(list, "A: 1\r\n\tBcc: x\r\n\t\r\n\tbody\r\n\r\n");
    header_list_free(&list);
}
END_TEST

START_TEST(verdicts_come_back_as_they_were_said)
{
    struct filterd_change changes[] = {{true, SLICE("a@b")}, {false, SLICE("c@d")}};
    const struct filterd_verdict said = {.hold = SLICE("why"),
                                         .sender_changed = true,
                                         .content_changed = true,
                                         .header_size = 10,
                                         .body_start = 20,
                                         .change_count = 2,
                                         .changes = changes};
    struct filterd_verdict heard;
    struct strbuf frame = strbuf_new(FILTERD_PAYLOAD_MAX);

    ck_assert_int_eq(filterd_verdict_encode(&frame, 1, &said), 0);
    ck_assert_int_eq(
        filterd_verdict_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &heard),
        0);
    ck_assert(slice_eq(heard.hold, SLICE("why")) && heard.sender_changed && heard.sender.len == 0);
    ck_assert(heard.body_start == 20 && heard.change_count == 2 && heard.changes[0].added);
    ck_assert(slice_eq(heard.changes[1].address, SLICE("c@d")));
    filterd_verdict_clear(&heard);
    strbuf_free(&frame);
}
END_TEST

START_TEST(a_refusal_without_a_reply_is_damaged)
{
    static const unsigned codes[] = {0, 250, 399, 600};
    const struct filterd_verdict said = {
        .action = FILTERD_REFUSE, .code = (uint16_t)codes[_i], .dsn = SLICE("5.7.1")};
    struct filterd_verdict heard;
    struct strbuf frame = strbuf_new(FILTERD_PAYLOAD_MAX);

    ck_assert_int_eq(filterd_verdict_encode(&frame, 1, &said), 0);
    ck_assert_int_eq(
        filterd_verdict_decode(slice_sub(strbuf_slice(&frame), FRAME_HEADER, frame.len), &heard),
        -1);
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("filter_parts");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, specs_are_sockets_with_options, 0, (int)ARRAY_LEN(specs));
    tcase_add_test(tc, fields_change_and_keep_their_places_until_settled);
    tcase_add_test(tc, no_value_begins_another_field);
    tcase_add_test(tc, verdicts_come_back_as_they_were_said);
    tcase_add_loop_test(tc, a_refusal_without_a_reply_is_damaged, 0, 4);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
