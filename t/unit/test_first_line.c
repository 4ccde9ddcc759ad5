/*
 * t/unit/test_first_line.c - smtpd/first_line.
 */
// LINK: smtpd/first_line.c
#include <check.h>
#include <stdlib.h>

#include "smtpd/first_line.h"

static const struct {
    const char *seen;
    bool rejects_pipelining;
    enum pool_first first;
} lines[] = {
    {"", true, POOL_FIRST_PART},
    {"EHLO x", true, POOL_FIRST_PART},
    {"EHLO x\r", true, POOL_FIRST_PART},
    {"EHLO x\r\n", true, POOL_FIRST_GOOD},
    {"EHLO x\n", true, POOL_FIRST_GOOD}, /* the session says what is wrong with it */
    {"EHLO x\r\nMAIL", true, POOL_FIRST_PIPELINED},
    {"EHLO x\r\nMAIL", false, POOL_FIRST_GOOD},
    {"\xff\r\n", true, POOL_FIRST_GOOD},
    {"GET / HTTP/1.1\r\n", false, POOL_FIRST_ALIEN},
    {"POST /x HTTP/1.0\nHost: x\r\n", true, POOL_FIRST_ALIEN},
    {"CONNECT mail.d.test:25 HTTP/1.1\r\n\r\n", false, POOL_FIRST_ALIEN},
    {"OPTIONS * HTTP/1.1\r\n", false, POOL_FIRST_ALIEN},
    {"GET away\r\n", false, POOL_FIRST_GOOD},
    {"GET / HTTP/1.1", false, POOL_FIRST_PART},
};

START_TEST(a_first_line_is_judged)
{
    ck_assert_int_eq(first_line_judge(slice_of(lines[_i].seen), lines[_i].rejects_pipelining),
                     lines[_i].first);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("first_line");
    TCase *tc = tcase_create("first_line");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_first_line_is_judged, 0, (int)ARRAY_LEN(lines));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
