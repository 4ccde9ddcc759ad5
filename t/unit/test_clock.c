/*
 * t/unit/test_clock.c - lib/base/clock: points in time as text.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/base/clock.h"

static const struct {
    int64_t real_ms;
    const char *text;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {951782399999, "2000-02-28T23:59:59.999Z"},
    {951782400000, "2000-02-29T00:00:00.000Z"},
    {1795644609007, "2026-11-25T22:10:09.007Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z"},
};

START_TEST(rfc3339_has_all_its_digits)
{
    struct strbuf text = strbuf_new(24);

    ck_assert(clock_rfc3339(times[_i].real_ms, &text));
    ck_assert_str_eq(strbuf_cstr(&text), times[_i].text);
    ck_assert(!clock_rfc3339(times[_i].real_ms, &text)); /* no room */
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("clock");
    TCase *tc = tcase_create("clock");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, rfc3339_has_all_its_digits, 0, (int)ARRAY_LEN(times));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
