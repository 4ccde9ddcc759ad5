/* lib/conf/odmr_table: which entries are right, and whose a domain's mail is. */
#include <check.h>
#include <stdlib.h>

#include "lib/conf/odmr_table.h"

static const struct {
    const char *entry;
    bool right;
} entries[] = {
    {"a.test u@d.test", true},           {"A.Test\tu@d.test  v@e.test", true},
    {"b\xc3\xbc.test u@d.test", true},   {"a.test", false},
    {"u@d.test a.test", false},          {"a.test u", false},
    {"a..test u@d.test", false},         {".a.test u@d.test", false},
    {"a.test u@d.test;v@e.test", false},
};

START_TEST(entries_are_checked)
{
    ck_assert_int_eq(odmr_line_expected(slice_of(entries[_i].entry)) == NULL, entries[_i].right);
}
END_TEST

static const char text[] = "# who fetches what\n"
                           "b.test u@d.test\n"
                           "a.test u@d.test v@d.test\n"
                           "c.test w@d.test\n"
                           "B.TEST w@d.test\n";

static const struct {
    const char *domain, *user;
    unsigned line; /* 0: no such domain */
    bool may;
} questions[] = {
    {"a.test", "u@d.test", 3, true},    {"A.test", "V@d.test", 3, true},
    {"a.test", "w@d.test", 3, false},   {"b.test", "u@d.test", 2, true},
    {"b.test", "w@d.test", 2, true},    {"b.test", "v@d.test", 2, false},
    {"c.test", "w@d.test", 4, true},    {"c.test", "", 4, false},
    {"x.a.test", "u@d.test", 0, false}, {"test", "u@d.test", 0, false},
    {"", "u@d.test", 0, false},         {"d.test", "u@d.test", 0, false},
};

START_TEST(a_domain_is_its_users)
{
    const struct list_kind kind = {odmr_line_expected};
    struct strbuf errors = strbuf_new(1000);
    struct odmr_table *table = odmr_table_new(list_file_parse(slice_of(text), "f", &kind, &errors));
    const struct odmr_domain *d = odmr_table_find(table, slice_of(questions[_i].domain));

    ck_assert_uint_eq(d == NULL ? 0 : d->line, questions[_i].line);
    ck_assert_int_eq(d != NULL && odmr_domain_is_of(d, slice_of(questions[_i].user)),
                     questions[_i].may);
    ck_assert_uint_eq(table->count, 3);
    odmr_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

START_TEST(an_empty_list_is_no_table)
{
    struct strbuf errors = strbuf_new(1000);
    struct odmr_table *table =
        odmr_table_new(list_file_parse(SLICE("# none\n"), "f", NULL, &errors));

    ck_assert_ptr_null(table);
    ck_assert_ptr_null(odmr_table_find(table, SLICE("a.test")));
    odmr_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("odmr_table");
    TCase *tc = tcase_create("odmr_table");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, entries_are_checked, 0, (int)ARRAY_LEN(entries));
    tcase_add_loop_test(tc, a_domain_is_its_users, 0, (int)ARRAY_LEN(questions));
    tcase_add_test(tc, an_empty_list_is_no_table);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
