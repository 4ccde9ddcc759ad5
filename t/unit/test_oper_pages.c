/*
 * t/unit/test_oper_pages.c - lib/oper: a list that is made anew for each page is given in pages.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/oper/oper.h"

/* The page of a list of 0 to `rows` - 1 behind `cursor`, as "0 1 ... > CURSOR". */
static void
page(int rows, const char *limit, const char *cursor, struct strbuf *out)
{
    const struct object_field wanted = {SLICE("limit"), slice_of(limit)};
    const struct accountd_admin request = {
        .cursor = slice_of(cursor), .fields = &wanted, .field_count = 1};
    struct object_field *fields = xcalloc(OBJECT_FIELDS_MAX, sizeof(*fields));
    struct oper op = oper_new(NULL, &request);
    struct slice rest;

    for (int i = 0; i < rows; i++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", i);
        oper_list_row(&op, &(const struct object_field){SLICE("n"), slice_of(number)}, 1);
    }
    rest = strbuf_slice(&op.data);
    strbuf_clear(out);
    while (object_next(&rest, fields) > 0)
        (void)strbuf_printf(out, "%.*s ", (int)fields[0].value.len, fields[0].value.ptr);
    (void)strbuf_printf(out, "> %s", op.cursor.len > 0 ? strbuf_cstr(&op.cursor) : "");
    oper_free(&op);
    free(fields);
}

START_TEST(pages_follow_each_other)
{
    struct strbuf out = strbuf_new(100000);

    page(5, "2", "", &out);
    ck_assert_str_eq(strbuf_cstr(&out), "0 1 > 2");
    page(5, "2", "2", &out);
    ck_assert_str_eq(strbuf_cstr(&out), "2 3 > 4");
    page(5, "2", "4", &out);
    ck_assert_str_eq(strbuf_cstr(&out), "4 > ");
    page(4, "2", "2", &out);
    ck_assert_str_eq(strbuf_cstr(&out), "2 3 > ");
    page(2, "2", "4", &out); /* the list has become shorter */
    ck_assert_str_eq(strbuf_cstr(&out), "> ");
    page(2, "0", "", &out); /* never without a row, or nobody would come to the end */
    ck_assert_str_eq(strbuf_cstr(&out), "0 > 1");
    strbuf_free(&out);
}
END_TEST

START_TEST(a_page_that_is_full_ends)
{
    struct strbuf out = strbuf_new(100000);

    page(3000, "", "", &out);
    ck_assert(strbuf_ends_with(&out, " 999 > 1000"));
    page(3000, "", "2000", &out);
    ck_assert(strbuf_ends_with(&out, " 2999 > "));
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("oper_pages");
    Suite *s = suite_create("oper_pages");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, pages_follow_each_other);
    tcase_add_test(tc, a_page_that_is_full_ends);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
