/*
 * t/unit/test_account_expiry.c - lib/account/expiry: users whose last day has passed.
 */
#include "t/unit/account_base.h"

#include "lib/account/expiry.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static void
list_user(void *arg, struct slice user)
{
    (void)strbuf_append(arg, user);
    (void)strbuf_char(arg, ';');
}

static void
check(int64_t since_ms, int64_t now_ms, const char *expected)
{
    struct strbuf out = strbuf_new(1000);

    ck_assert_int_eq(expiry_each(&test_base, since_ms, now_ms, list_user, &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    strbuf_free(&out);
}

START_TEST(who_ended_between_two_moments)
{
    const int64_t midnight_ms = (TEST_NOW_MS / DAY_MS + 1) * DAY_MS; /* ends 2027-01-15 */

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "expires", "2027-01-15"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "expires", "2027-01-17"), 0);
    check(TEST_NOW_MS, midnight_ms - 1, "");
    check(midnight_ms - 1, midnight_ms, "alice@d.test;");
    check(TEST_NOW_MS, midnight_ms + DAY_MS, "alice@d.test;");
    check(midnight_ms, midnight_ms + 2 * DAY_MS - 1, "");
    check(TEST_NOW_MS, midnight_ms + 2 * DAY_MS, "alice@d.test;bob@d.test;");
    check(midnight_ms, TEST_NOW_MS, ""); /* the clock was set back */
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "status", "disabled"), 0);
    check(midnight_ms - 1, midnight_ms, ""); /* that was told of when it was done */
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("expiry");

    tcase_add_test(tc, who_ended_between_two_moments);
    return test_run(suite_create("account_expiry"), tc);
}
