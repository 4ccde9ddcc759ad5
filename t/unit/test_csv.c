/*
 * t/unit/test_csv.c - tables as text: what is read, and what is written.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/csv.h"

/* Records as "a|b/c|d"; "!" one that is malformed. */
static const struct {
    const char *text, *records;
    char separator, comment;
} tables[] = {
    {"a,b\nc,d\n", "a|b/c|d/", ',', '#'},
    {"a,b\r\nc,d", "a|b/c|d/", ',', '#'},
    {"\xef\xbb\xbf"
     "a;b",
     "a|b/", ';', '#'},
    {"# no\n\r\n\na\n#no\n", "a/", ',', '#'},
    {"% no\n#a\n", "#a/", ',', '%'},
    {"#a\n", "#a/", ',', '\0'},
    {"\"x,\"\"y\"\"\",\"\"\n", "x,\"y\"|/", ',', '#'},
    {"\"two\nlines\",b\n", "two\nlines|b/", ',', '#'},
    {",\n", "|/", ',', '#'},
    {"a\"b\n", "a\"b/", ',', '#'},
    {"\"a\"b,c\nd\n", "!d/", ',', '#'},
    {"\"open\nd\n", "!d/", ',', '#'},
    {"a\tb", "a|b/", '\t', '#'},
};

START_TEST(records_are_read)
{
    struct csv csv = csv_new(slice_of(tables[_i].text), tables[_i].separator, tables[_i].comment);
    struct strbuf got = strbuf_new(1000);
    enum csv_status status;
    const char *reason;

    while ((status = csv_next(&csv, &reason)) != CSV_END) {
        if (status == CSV_MALFORMED) {
            (void)strbuf_char(&got, '!');
            continue;
        }
        for (size_t i = 0; i < csv.count; i++) {
            (void)strbuf_str(&got, i == 0 ? "" : "|");
            (void)strbuf_append(&got, csv.fields[i]);
        }
        (void)strbuf_char(&got, '/');
    }
    ck_assert_str_eq(strbuf_cstr(&got), tables[_i].records);
    strbuf_free(&got);
    csv_free(&csv);
}
END_TEST

START_TEST(lines_are_counted)
{
    struct csv csv = csv_new(SLICE("#\na,\"x\ny\"\n\"bad\"z\nb\n"), ',', '#');
    const char *reason;

    ck_assert_int_eq(csv_next(&csv, &reason), CSV_RECORD);
    ck_assert_uint_eq(csv.record_line, 2);
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_MALFORMED);
    ck_assert_uint_eq(csv.record_line, 4);
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_RECORD);
    ck_assert_uint_eq(csv.record_line, 5);
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_END);
    csv_free(&csv);
}
END_TEST

START_TEST(a_record_has_limits)
{
    struct strbuf text = strbuf_new(4 * CSV_RECORD_MAX);
    const char *reason;
    struct csv csv;

    for (int i = 0; i < CSV_FIELDS_MAX; i++)
        (void)strbuf_char(&text, ',');
    (void)strbuf_char(&text, '\n');
    for (size_t i = 0; i <= CSV_RECORD_MAX; i++)
        (void)strbuf_char(&text, 'x');
    (void)strbuf_str(&text, "\nlast\n");
    csv = csv_new(strbuf_slice(&text), ',', '#');
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_MALFORMED);
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_MALFORMED);
    ck_assert_int_eq(csv_next(&csv, &reason), CSV_RECORD);
    ck_assert(slice_eq(csv.fields[0], SLICE("last")));
    csv_free(&csv);
    strbuf_free(&text);
}
END_TEST

START_TEST(values_are_quoted_where_needed)
{
    struct strbuf out = strbuf_new(1000);

    csv_put(&out, ';', true, SLICE("a,b"));
    csv_put(&out, ';', false, SLICE("c;d"));
    csv_put(&out, ';', false, SLICE("\"e\""));
    csv_put(&out, ';', false, SLICE("# f"));
    csv_put(&out, ';', false, SLICE(""));
    ck_assert_str_eq(strbuf_cstr(&out), "a,b;\"c;d\";\"\"\"e\"\"\";\"# f\";");
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("csv");
    TCase *tc = tcase_create("csv");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, records_are_read, 0, (int)ARRAY_LEN(tables));
    tcase_add_test(tc, lines_are_counted);
    tcase_add_test(tc, a_record_has_limits);
    tcase_add_test(tc, values_are_quoted_where_needed);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
