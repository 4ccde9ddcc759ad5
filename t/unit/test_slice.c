/*
 * t/unit/test_slice.c - lib/base/slice.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/slice.h"

START_TEST(split_gives_each_part_once)
{
    struct slice s = SLICE("a,,b");

    ck_assert(slice_eq(slice_split(&s, ','), SLICE("a")));
    ck_assert(slice_eq(slice_split(&s, ','), SLICE("")));
    ck_assert(slice_eq(slice_split(&s, ','), SLICE("b")));
    ck_assert_uint_eq(s.len, 0);
}
END_TEST

START_TEST(cut_after_takes_the_delimiter_along)
{
    struct slice s = SLICE("one\ntwo");

    ck_assert(slice_eq(slice_cut_after(&s, '\n'), SLICE("one\n")));
    ck_assert(slice_eq(slice_cut_after(&s, '\n'), SLICE("two")));
    ck_assert_uint_eq(s.len, 0);
}
END_TEST

START_TEST(case_is_folded_for_ascii_alone)
{
    ck_assert(slice_eq_nocase(SLICE("MaIl"), SLICE("mail")));
    ck_assert(!slice_eq_nocase(SLICE("\xc3\x84"), SLICE("\xc3\xa4")));
    ck_assert(slice_starts_nocase(SLICE("EHLO x"), SLICE("ehlo")));
    ck_assert(slice_ends(SLICE("abc"), SLICE("bc")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("slice");
    TCase *tc = tcase_create("slice");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, split_gives_each_part_once);
    tcase_add_test(tc, cut_after_takes_the_delimiter_along);
    tcase_add_test(tc, case_is_folded_for_ascii_alone);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
