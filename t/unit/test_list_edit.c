/*
 * t/unit/test_list_edit.c - lib/conf/list_edit: entries added and taken out, one and many.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/conf/list_edit.h"
#include "lib/conf/list_file.h"

enum { MANY = 100000, LONG_MS = 20000 /* one pass takes some hundredths of a second */ };

static struct strbuf
text_of(const char *text)
{
    struct strbuf out = strbuf_new(LIST_FILE_MAX);

    (void)strbuf_str(&out, text);
    return out;
}

static const struct {
    const char *text, *entries, *after;
    size_t added;
} additions[] = {
    {"", "a\n", "a\n", 1},
    {"a", "b\nc", "a\nb\nc\n", 2},
    {"# mine\nA # the first\n", "a\nb # new\n\n# none\nB\n", "# mine\nA # the first\nb\n", 1},
    {"a\n", "a\nA\n", "a\n", 0},
};

START_TEST(what_is_there_already_stays)
{
    struct strbuf text = text_of(additions[_i].text);

    ck_assert_uint_eq(list_edit_add_all(&text, slice_of(additions[_i].entries)),
                      additions[_i].added);
    ck_assert_str_eq(strbuf_cstr(&text), additions[_i].after);
    strbuf_free(&text);
}
END_TEST

static const struct {
    const char *text, *entries, *after, *missing; /* missing NULL: it is done */
} removals[] = {
    {"a\nb\n", "a\n", "b\n", NULL},
    {"# mine\na # the first\nb\nA\nc", "c\na\na", "# mine\nb\n", NULL},
    {"a\nb\n", "a\nx\ny\n", "a\nb\n", "x"},
    {"a\n", "\n# a\n", "a\n", NULL},
};

START_TEST(all_are_taken_out_or_none)
{
    struct strbuf text = text_of(removals[_i].text);
    struct slice missing;
    int rc = list_edit_remove_all(&text, slice_of(removals[_i].entries), &missing);

    ck_assert_int_eq(rc, removals[_i].missing == NULL ? 0 : -1);
    ck_assert(slice_eq(missing, slice_of(removals[_i].missing)));
    ck_assert_str_eq(strbuf_cstr(&text), removals[_i].after);
    strbuf_free(&text);
}
END_TEST

START_TEST(many_take_one_pass)
{
    struct strbuf text = text_of("own\n"), entries = strbuf_new(LIST_FILE_MAX);
    int64_t began_ms = clock_mono_ms();
    struct slice missing;

    for (int i = 0; i < MANY; i++)
        (void)strbuf_printf(&entries, "host%d.example.org\n", i);
    ck_assert_uint_eq(list_edit_add_all(&text, strbuf_slice(&entries)), MANY);
    ck_assert_uint_eq(list_edit_add_all(&text, strbuf_slice(&entries)), 0);
    ck_assert_int_eq(list_edit_remove_all(&text, strbuf_slice(&entries), &missing), 0);
    ck_assert_str_eq(strbuf_cstr(&text), "own\n");
    ck_assert_int_lt(clock_mono_ms() - began_ms, LONG_MS);
    strbuf_free(&text);
    strbuf_free(&entries);
}
END_TEST

START_TEST(one_at_a_time)
{
    struct strbuf text = text_of("a\nb # two");

    ck_assert(list_edit_add(&text, SLICE("c")));
    ck_assert(!list_edit_add(&text, SLICE("B")));
    ck_assert(list_edit_remove(&text, SLICE("A")));
    ck_assert(!list_edit_remove(&text, SLICE("a")));
    ck_assert_str_eq(strbuf_cstr(&text), "b # two\nc\n");
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("list_edit");
    TCase *tc = tcase_create("list_edit");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, what_is_there_already_stays, 0, (int)ARRAY_LEN(additions));
    tcase_add_loop_test(tc, all_are_taken_out_or_none, 0, (int)ARRAY_LEN(removals));
    tcase_add_test(tc, many_take_one_pass);
    tcase_add_test(tc, one_at_a_time);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
