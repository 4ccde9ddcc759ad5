/*
 * t/unit/test_list_file.c - lib/conf/list_file and lib/conf/lists.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/lists.h"

static const char *
expected_word(struct slice entry)
{
    return slice_starts(entry, SLICE("w")) ? NULL : "a word with w";
}

static const struct list_kind words = {expected_word};

static const struct {
    const char *text, *entries; /* as "line:entry" with | between them; NULL: refused */
    const char *errors;
} files[] = {
    {"", "", ""},
    {"w1\nw2", "1:w1|2:w2", ""},
    {"w1\r\n\r\n  w2\t\n", "1:w1|3:w2", ""},
    {"# all\nw#1\nw2 # two\n\t#w3\n", "2:w#1|3:w2", ""},
    {"w a b\n", "1:w a b", ""},
    {"w1\nbad\n", NULL, "f:2: expected a word with w, not 'bad'\n"},
    {"w\001\n", NULL, "f:1: expected a line of UTF-8 text, not ''\n"},
    {"w\xff\n", NULL, "f:1: expected a line of UTF-8 text, not ''\n"},
    {"x\ny", NULL, "f:1: expected a word with w, not 'x'\nf:2: expected a word with w, not 'y'\n"},
};

START_TEST(a_file_is_read_line_by_line)
{
    struct strbuf errors = strbuf_new(4096), entries = strbuf_new(4096);
    struct list_file *list = list_file_parse(slice_of(files[_i].text), "f", &words, &errors);

    ck_assert_str_eq(strbuf_cstr(&errors), files[_i].errors);
    ck_assert((list == NULL) == (files[_i].entries == NULL));
    for (size_t i = 0; list != NULL && i < list->count; i++)
        (void)strbuf_printf(&entries, "%s%u:%.*s", i > 0 ? "|" : "", list->entries[i].line,
                            (int)list->entries[i].text.len, list->entries[i].text.ptr);
    if (list != NULL)
        ck_assert_str_eq(strbuf_cstr(&entries), files[_i].entries);
    list_file_free(&list);
    strbuf_free(&errors);
    strbuf_free(&entries);
}
END_TEST

START_TEST(what_is_too_much_is_refused)
{
    struct strbuf text = strbuf_new(1 << 20), errors = strbuf_new(1 << 16);
    struct list_file *list;

    for (int i = 0; i < LIST_ENTRIES_MAX; i++)
        ck_assert(strbuf_str(&text, "w\n"));
    list = list_file_parse(strbuf_slice(&text), "f", &words, &errors);
    ck_assert_ptr_nonnull(list);
    ck_assert_uint_eq(list->count, LIST_ENTRIES_MAX);
    list_file_free(&list);
    for (int i = 0; i < 50; i++)
        ck_assert(strbuf_str(&text, "w\n"));
    ck_assert_ptr_null(list_file_parse(strbuf_slice(&text), "f", &words, &errors));
    ck_assert(slice_ends(strbuf_slice(&errors), SLICE("f: and 30 more errors\n")));
    strbuf_clear(&text);
    strbuf_clear(&errors);
    for (int i = 0; i <= LIST_ENTRY_MAX; i++)
        ck_assert(strbuf_char(&text, 'w'));
    ck_assert_ptr_null(list_file_parse(strbuf_slice(&text), "f", &words, &errors));
    strbuf_free(&text);
    strbuf_free(&errors);
}
END_TEST

START_TEST(settings_that_name_lists_are_strings_and_empty_by_default)
{
    for (size_t i = 0; i < list_settings_count; i++) {
        ck_assert_int_eq(conf_settings[list_settings[i].id].type, CONF_STRING);
        ck_assert_str_eq(conf_settings[list_settings[i].id].dflt, "");
    }
    ck_assert_ptr_null(lists_find(SMTP_POSTMASTER));
    ck_assert_ptr_nonnull(lists_find(SMTP_OPEN_RELAY_DOMAINS));
}
END_TEST

static const struct {
    enum conf_id id;
    const char *entry;
    bool right;
} entries[] = {
    {SMTP_OPEN_RELAY_DOMAINS, "example.org", true},
    {SMTP_OPEN_RELAY_DOMAINS,
     "b\xc3\xbc"
     "cher.example",
     true},
    {SMTP_OPEN_RELAY_DOMAINS, "a b", false},
    {SMTP_OPEN_RELAY_DOMAINS, "a@b.example", false},
    {SMTP_OPEN_RELAY_DOMAINS, "[192.0.2.1]", false},
};

START_TEST(each_list_knows_its_entries)
{
    const struct list_setting *setting = lists_find(entries[_i].id);

    ck_assert_ptr_nonnull(setting);
    ck_assert_int_eq(setting->kind.expected(slice_of(entries[_i].entry)) == NULL,
                     entries[_i].right);
}
END_TEST

START_TEST(names_are_relative_to_the_configuration)
{
    struct instance inst = {.etc = (char *)(uintptr_t) "/nowhere/etc"};
    struct strbuf errors = strbuf_new(4096);
    struct conf *conf = conf_parse(SLICE(""), "c", &errors);
    struct list_file *list = lists_load(conf, &inst, SMTP_OPEN_RELAY_DOMAINS, &errors);
    char *path;

    ck_assert_ptr_nonnull(list); /* unset: empty */
    ck_assert_uint_eq(list->count, 0);
    list_file_free(&list);
    conf_free(&conf);
    conf = conf_parse(SLICE("[smtp]\nopen_relay_domains = lists/o.txt\n"), "c", &errors);
    path = lists_path(conf, &inst, SMTP_OPEN_RELAY_DOMAINS);
    ck_assert_str_eq(path, "/nowhere/etc/lists/o.txt");
    free(path);
    ck_assert_ptr_null(lists_load(conf, &inst, SMTP_OPEN_RELAY_DOMAINS, &errors));
    ck_assert_str_eq(strbuf_cstr(&errors), "/nowhere/etc/lists/o.txt: No such file or directory\n");
    conf_free(&conf);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("list_file");
    TCase *tc = tcase_create("list_file");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_file_is_read_line_by_line, 0, (int)ARRAY_LEN(files));
    tcase_add_test(tc, what_is_too_much_is_refused);
    tcase_add_test(tc, settings_that_name_lists_are_strings_and_empty_by_default);
    tcase_add_loop_test(tc, each_list_knows_its_entries, 0, (int)ARRAY_LEN(entries));
    tcase_add_test(tc, names_are_relative_to_the_configuration);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
