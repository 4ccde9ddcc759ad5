/*
 * t/unit/test_header_text.c - lib/mail/header_text.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/casemap.h"
#include "lib/mail/header_text.h"

static const char header[] = "From: \"J\\\"org\" <j . o@example (c) . com> (Boss)\r\n"
                             "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\tand\r\n more\r\n"
                             "this is no field\r\n"
                             "X-Empty:\r\n"
                             "To: group: a@b, \"A B\" <c@d>;\r\n"
                             "X-Tag: one\r\nx-tag: Two =?utf-8?q?=00x?=\r\n"
                             "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\n";

static const struct {
    const char *name, *needle;
    bool found;
} cases[] = {
    {"subject", "gr\xc3\xbc\xc3\x9f", true},
    {"Subject",
     "\xc3\x9f"
     "e and more",
     true},
    {"Subject", "GRU\u0308", true}, /* the same, decomposed */
    {"Subject", "gru", true},       /* and what it begins with */
    {"Subject", "joerg", false},
    {"From", "j\\\"org", true},                 /* as written */
    {"From", "j\"org <j.o@example.com>", true}, /* as it is meant */
    {"From", "boss", true},
    {"TO", "a@b, \"a b\" <c@d>", true},
    {"To", "", true},
    {"Cc", "", false},
    {"X-Empty", "", true},
    {"X-Empty", "x", false},
    {"X-Tag", "one", true},
    {"X-Tag", "two x", true},
    {"X-Tag", "one two", false}, /* two fields */
    {"X-Missing", "", false},
    {"this", "", false},
};

START_TEST(fields_are_found_by_name)
{
    struct slice name = slice_of(cases[_i].name);
    struct strbuf out = strbuf_new(HEADER_TEXT_MAX);

    struct strbuf needle = strbuf_new(200);

    ck_assert(casemap_text(slice_of(cases[_i].needle), &needle));
    header_text_write(SLICE(header), header_text_part_of(name), &out);
    ck_assert(header_text_is_valid(strbuf_slice(&out)));
    ck_assert_int_eq(header_text_contains(strbuf_slice(&out), name, strbuf_slice(&needle)),
                     cases[_i].found);
    strbuf_free(&needle);
    strbuf_free(&out);
}
END_TEST

START_TEST(the_parts_hold_different_fields)
{
    struct strbuf out = strbuf_new(HEADER_TEXT_MAX);
    struct slice field;

    header_text_write(SLICE(header), HEADER_TEXT_COMMON, &out);
    ck_assert(header_text_find(strbuf_slice(&out), SLICE("Date"), &field));
    ck_assert(slice_eq(field, SLICE("FRI, 21 NOV 1997 09:55:06 -0600")));
    ck_assert(!header_text_find(strbuf_slice(&out), SLICE("X-Tag"), &field));
    strbuf_clear(&out);
    header_text_write(SLICE(header), HEADER_TEXT_REST, &out);
    ck_assert(!header_text_find(strbuf_slice(&out), SLICE("Date"), &field));
    ck_assert(header_text_find(strbuf_slice(&out), SLICE("X-Tag"), &field));
    ck_assert(slice_eq(field, SLICE("ONE")));
    strbuf_free(&out);
}
END_TEST

/* From a damaged cache: nothing is found, nothing is read past the end. */
START_TEST(any_bytes_will_do)
{
    static const char *const texts[] = {"", "2", "2a", "2subject", "x"};
    struct slice field;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ck_assert(!header_text_contains(slice_of(texts[i]), SLICE("subject"), SLICE("z")));
        (void)header_text_find(slice_of(texts[i]), SLICE("subject"), &field);
    }
    ck_assert(!header_text_is_valid(SLICE("")));
    ck_assert(!header_text_is_valid(SLICE("1subject")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("header_text");
    TCase *tc = tcase_create("header_text");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, fields_are_found_by_name, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, the_parts_hold_different_fields);
    tcase_add_test(tc, any_bytes_will_do);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
