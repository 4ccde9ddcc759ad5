/*
 * t/unit/test_header.c - lib/mail/header and lib/mail/date.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/date.h"
#include "lib/mail/header.h"

START_TEST(fields_come_in_order_with_their_folding)
{
    struct slice rest = SLICE("A: 1\r\nB:\r\n two\r\n\tthree\r\nC : \r\n\r\nbody\r\n");
    struct header_field f;

    ck_assert_int_eq(header_next(&rest, &f), HEADER_FIELD);
    ck_assert(slice_eq(f.name, SLICE("A")));
    ck_assert(slice_eq(f.body, SLICE(" 1")));
    ck_assert(slice_eq(f.raw, SLICE("A: 1\r\n")));
    ck_assert_int_eq(header_next(&rest, &f), HEADER_FIELD);
    ck_assert(slice_eq(f.name, SLICE("B")));
    ck_assert(slice_eq(f.body, SLICE("\r\n two\r\n\tthree")));
    ck_assert_int_eq(header_next(&rest, &f), HEADER_FIELD);
    ck_assert(slice_eq(f.name, SLICE("C")));
    ck_assert(slice_eq(f.body, SLICE(" ")));
    ck_assert_int_eq(header_next(&rest, &f), HEADER_END);
    ck_assert(slice_eq(rest, SLICE("body\r\n")));
}
END_TEST

static const struct {
    const char *text;
    enum header_status status;
    const char *rest;
} starts[] = {
    {"", HEADER_EMPTY, ""},
    {"\r\nx", HEADER_END, "x"},
    {"\nx", HEADER_END, "x"},
    {"no colon\r\n", HEADER_BODY, "no colon\r\n"},
    {": empty name\r\n", HEADER_BODY, ": empty name\r\n"},
    {" starts with space: x\r\n", HEADER_BODY, " starts with space: x\r\n"},
    {"a b: x\r\n", HEADER_BODY, "a b: x\r\n"},
    {"X:", HEADER_FIELD, ""},
    {"X:\r", HEADER_FIELD, ""},
    {"X:y\nZ:\n", HEADER_FIELD, "Z:\n"},
    {"\x80:y\r\n", HEADER_BODY, "\x80:y\r\n"},
};

START_TEST(first_field_of_odd_sections)
{
    struct slice rest = slice_of(starts[_i].text);
    struct header_field f;

    ck_assert_int_eq(header_next(&rest, &f), starts[_i].status);
    ck_assert(slice_eq(rest, slice_of(starts[_i].rest)));
}
END_TEST

static const struct {
    const char *text;
    size_t from, len;
} sections[] = {
    {"A: 1\r\n\r\nx", 0, 8},
    {"A: 1\r\n\r\nx", 7, 8},
    {"A: 1\r\n\r", 0, 0},
    {"A: 1\r\n\r\n", 6, 8},
    {"\r\nx", 0, 2},
    {"\nx", 0, 1},
    {"A: 1\n\nx", 0, 6},
    {"A: 1\r\n", 0, 0},
    {"", 0, 0},
    {"A", 1, 0},
};

START_TEST(section_ends_at_the_empty_line)
{
    ck_assert_uint_eq(header_section_len(slice_of(sections[_i].text), sections[_i].from),
                      sections[_i].len);
}
END_TEST

START_TEST(summary_counts_hops_and_names)
{
    struct header_summary sum;

    header_summarize(
        SLICE("Received: a\r\nreceived: b\r\n\tc\r\nDATE: x\r\nMessage-Id: <y@z>\r\n\r\n"), 100,
        &sum);
    ck_assert_uint_eq(sum.received, 2);
    ck_assert_uint_eq(sum.fields, 4);
    ck_assert(sum.has_date && sum.has_message_id && !sum.has_from && !sum.is_malformed);
    header_summarize(SLICE("From: \xc3\xa4\r\nrubbish\r\n\r\n"), 100, &sum);
    ck_assert(sum.has_from && sum.has_8bit && sum.is_malformed);
    header_summarize(SLICE("A: 1\r\nA: 1\r\nA: 1\r\n\r\n"), 2, &sum);
    ck_assert_uint_eq(sum.fields, 2);
}
END_TEST

/* RFC 8689 section 3 */
START_TEST(tls_required_no_counts_once)
{
    static const struct {
        const char *header;
        bool optional;
    } cases[] = {
        {"TLS-Required: No\r\n\r\n", true},
        {"A: b\r\ntls-required:NO\r\n\r\n", true},
        {"TLS-Required:\r\n no\r\nA: b\r\n\r\n", true},
        {"TLS-Required: Yes\r\n\r\n", false},
        {"TLS-Required: No, really\r\n\r\n", false},
        {"TLS-Required:\r\n\r\n", false},
        {"TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false},
        {"A: b\r\n\r\nTLS-Required: No\r\n", false},
        {"X-TLS-Required: No\r\n\r\n", false},
    };
    struct header_summary sum;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        header_summarize(slice_of(cases[i].header), 100, &sum);
        ck_assert_msg(sum.tls_optional == cases[i].optional, "%s", cases[i].header);
    }
}
END_TEST

START_TEST(unfolding_joins_lines)
{
    struct strbuf out = strbuf_new(64);

    ck_assert(header_unfold(SLICE(" one\r\n two\r\n\tthree \r\n"), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "one two\tthree");
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *text;
    int rc;
    int64_t unix_s;
    int zone;
} dates[] = {
    {"Mon, 23 Nov 2026 10:00:00 +0000", 0, 1795428000, 0},
    {" 23 Nov 2026 11:30:00 +0130", 0, 1795428000, 90},
    {"Thu, 1 Jan 1970 00:00:00 -0000", 0, 0, 0},
    {"Fri, 21 Nov 1997 09:55:06 -0600", 0, 880127706, -360},
    {"29 Feb 2000 00:00 GMT", 0, 951782400, 0},
    {"21 Nov 97 09:55:06 GMT", 0, 880106106, 0},
    {"21 Nov 097 09:55:06 GMT", 0, 880106106, 0},
    {"Thu,\r\n\t13 (a (nested) comment)\r\n Feb 1969 23:32 -0330 (Newfoundland Time)", 0, -27723480,
     -210},
    {"Fri, 21 Nov 1997 09(comment): 55 : 06 -0600", 0, 880127706, -360},
    {"21 Nov 1997 09:55:06 EST", 0, 880124106, -300},
    {"21 Nov 1997 09:55:06 Q", 0, 880106106, 0},
    {"31 Dec 2016 23:59:60 +0000", 0, 1483228800, 0},
    {"21 Nov 1997 09:55:06", -1, 0, 0},
    {"21 Nov 1997 24:00:00 +0000", -1, 0, 0},
    {"32 Nov 1997 00:00:00 +0000", -1, 0, 0},
    {"30 Feb 1997 00:00:00 +0000", -1, 0, 0},
    {"0 Feb 1997 00:00:00 +0000", -1, 0, 0},
    {"21 Nov 1899 00:00:00 +0000", -1, 0, 0},
    {"Fri 21 Nov 1997 00:00:00 +0000", -1, 0, 0},
    {"21 Nov 1997 00:00:00 +000", -1, 0, 0},
    {"", -1, 0, 0},
    {"(((((((((", -1, 0, 0},
};

START_TEST(dates_of_both_grammars)
{
    struct date d = {0};

    ck_assert_int_eq(date_parse(slice_of(dates[_i].text), &d), dates[_i].rc);
    ck_assert_int_eq(d.unix_s, dates[_i].unix_s);
    ck_assert_int_eq(d.zone_minutes, dates[_i].zone);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("header");
    TCase *tc = tcase_create("header");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, fields_come_in_order_with_their_folding);
    tcase_add_loop_test(tc, first_field_of_odd_sections, 0, (int)ARRAY_LEN(starts));
    tcase_add_loop_test(tc, section_ends_at_the_empty_line, 0, (int)ARRAY_LEN(sections));
    tcase_add_test(tc, tls_required_no_counts_once);
    tcase_add_test(tc, summary_counts_hops_and_names);
    tcase_add_test(tc, unfolding_joins_lines);
    tcase_add_loop_test(tc, dates_of_both_grammars, 0, (int)ARRAY_LEN(dates));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
