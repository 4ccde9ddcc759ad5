/*
 * t/unit/test_txt_record.c - lib/base/txt_record: "v=...; name=value" in pieces.
 */
#include <check.h>

#include "lib/base/strbuf.h"
#include "lib/base/txt_record.h"

static const struct {
    const char *record, *fields; /* "name=value," ...; "!" where there is no field */
} cases[] = {
    {"v=X1", ""},
    {"v=X1;", ""},
    {" v=X1 ; ", ""},
    {"v=X1; a=1; b=2;", "a=1,b=2,"},
    {"v=X1;a=1=2;b=", "a=1=2,b=,"},
    {"v=X1; a = 1", "a = 1,"},
    {"v=X1; a=1; nothing; b=2", "a=1,!"},
    {"v=X1;; a=1", "!"},
    {"v=X2; a=1", NULL},
    {"V=X1; a=1", NULL},
    {"a=1; v=X1", NULL},
    {"", NULL},
};

START_TEST(fields_in_their_order)
{
    struct slice record = slice_of(cases[_i].record), name, value;
    struct strbuf told = strbuf_new(100);
    int more = 0;

    ck_assert(txt_record_is(&record, SLICE("v=X1")) == (cases[_i].fields != NULL));
    if (cases[_i].fields == NULL)
        return;
    while ((more = txt_record_next(&record, &name, &value)) > 0)
        (void)strbuf_printf(&told, "%.*s=%.*s,", (int)name.len, name.ptr, (int)value.len,
                            value.ptr);
    if (more < 0)
        (void)strbuf_str(&told, "!");
    ck_assert_str_eq(strbuf_cstr(&told), cases[_i].fields);
    strbuf_free(&told);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("txt_record");
    TCase *tc = tcase_create("txt_record");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, fields_in_their_order, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
