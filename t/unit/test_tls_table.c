/* lib/conf/tls_table: which entries are right, and which one counts for a domain. */
#include <check.h>
#include <stdlib.h>

#include "lib/base/slice.h"
#include "lib/conf/tls_table.h"

static const struct {
    const char *entry;
    bool right;
} entries[] = {
    {"d.test none", true},
    {"d.test may", true},
    {".d.test\tENCRYPT", true},
    {"d.test dane-only", true},
    {"d.test verify", true},
    {"d.test verify mx.isp.test .isp.test", true},
    {"d.test verify a.test b.test c.test d.test e.test f.test g.test h.test", true},
    {"d.test verify a.test b.test c.test d.test e.test f.test g.test h.test i.test", false},
    {"d.test", false},
    {"secure", false},
    {". may", false},
    {"..d.test may", false},
    {"d.test tight", false},
    {"d.test may mx.d.test", false},
    {"d.test secure mx.d.test", false},
    {"d.test verify *.d.test", false},
    {"d\xc3\xa4.test may", false}, /* A-labels */
};

START_TEST(entries_are_checked)
{
    ck_assert_int_eq(tls_table_expected(slice_of(entries[_i].entry)) == NULL, entries[_i].right);
}
END_TEST

static const char text[] = "# policies\n"
                           "a.test none\n"
                           ".A.test verify x.test .y.test\n"
                           "deep.a.test secure\n"
                           "b.test may\n"
                           "b.test encrypt\n";

static const struct {
    const char *domain;
    unsigned line; /* 0: no entry */
} domains[] = {
    {"a.test", 2}, {"x.a.test", 3}, {"y.x.a.test", 3}, {"deep.a.test", 4}, {"x.deep.a.test", 3},
    {"b.test", 6}, {"c.b.test", 0}, {"xa.test", 0},    {"test", 0},        {"", 0},
};

START_TEST(the_most_exact_entry_counts)
{
    struct strbuf errors = strbuf_new(1000);
    struct list_kind kind = {tls_table_expected};
    struct list_file *list = list_file_parse(slice_of(text), "tls.txt", &kind, &errors);
    struct tls_table *table;
    const struct tls_rule *rule;

    ck_assert_msg(list != NULL, "%s", strbuf_cstr(&errors));
    table = tls_table_new(list);
    list_file_free(&list); /* the table has copies */
    rule = tls_table_find(table, slice_of(domains[_i].domain));
    ck_assert_uint_eq(rule == NULL ? 0 : rule->line, domains[_i].line);
    if (domains[_i].line == 3) {
        ck_assert_int_eq(rule->wish, TLS_WISH_VERIFY);
        ck_assert_uint_eq(rule->name_count, 2);
        ck_assert_str_eq(rule->names[1], ".y.test");
    }
    tls_table_free(&table);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tls_table");
    TCase *tc = tcase_create("tls_table");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, entries_are_checked, 0, (int)ARRAY_LEN(entries));
    tcase_add_loop_test(tc, the_most_exact_entry_counts, 0, (int)ARRAY_LEN(domains));
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
