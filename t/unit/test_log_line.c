/*
 * t/unit/test_log_line.c - lib/log/line: no value can forge a field or a line.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log/line.h"

static const struct {
    struct slice value;
    const char *encoded;
} values[] = {
    {{"plain", 5}, "plain"},
    {{"a@b.example", 11}, "a@b.example"},
    {{"<a@b>", 5}, "<a@b>"},
    {{"", 0}, "\"\""},
    {{"two words", 9}, "\"two words\""},
    {{"a=b", 3}, "\"a=b\""},
    {{"say \"hi\"", 8}, "\"say \\\"hi\\\"\""},
    {{"back\\slash", 10}, "\"back\\\\slash\""},
    {{"line\nevent=forged", 17}, "\"line\\nevent=forged\""},
    {{"cr\r\tand", 7}, "\"cr\\r\\tand\""},
    {{"nul\0x", 5}, "\"nul\\x00x\""},
    {{"\x1b[31m", 5}, "\"\\x1b[31m\""},
    {{"\x7f", 1}, "\"\\x7f\""},
    {{"gr\xc3\xbc\xc3\x9f", 6}, "\"gr\xc3\xbc\xc3\x9f\""},
    {{"\xc2\x9b", 2}, "\"\\xc2\\x9b\""}, /* C1: CSI */
    {{"\xe2\x80\xae"
      "x",
      4},
     "\"\\xe2\\x80\\xaex\""},                     /* right-to-left override */
    {{"\xff\xc3", 2}, "\"\\xff\\xc3\""},          /* not UTF-8, cut off */
    {{"\xed\xa0\x80", 3}, "\"\\xed\\xa0\\x80\""}, /* surrogate */
};

START_TEST(values_are_bare_or_quoted)
{
    struct strbuf out = strbuf_new(1024);
    struct log_kv pairs[] = {KV_SLICE("k", values[_i].value), KV_END};

    ck_assert_uint_eq(log_pairs_encode(&out, pairs), 0);
    ck_assert(slice_starts(strbuf_slice(&out), SLICE(" k=")));
    ck_assert_str_eq(strbuf_cstr(&out) + 3, values[_i].encoded);
    strbuf_free(&out);
}
END_TEST

START_TEST(numbers_keep_their_sign)
{
    struct strbuf out = strbuf_new(1024);
    struct log_kv pairs[] = {KV_U64("u", UINT64_MAX), KV_I64("i", INT64_MIN), KV_I64("j", 7),
                             KV_END};

    ck_assert_uint_eq(log_pairs_encode(&out, pairs), 0);
    ck_assert_str_eq(strbuf_cstr(&out), " u=18446744073709551615 i=-9223372036854775808 j=7");
    strbuf_free(&out);
}
END_TEST

START_TEST(a_line_has_its_five_parts)
{
    struct strbuf out = strbuf_new(LOG_DATAGRAM_MAX);
    struct log_origin origin = {.program = "smtpd", .pid = 123, .context = SLICE(" session=x1")};
    struct log_kv pairs[] = {KV_STR("queue_id", "4fXk2q"), KV_END};

    ck_assert(log_line_encode(&out, 1795428000123, &origin, LOG_INFO, "received", pairs));
    ck_assert_str_eq(strbuf_cstr(&out), "2026-11-23T10:00:00.123Z smtpd[123] info event=received "
                                        "session=x1 queue_id=4fXk2q\n");
    strbuf_free(&out);
}
END_TEST

START_TEST(a_long_value_is_cut_and_says_so)
{
    static char text[LOG_VALUE_MAX + 100];
    struct strbuf out = strbuf_new(LOG_DATAGRAM_MAX);
    struct log_kv pairs[] = {KV_SLICE("k", slice_make(text, sizeof(text))), KV_END};

    memset(text, 'a', sizeof(text));
    ck_assert_uint_eq(log_pairs_encode(&out, pairs), 0);
    ck_assert_uint_eq(out.len, strlen(" k=\"...\"") + LOG_VALUE_MAX);
    ck_assert(strbuf_ends_with(&out, "a...\""));
    strbuf_free(&out);
}
END_TEST

START_TEST(pairs_past_the_line_are_counted)
{
    static char text[LOG_VALUE_MAX];
    struct strbuf out = strbuf_new(LOG_DATAGRAM_MAX);
    struct log_origin origin = {.program = "p", .pid = 1};
    struct log_kv pairs[11];

    memset(text, '\x01', sizeof(text)); /* four bytes each when escaped */
    for (size_t i = 0; i < 10; i++)
        pairs[i] = KV_SLICE("k", slice_make(text, sizeof(text)));
    pairs[10] = KV_END;
    ck_assert(log_line_encode(&out, 0, &origin, LOG_WARN, "e", pairs));
    ck_assert_uint_le(out.len, LOG_LINE_MAX);
    ck_assert(strbuf_ends_with(&out, " cut=9\n"));
    ck_assert(!out.overflow);
    strbuf_free(&out);
}
END_TEST

START_TEST(no_room_leaves_the_buffer_as_it_was)
{
    struct strbuf out = strbuf_new(LOG_LINE_MAX + 2);
    struct log_origin origin = {.program = "p", .pid = 1};
    struct log_kv pairs[] = {KV_END};

    (void)strbuf_str(&out, "abc");
    ck_assert(!log_line_encode(&out, 0, &origin, LOG_WARN, "e", pairs));
    ck_assert_str_eq(strbuf_cstr(&out), "abc");
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *datagram;
    int rc;
} datagrams[] = {
    {"smtp\nline\n", 0},  {"queue-2\nl", 0},     {"smtp\n", -1},
    {"smtp", -1},         {"\nline\n", -1},      {"../x\nline\n", -1},
    {"Smtp\nline\n", -1}, {"-smtp\nline\n", -1}, {"a23456789012345678901234567890123\nline\n", -1},
    {NULL, -1},
};

START_TEST(a_datagram_names_its_service)
{
    struct slice service = SLICE("?"), lines = SLICE("?");

    ck_assert_int_eq(log_datagram_split(slice_of(datagrams[_i].datagram), &service, &lines),
                     datagrams[_i].rc);
    ck_assert(slice_eq(service, SLICE("?")) == (datagrams[_i].rc < 0));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log_line");
    TCase *tc = tcase_create("line");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, values_are_bare_or_quoted, 0, (int)ARRAY_LEN(values));
    tcase_add_test(tc, numbers_keep_their_sign);
    tcase_add_test(tc, a_line_has_its_five_parts);
    tcase_add_test(tc, a_long_value_is_cut_and_says_so);
    tcase_add_test(tc, pairs_past_the_line_are_counted);
    tcase_add_test(tc, no_room_leaves_the_buffer_as_it_was);
    tcase_add_loop_test(tc, a_datagram_names_its_service, 0, (int)ARRAY_LEN(datagrams));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
