/*
 * t/unit/test_strbuf.c - lib/base/strbuf: formatted text and the ceiling.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"

/* Every length around the sizes at which the buffer grows, behind every length of what is there. */
START_TEST(printf_writes_all_of_it_or_nothing)
{
    static const char xs[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    size_t before = (size_t)_i;

    for (size_t more = 0; more < sizeof(xs); more++) {
        struct strbuf b = strbuf_new(130);
        bool fits = before + more <= 130;

        ck_assert(strbuf_append(&b, slice_make(xs, before)));
        ck_assert(strbuf_printf(&b, "%.*s", (int)more, xs) == fits);
        ck_assert(b.overflow == !fits);
        ck_assert_uint_eq(b.len, fits ? before + more : before);
        ck_assert_uint_eq(strlen(strbuf_cstr(&b)), b.len);
        strbuf_free(&b);
    }
}
END_TEST

START_TEST(printf_minds_a_ceiling_that_came_down)
{
    struct strbuf b = strbuf_new(1000);

    ck_assert(strbuf_str(&b, "a text that makes the buffer larger than the ceiling that follows"));
    strbuf_truncate(&b, 6);
    b.max = 10;
    ck_assert(strbuf_printf(&b, "%s", "1234"));
    ck_assert_str_eq(strbuf_cstr(&b), "a text1234");
    ck_assert(!strbuf_printf(&b, "%s", "5"));
    ck_assert(b.overflow);
    ck_assert_str_eq(strbuf_cstr(&b), "a text1234");
    strbuf_free(&b);
}
END_TEST

START_TEST(what_fits_its_bytes_goes_on)
{
    struct strbuf b = strbuf_new(1000);

    strbuf_fit(&b); /* nothing yet */
    ck_assert_ptr_nonnull(strbuf_room(&b, 900));
    ck_assert(strbuf_str(&b, "text"));
    strbuf_fit(&b);
    ck_assert_uint_eq(b.cap, 5);
    ck_assert_str_eq(strbuf_cstr(&b), "text");
    ck_assert(strbuf_str(&b, " and more"));
    ck_assert_str_eq(strbuf_cstr(&b), "text and more");
    strbuf_free(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("strbuf");
    TCase *tc = tcase_create("strbuf");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, printf_writes_all_of_it_or_nothing, 0, 131);
    tcase_add_test(tc, printf_minds_a_ceiling_that_came_down);
    tcase_add_test(tc, what_fits_its_bytes_goes_on);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
