/*
 * t/unit/test_section_text.c - lib/mail/section_text: the same bytes as FETCH BODY[section] sends.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/section_text.h"

#define HEADER "From: a\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
#define PART_HEADER "Content-Type: message/rfc822\r\n\r\n"
#define INNER_HEADER "Subject: inner\r\nTo: b\r\n\r\n"
#define TEXT "--b\r\n\r\none\r\n--b\r\n" PART_HEADER INNER_HEADER "two\r\n--b--\r\n"

/* NULL: there is no such part. */
static const struct {
    const char *section, *bytes;
} found[] = {
    {"", HEADER TEXT},
    {"HEADER", HEADER},
    {"text", TEXT},
    {"1", "one"},
    {"1.MIME", "\r\n"},
    {"2.mime", PART_HEADER},
    {"2", INNER_HEADER "two"},
    {"2.HEADER", INNER_HEADER},
    {"2.TEXT", "two"},
    {"2.1", "two"},
    {"3", NULL},
    {"1.1.1", NULL},
    {"1.HEADER", NULL},
    {"HEADER.FIELDS (subject)", "Subject: s\r\n\r\n"},
    {"HEADER.FIELDS (\"From\" Subject)", "From: a\r\nSubject: s\r\n\r\n"},
    {"header.fields.not (Content-Type FROM)", "Subject: s\r\n\r\n"},
    {"2.HEADER.FIELDS (To)", "To: b\r\n\r\n"},
    {"HEADER.FIELDS (X-None)", "\r\n"},
};

START_TEST(the_bytes_of_a_section)
{
    struct strbuf fields = strbuf_new(MIME_HEADER_MAX + 2);
    struct section_text section;
    struct slice bytes;
    bool there;

    ck_assert_int_eq(section_text_parse(slice_of(found[_i].section), &section), 0);
    there = section_text_find(&section, SLICE(HEADER TEXT), &fields, &bytes);
    ck_assert_int_eq(there, found[_i].bytes != NULL);
    if (there)
        ck_assert_msg(slice_eq(bytes, slice_of(found[_i].bytes)), "%s: %.*s", found[_i].section,
                      (int)bytes.len, bytes.ptr);
    strbuf_free(&fields);
}
END_TEST

static const char *const wrong[] = {
    "0",
    "1.",
    ".1",
    "1..2",
    "1x",
    "4294967296",
    "1.TEXT.2",
    "MIME", /* goes with part numbers alone */
    "HEADERS",
    "HEADER.FIELDS",
    "HEADER.FIELDS ()",
    "HEADER.FIELDS (A",
    "HEADER.FIELDS(A)",
    "HEADER.FIELDS  (A)",
    "HEADER.FIELDS (A  B)",
    "HEADER.FIELDS (A B )",
    "HEADER.FIELDS (A)x",
    "HEADER.FIELDS (\"A)",
    "HEADER.FIELDS (\"\")",
    "HEADER.FIELDS ({1})",
    "HEADER.FIELDS (A:)",
    "TEXT ",
    " TEXT",
};

START_TEST(what_is_no_section)
{
    struct section_text section;

    ck_assert_msg(section_text_parse(slice_of(wrong[_i]), &section) < 0, "%s", wrong[_i]);
}
END_TEST

/* A section of `count` numbers, or of so many field names. */
static int
parse_many(size_t count, bool numbers)
{
    struct strbuf text = strbuf_new(2000);
    struct section_text section;
    int rc;

    (void)strbuf_str(&text, numbers ? "1" : "HEADER.FIELDS (A");
    for (size_t i = 1; i < count; i++)
        (void)strbuf_str(&text, numbers ? ".1" : " A");
    if (!numbers)
        (void)strbuf_char(&text, ')');
    ck_assert(!text.overflow);
    rc = section_text_parse(strbuf_slice(&text), &section);
    strbuf_free(&text);
    return rc;
}

START_TEST(a_section_has_limits)
{
    ck_assert_int_eq(parse_many(SECTION_TEXT_NUMBERS_MAX, true), 0);
    ck_assert_int_eq(parse_many(SECTION_TEXT_NUMBERS_MAX + 1, true), -1);
    ck_assert_int_eq(parse_many(SECTION_TEXT_FIELDS_MAX, false), 0);
    ck_assert_int_eq(parse_many(SECTION_TEXT_FIELDS_MAX + 1, false), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("section_text");
    TCase *tc = tcase_create("section_text");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, the_bytes_of_a_section, 0, (int)ARRAY_LEN(found));
    tcase_add_loop_test(tc, what_is_no_section, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, a_section_has_limits);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
