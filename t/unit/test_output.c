/*
 * t/unit/test_output.c - posthorn/output: what leaves the command line.
 */
// LINK: posthorn/output.c

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "posthorn/output.h"

static const struct {
    const char *text, *json;
} strings[] = {
    {"", "\"\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"a\nb\x01\x7f", "\"a\\u000ab\\u0001\\u007f\""},
    {"\xc3\xa4\xe2\x82\xac", "\"\xc3\xa4\xe2\x82\xac\""},
    {"\xff"
     "a\xc3",
     "\"\\ufffda\\ufffd\""},
};

START_TEST(json_strings_are_valid_whatever_comes)
{
    struct strbuf out = strbuf_new(1000);

    json_quote(&out, slice_of(strings[_i].text));
    ck_assert_str_eq(strbuf_cstr(&out), strings[_i].json);
    strbuf_free(&out);
}
END_TEST

static const struct column columns[] = {
    {"name", COLUMN_TEXT, false},  {"size", COLUMN_NUMBER, false}, {"on", COLUMN_BOOL, false},
    {"words", COLUMN_LIST, false}, {"hidden", COLUMN_TEXT, true},
};

/* What `print` writes to stdout. */
static const char *
printed(bool json, size_t rows)
{
    static char text[4000];
    const struct object_field full[] = {{SLICE("on"), SLICE("yes")},
                                        {SLICE("name"), SLICE("\xc3\xa4\x1b[1m")},
                                        {SLICE("size"), SLICE("12")},
                                        {SLICE("words"), SLICE("a  b")},
                                        {SLICE("hidden"), SLICE("h")}};
    const struct object_field poor[] = {{SLICE("name"), SLICE("longer name")},
                                        {SLICE("size"), SLICE("007")}};
    struct table *table = table_new(columns, ARRAY_LEN(columns));
    FILE *out = tmpfile();
    int saved = dup(STDOUT_FILENO);
    size_t len;

    ck_assert(out != NULL && saved >= 0);
    if (rows > 0)
        table_add(table, full, ARRAY_LEN(full));
    if (rows > 1)
        table_add(table, poor, ARRAY_LEN(poor));
    (void)fflush(stdout);
    ck_assert_int_ge(dup2(fileno(out), STDOUT_FILENO), 0);
    table_print(&table, json);
    (void)fflush(stdout);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
    (void)close(saved);
    rewind(out);
    len = fread(text, 1, sizeof(text) - 1, out);
    text[len] = '\0';
    (void)fclose(out);
    return text;
}

START_TEST(tables_are_aligned_and_harmless)
{
    ck_assert_str_eq(printed(false, 2), "name         size  on   words\n"
                                        "\xc3\xa4\\x1b[1m       12  yes  a  b\n"
                                        "longer name   007\n");
    ck_assert_str_eq(printed(false, 0), "");
}
END_TEST

START_TEST(json_has_types)
{
    ck_assert_str_eq(printed(true, 0), "[]\n");
    ck_assert_str_eq(printed(true, 2),
                     "[\n  {\"name\": \"\xc3\xa4\\u001b[1m\", \"size\": 12, \"on\": true, "
                     "\"words\": [\"a\", \"b\"], \"hidden\": \"h\"},\n"
                     "  {\"name\": \"longer name\", \"size\": \"007\", \"on\": null, "
                     "\"words\": [], \"hidden\": \"\"}\n]\n");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("output");
    TCase *tc = tcase_create("output");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, json_strings_are_valid_whatever_comes, 0, (int)ARRAY_LEN(strings));
    tcase_add_test(tc, tables_are_aligned_and_harmless);
    tcase_add_test(tc, json_has_types);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
