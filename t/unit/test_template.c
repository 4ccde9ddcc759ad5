/*
 * t/unit/test_template.c - lib/mail/template: values put into texts, files taken apart.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/dsn.h"
#include "lib/mail/template_set.h"

static const struct {
    const char *text, *filled;
} fills[] = {
    {"", ""},
    {"a @name@ b", "a Value b"},
    {"@name@@name@", "ValueValue"},
    {"@@name@", "@name@"},
    {"x@@@name@", "x@Value"},
    {"@no@ @Name@ a@b.test @", "@no@ @Name@ a@b.test @"},
    {"@name", "@name"},
    {"one\ntwo\r\n", "one\r\ntwo\r\n"},
};

START_TEST(values_go_in)
{
    const struct template_value values[] = {{"name", SLICE("Value")}};
    struct strbuf out = strbuf_new(100);

    ck_assert(template_fill(slice_of(fills[_i].text), values, 1, &out));
    ck_assert_str_eq(strbuf_cstr(&out), fills[_i].filled);
    strbuf_free(&out);
}
END_TEST

START_TEST(overflow_is_told)
{
    const struct template_value values[] = {{"name", SLICE("Value")}};
    struct strbuf out = strbuf_new(4);

    ck_assert(!template_fill(SLICE("@name@"), values, 1, &out));
    strbuf_free(&out);
}
END_TEST

/* Line 0 and a reason: the file as a whole; no reason: it is good. */
static const struct {
    const char *file;
    size_t line;
    const char *why;
} files[] = {
    {"Subject: x\n\n@recipients@\n", 0, NULL},
    {"Subject: x @sender@\r\n\r\nHello\r\n@recipients@\r\n", 0, NULL},
    {"Subject: gr\xc3\xbc\xc3\x9f\n\na@@b @recipients@", 0, NULL},
    {"", 1, "expected 'Subject: ...'"},
    {"Subject:\n\n@recipients@\n", 1, "expected 'Subject: ...'"},
    {"Betreff: x\n\n@recipients@\n", 1, "expected 'Subject: ...'"},
    {"Subject: x\n@recipients@\n", 2, "expected an empty line behind the subject"},
    {"Subject: x\n\nno list\n", 0, "'@recipients@' is missing, the value that it is about"},
    {"Subject: x\n\n@@recipients@@\n", 0, "'@recipients@' is missing, the value that it is about"},
    {"Subject: @recipients@\n\n@recipients@\n", 1, "'@recipients@' is for the text alone"},
    {"Subject: @sendr@\n\n@recipients@\n", 1, "'@sendr@' is no value here"},
    {"Subject: x\n\nHello\n@recipients@ @recipeints@\n", 4, "'@recipeints@' is no value here"},
    {"Subject: x\n\n@recipients@ \xff\n", 3, "the line is not UTF-8"},
    {"Subject: x\r\n\r\n\r\n@recipients@ \x01\r\n", 4, "the line has a control character"},
};

START_TEST(files_are_checked)
{
    struct template_text text;
    struct template_fault fault;
    int rc =
        template_parse(slice_of(files[_i].file), &template_kinds[TEMPLATE_BOUNCE], &text, &fault);

    ck_assert_int_eq(rc, files[_i].why == NULL ? 0 : -1);
    if (rc < 0) {
        ck_assert_str_eq(fault.why, files[_i].why);
        ck_assert_uint_eq(fault.line, files[_i].line);
    }
}
END_TEST

START_TEST(long_lines_are_refused)
{
    struct strbuf file = strbuf_new(4000);
    struct template_text text;
    struct template_fault fault;

    (void)strbuf_str(&file, "Subject: x\n\n@recipients@\n");
    for (int i = 0; i < 501; i++)
        (void)strbuf_char(&file, 'x');
    ck_assert_int_eq(
        template_parse(strbuf_slice(&file), &template_kinds[TEMPLATE_DELAY], &text, &fault), -1);
    ck_assert_uint_eq(fault.line, 4);
    strbuf_free(&file);
}
END_TEST

/* Each of each language keeps the rules, and no language is another one's text. */
START_TEST(built_in_texts_are_good)
{
    for (int id = 0; id < TEMPLATE_COUNT; id++) {
        const char *built_in = template_built_in(template_languages[_i], (enum template_id)id);
        struct template_text text;
        struct template_fault fault;

        ck_assert_int_eq(template_parse(slice_of(built_in), &template_kinds[id], &text, &fault), 0);
        ck_assert_int_eq(template_find(template_kinds[id].file), id);
        ck_assert_str_ne(built_in,
                         template_built_in(template_languages[1 - _i], (enum template_id)id));
    }
}
END_TEST

START_TEST(a_language_that_is_not_shipped_is_english)
{
    ck_assert_str_eq(template_built_in("fr", TEMPLATE_DELAY),
                     template_built_in("en", TEMPLATE_DELAY));
    ck_assert(template_language_is_shipped("zh-CN") && !template_language_is_shipped("fr"));
    ck_assert_int_eq(template_find("bounce"), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("template");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, values_go_in, 0, (int)ARRAY_LEN(fills));
    tcase_add_test(tc, overflow_is_told);
    tcase_add_loop_test(tc, files_are_checked, 0, (int)ARRAY_LEN(files));
    tcase_add_test(tc, long_lines_are_refused);
    tcase_add_loop_test(tc, built_in_texts_are_good, 0, 2);
    tcase_add_test(tc, a_language_that_is_not_shipped_is_english);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
