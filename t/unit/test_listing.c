/*
 * t/unit/test_listing.c - lib/account/listing: which objects are found, and their order.
 */
#include "lib/account/listing.h"

#include <check.h>
#include <stdlib.h>

#include "lib/base/mem.h"

static const struct object_field fields[] = {
    {{"address", 7}, {"Ann.Alder@d.test", 16}},
    {{"empty", 5}, {"", 0}},
    {{"quota_bytes", 11}, {"1073741824", 10}},
};

static const struct {
    const char *wanted;
    bool found;
} searches[] = {
    {"", true},       {"ann", true},         {"ANN.alder@D.TEST", true},   {"TEST", true},
    {"1824", true},   {"r@d", true},         {"Ann.Alder@d.test ", false}, {"annalder", false},
    {"quota", false}, {"d.test1073", false}, {"\xc3\xa4", false},
};

START_TEST(a_word_is_found_anywhere_in_a_value)
{
    ck_assert_int_eq(listing_has(fields, ARRAY_LEN(fields), slice_of(searches[_i].wanted)),
                     searches[_i].found);
}
END_TEST

START_TEST(nothing_is_found_in_nothing)
{
    ck_assert(listing_has(fields, 0, SLICE("")));
    ck_assert(!listing_has(fields, 0, SLICE("a")));
}
END_TEST

/* Each before the next. */
static const char *const texts[] = {"", "a", "AB", "abc", "B", "b1", "z", "\xc3\xa4"};
static const char *const numbers[] = {"", "0", "9", "10", "19", "100", "18446744073709551615"};

static void
check_order(const char *const *list, size_t count, int (*compare)(struct slice a, struct slice b))
{
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++) {
            int found = compare(slice_of(list[a]), slice_of(list[b]));

            ck_assert_msg((found > 0) - (found < 0) == (a > b) - (a < b), "'%s' and '%s': %d",
                          list[a], list[b], found);
        }
}

START_TEST(texts_are_in_the_order_of_their_letters_and_numbers_in_that_of_their_size)
{
    check_order(texts, ARRAY_LEN(texts), listing_compare_text);
    check_order(numbers, ARRAY_LEN(numbers), listing_compare_number);
    ck_assert_int_eq(listing_compare_text(SLICE("Ann"), SLICE("aNN")), 0);
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("listing");
    Suite *s = suite_create("listing");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_word_is_found_anywhere_in_a_value, 0, (int)ARRAY_LEN(searches));
    tcase_add_test(tc, nothing_is_found_in_nothing);
    tcase_add_test(tc, texts_are_in_the_order_of_their_letters_and_numbers_in_that_of_their_size);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
