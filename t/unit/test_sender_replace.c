/*
 * t/unit/test_sender_replace.c - lib/mail/sender_replace, lib/conf/sender_table.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/conf/sender_table.h"
#include "lib/mail/sender_replace.h"

static const char table_text[] =
    "office@d.test both alice@d.test; Bob@D.test\n"
    "second@d.test both alice@d.test\n" /* the first one counts */
    "out@d.test remote \"carol smith\"@d.test;dora@d.test;erik@[192.0.2.1]\n"
    "in@d.test LOCAL dora@d.test\n";

static struct sender_table *
table_for(enum sender_scope scope)
{
    const struct list_kind kind = {sender_table_expected};
    struct strbuf errors = strbuf_new(1000);
    struct list_file *list = list_file_parse(slice_of(table_text), "table", &kind, &errors);
    struct sender_table *table;

    ck_assert_msg(list != NULL, "%s", strbuf_cstr(&errors));
    table = sender_table_new(list, scope);
    list_file_free(&list);
    strbuf_free(&errors);
    return table;
}

static const struct {
    enum sender_scope scope;
    const char *header, *changed; /* NULL: nothing is to be done */
} cases[] = {
    {SENDER_REMOTE, "From: alice@d.test\r\n\r\n", "From: office@d.test\r\n\r\n"},
    {SENDER_REMOTE, "From: ALICE@D.TEST (Alice) \r\n\r\n", "From: office@d.test (Alice) \r\n\r\n"},
    {SENDER_REMOTE, "From: =?utf-8?q?B=C3=B6b?= (c) < bob@d.test > (x)\r\n\r\n",
     "From: =?utf-8?q?B=C3=B6b?= (c) < office@d.test > (x)\r\n\r\n"},
    {SENDER_REMOTE,
     "From: \"alice@d.test\" <bob @ d .\r\n test>,\r\n alice@d.test,x@d.test\r\n\r\n",
     "From: \"alice@d.test\" <office@d.test>,\r\n office@d.test,x@d.test\r\n\r\n"},
    {SENDER_REMOTE, "Sender: alice@d.test\nA: b\nReply-To: g: bob@d.test;\n\n",
     "Sender: office@d.test\nA: b\nReply-To: g: office@d.test;\n\n"},
    {SENDER_REMOTE, "FROM: <@r.test:alice@d.test>\r\n\r\n",
     "FROM: <@r.test:office@d.test>\r\n\r\n"},
    {SENDER_REMOTE, "From: alice@d.test <alice@d.test>\r\n\r\n",
     "From: alice@d.test <office@d.test>\r\n\r\n"},
    {SENDER_REMOTE, "From: \"Carol Smith\"@d.test\r\n", "From: out@d.test\r\n"},
    {SENDER_REMOTE, "From: erik@[192.0.2.1] (x)\r\n\r\n", "From: out@d.test (x)\r\n\r\n"},
    {SENDER_REMOTE, "From: dora@d.test\r\n\r\n", "From: out@d.test\r\n\r\n"},
    {SENDER_LOCAL, "From: dora@d.test\r\n\r\n", "From: in@d.test\r\n\r\n"},
    {SENDER_LOCAL, "From: \"Carol Smith\"@d.test\r\n\r\n", NULL},
    {SENDER_REMOTE, "To: alice@d.test\r\nCc: bob@d.test\r\nX-From: alice@d.test\r\n\r\n", NULL},
    {SENDER_REMOTE, "From: malice@d.test, alice@d.testing, alice, <>, alice@\r\n\r\n", NULL},
    {SENDER_REMOTE, "", NULL},
};

START_TEST(sender_fields_have_other_addresses_and_nothing_else_changes)
{
    struct sender_table *table = table_for(cases[_i].scope);
    struct sender_rules rules = sender_table_rules(table);
    struct slice header = slice_of(cases[_i].header);
    struct strbuf out = strbuf_new(SENDER_REPLACE_MAX(header.len));

    ck_assert_int_eq(sender_replace(header, &rules, &out), cases[_i].changed != NULL);
    ck_assert_str_eq(strbuf_cstr(&out), cases[_i].changed == NULL ? "" : cases[_i].changed);
    strbuf_free(&out);
    sender_table_free(&table);
}
END_TEST

static const struct {
    const char *entry, *expected;
} entries[] = {
    {"a@b.test both c@d.test", NULL},
    {"a@b.test Remote c@d.test;\td@d.test ; \"e f\"@d.test", NULL},
    {"a@b.test local \xc3\xa4@d.test", NULL},
    {"a@b.test", "second word"},
    {"a both c@d.test", "first address"},
    {"\xc3\xa4@b.test both c@d.test", "first address"},
    {"a@b.test all c@d.test", "second word"},
    {"a@b.test both", "behind it"},
    {"a@b.test both c@d.test;;e@d.test", "behind it"},
    {"a@b.test both c@d.test e@d.test", "behind it"},
    {"a@b.test both @d.test", "behind it"},
};

START_TEST(wrong_entries_are_told)
{
    const char *expected = sender_table_expected(slice_of(entries[_i].entry));

    if (entries[_i].expected == NULL)
        ck_assert_ptr_null(expected);
    else
        ck_assert(expected != NULL && strstr(expected, entries[_i].expected) != NULL);
}
END_TEST

START_TEST(a_table_without_entries_for_that_mail_is_none)
{
    struct list_file *list =
        list_file_parse(SLICE("a@b.test local c@d.test\n"), "table", NULL, NULL);

    ck_assert_ptr_null(sender_table_new(list, SENDER_REMOTE));
    list_file_free(&list);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sender_replace");
    TCase *tc = tcase_create("sender_replace");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, sender_fields_have_other_addresses_and_nothing_else_changes, 0,
                        (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tc, wrong_entries_are_told, 0, (int)ARRAY_LEN(entries));
    tcase_add_test(tc, a_table_without_entries_for_that_mail_is_none);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
