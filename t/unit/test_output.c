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

/* A table in some order, printed. */
static const char *
sorted(const char *sort, bool descending, uint64_t offset, uint64_t limit)
{
    static const struct {
        const char *name, *size;
    } rows[] = {{"bob", "9"}, {"Carol", "10"}, {"alice", ""}, {"Bobby", "7"}};
    static char text[4000];
    struct table *table = table_new(columns, 2);
    FILE *out = tmpfile();
    int saved = dup(STDOUT_FILENO);
    size_t len;

    ck_assert(out != NULL && saved >= 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        table_add(table,
                  (const struct object_field[]){{SLICE("name"), slice_of(rows[i].name)},
                                                {SLICE("size"), slice_of(rows[i].size)}},
                  2);
    ck_assert_int_eq(table_sort(table, "shape", false), -1);
    if (sort != NULL)
        ck_assert_int_eq(table_sort(table, sort, descending), 0);
    table_cut(table, offset, limit);
    ck_assert_int_ge(dup2(fileno(out), STDOUT_FILENO), 0);
    table_print(&table, false);
    ck_assert_int_eq(fflush(stdout), 0);
    ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
    (void)close(saved);
    rewind(out);
    len = fread(text, 1, sizeof(text) - 1, out);
    text[len] = '\0';
    (void)fclose(out);
    return text;
}

START_TEST(rows_are_sorted_and_cut)
{
    ck_assert_str_eq(sorted(NULL, false, 1, 2), "name   size\nCarol    10\nalice\n");
    ck_assert_str_eq(sorted("size", false, 0, 9),
                     "name   size\nalice\nBobby     7\nbob       9\nCarol    10\n");
    ck_assert_str_eq(sorted("name", true, 0, 1), "name   size\nCarol    10\n");
    ck_assert_str_eq(sorted("name", false, 1, 2), "name   size\nbob       9\nBobby     7\n");
    ck_assert_str_eq(sorted("name", false, 4, UINT64_MAX), "");
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
    tcase_add_test(tc, rows_are_sorted_and_cut);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
