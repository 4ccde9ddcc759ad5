/*
 * t/unit/test_totp.c - one-time passwords: the RFCs' examples, the window, each code once; base32.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/auth/totp.h"
#include "lib/base/encode.h"

#define KEY SLICE("12345678901234567890")

/* RFC 4226 appendix D. */
static const char *const hotp[] = {"755224", "287082", "359152", "969429", "338314",
                                   "254676", "287922", "162583", "399871", "520489"};

START_TEST(counters_give_the_codes_of_the_rfc)
{
    char code[TOTP_DIGITS + 1];

    totp_code(KEY, (uint64_t)_i, code);
    ck_assert_str_eq(code, hotp[_i]);
}
END_TEST

/* RFC 6238 appendix B, SHA1: the last six of its eight digits. */
static const struct {
    int64_t time_s;
    const char *code;
} times[] = {
    {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
    {1234567890, "005924"}, {2000000000, "279037"}, {INT64_C(20000000000), "353130"},
};

START_TEST(times_give_the_codes_of_the_rfc)
{
    uint64_t step = 0;

    ck_assert(totp_check(KEY, slice_of(times[_i].code), times[_i].time_s, 0, &step));
    ck_assert_uint_eq(step, (uint64_t)times[_i].time_s / 30);
}
END_TEST

START_TEST(a_code_is_good_a_step_early_and_late)
{
    uint64_t step;
    char code[TOTP_DIGITS + 1];

    totp_code(KEY, 1000, code);
    for (int64_t at = 990; at < 1010; at++)
        ck_assert_int_eq(totp_check(KEY, slice_of(code), at * 30 + 29, 0, &step),
                         at >= 999 && at <= 1001);
    ck_assert(totp_check(KEY, SLICE("287 082"), 31, 0, &step)); /* as some show it */
    ck_assert_uint_eq(step, 1);
    ck_assert(totp_check(KEY, SLICE("359152"), 31, 0, &step)); /* the window has no step below 0 */
}
END_TEST

START_TEST(a_code_is_taken_once)
{
    uint64_t step = 0;
    char before[TOTP_DIGITS + 1], now[TOTP_DIGITS + 1], next[TOTP_DIGITS + 1];

    totp_code(KEY, 999, before);
    totp_code(KEY, 1000, now);
    totp_code(KEY, 1001, next);
    ck_assert(totp_check(KEY, slice_of(now), 30000, 999, &step));
    ck_assert_uint_eq(step, 1000);
    ck_assert(!totp_check(KEY, slice_of(now), 30000, step, &step));
    ck_assert(!totp_check(KEY, slice_of(before), 30000, step, &step)); /* nor an older one */
    ck_assert(totp_check(KEY, slice_of(next), 30000, step, &step));
}
END_TEST

static const char *const wrong[] = {"",       "28708",  "2870821", "28708a",
                                    "000000", "-87082", "28708 \t"};

START_TEST(anything_else_is_wrong)
{
    uint64_t step = 7;

    ck_assert(!totp_check(KEY, slice_of(wrong[_i]), 59, 0, &step));
    ck_assert(!totp_check(SLICE("another key"), SLICE("287082"), 59, 0, &step));
    ck_assert_uint_eq(step, 7);
}
END_TEST

/* RFC 4648 section 10. */
static const char *const base32[][2] = {{"", ""},
                                        {"f", "MY"},
                                        {"fo", "MZXQ"},
                                        {"foo", "MZXW6"},
                                        {"foob", "MZXW6YQ"},
                                        {"fooba", "MZXW6YTB"},
                                        {"foobar", "MZXW6YTBOI"}};

START_TEST(base32_is_that_of_the_rfc)
{
    struct strbuf out = strbuf_new(16);

    ck_assert(base32_encode(slice_of(base32[_i][0]), &out));
    ck_assert_str_eq(strbuf_cstr(&out), base32[_i][1]);
    strbuf_free(&out);
}
END_TEST

START_TEST(the_uri_escapes_names)
{
    struct strbuf out = strbuf_new(TOTP_URI_MAX), small = strbuf_new(20);

    ck_assert(totp_uri(KEY, "mail.d.test", SLICE("a&b c"), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "otpauth://totp/mail.d.test:a%26b%20c?secret="
                                        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=mail.d.test");
    ck_assert(!totp_uri(KEY, "mail.d.test", SLICE("a"), &small));
    strbuf_free(&out);
    strbuf_free(&small);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("totp");
    TCase *tc = tcase_create("totp");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, counters_give_the_codes_of_the_rfc, 0, (int)ARRAY_LEN(hotp));
    tcase_add_loop_test(tc, times_give_the_codes_of_the_rfc, 0, (int)ARRAY_LEN(times));
    tcase_add_test(tc, a_code_is_good_a_step_early_and_late);
    tcase_add_test(tc, a_code_is_taken_once);
    tcase_add_loop_test(tc, anything_else_is_wrong, 0, (int)ARRAY_LEN(wrong));
    tcase_add_loop_test(tc, base32_is_that_of_the_rfc, 0, (int)ARRAY_LEN(base32));
    tcase_add_test(tc, the_uri_escapes_names);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
