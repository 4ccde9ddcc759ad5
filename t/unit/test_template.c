/*
 * t/unit/test_template.c - lib/mail/template: values put into texts, files taken apart.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/conf/conf_new.h"
#include "lib/mail/dsn.h"
#include "lib/mail/template.h"

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

static const struct {
    const char *file;
    bool good;
} files[] = {
    {"Subject: x\n\n@recipients@\n", true},
    {"Subject: x @sender@\r\n\r\nHello\r\n@recipients@\r\n", true},
    {"Subject: gr\xc3\xbc\xc3\x9f\n\na@@b @recipients@", true},
    {"", false},
    {"Subject:\n\n@recipients@\n", false},
    {"Betreff: x\n\n@recipients@\n", false},
    {"Subject: x\n@recipients@\n", false},
    {"Subject: x\n\nno list\n", false},
    {"Subject: x\n\n@@recipients@@\n", false},
    {"Subject: @recipients@\n\n@recipients@\n", false},
    {"Subject: x\n\n@recipients@ @recipeints@\n", false},
    {"Subject: x\n\n@recipients@ \xff\n", false},
    {"Subject: x\n\n@recipients@ \x01\n", false},
};

START_TEST(files_are_checked)
{
    struct template_text text;
    const char *why;
    int rc = template_parse(slice_of(files[_i].file), dsn_value_names, &text, &why);

    ck_assert_int_eq(rc, files[_i].good ? 0 : -1);
    ck_assert((why == NULL) == files[_i].good);
}
END_TEST

START_TEST(long_lines_are_refused)
{
    struct strbuf file = strbuf_new(4000);
    struct template_text text;
    const char *why;

    (void)strbuf_str(&file, "Subject: x\n\n@recipients@\n");
    for (int i = 0; i < 501; i++)
        (void)strbuf_char(&file, 'x');
    ck_assert_int_eq(template_parse(strbuf_slice(&file), dsn_value_names, &text, &why), -1);
    strbuf_free(&file);
}
END_TEST

START_TEST(built_in_notices_are_good)
{
    static const char *const texts[] = {conf_new_bounce, conf_new_delay, conf_new_success,
                                        conf_new_notice};
    struct template_text text;
    const char *why;

    ck_assert_int_eq(template_parse(slice_of(texts[_i]), dsn_value_names, &text, &why), 0);
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
    tcase_add_loop_test(tc, built_in_notices_are_good, 0, 4);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
