/*
 * t/unit/test_expiring.c - lib/account/expiring: who is to be warned that a password ends.
 */
#include "lib/account/expiring.h"

#include "t/unit/account_base.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define END_MS (TEST_NOW_MS + 30 * DAY_MS) /* of the passwords that begin() sets */

static const struct expiring_stages stages = {{7, 3}, 2};

static void
passwd(const char *user)
{
    test_begin();
    ck_assert_uint_eq(test_end(account_password(&test_edit, ACCOUNT_USER, slice_of(user), SLICE(""),
                                                SLICE("{PLAIN}x"))),
                      0);
}

static void
begin(void)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_max_age", "30"), 0);
    passwd("alice@d.test");
    passwd("bob@d.test"); /* carol has none */
}

static void
list_user(void *arg, const struct expiring_user *user)
{
    ck_assert_int_eq(user->end_ms, END_MS);
    (void)strbuf_printf(arg, "%.*s %u;", (int)slice_index(user->address, '@'), user->address.ptr,
                        user->days);
}

/* Those for whom a stage has begun then, `max` at a time, a '|' between two calls. */
static void
check(int64_t since_ms, int64_t until_ms, size_t max, const char *expected)
{
    struct strbuf out = strbuf_new(1000), from = strbuf_new(ACCOUNT_KEY_MAX),
                  next = strbuf_new(ACCOUNT_KEY_MAX);

    do {
        strbuf_clear(&from);
        (void)strbuf_append(&from, strbuf_slice(&next));
        ck_assert_int_eq(expiring_some(&test_base, &stages, since_ms, until_ms, strbuf_slice(&from),
                                       max, list_user, &out, &next),
                         0);
        if (next.len > 0)
            (void)strbuf_char(&out, '|');
    } while (next.len > 0);
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    strbuf_free(&out);
    strbuf_free(&from);
    strbuf_free(&next);
}

START_TEST(each_stage_is_told_of_once)
{
    const int64_t seven_ms = END_MS - 7 * DAY_MS, three_ms = END_MS - 3 * DAY_MS;

    begin();
    check(TEST_NOW_MS, seven_ms - 1, 20, "");
    check(seven_ms - 1, seven_ms, 20, "alice 7;bob 7;");
    check(seven_ms, seven_ms + DAY_MS, 20, "");
    check(seven_ms, three_ms, 20, "alice 3;bob 3;");
    check(0, three_ms + 1, 20, "alice 3;bob 3;"); /* of two that have begun the later one */
    check(three_ms, END_MS - 1, 20, "");
    check(0, END_MS, 20, ""); /* too late */
    test_close();
}
END_TEST

START_TEST(pages_lose_nobody)
{
    begin();
    passwd("carol@d.test");
    check(0, END_MS - DAY_MS, 1, "alice 3;|bob 3;|carol 3;");
    check(0, END_MS - DAY_MS, 2, "alice 3;bob 3;|carol 3;");
    test_close();
}
END_TEST

START_TEST(only_those_are_warned_who_can_do_something)
{
    begin();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "status", "disabled"), 0);
    check(0, END_MS - DAY_MS, 20, "bob 3;");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "password_max_age", "0"), 0);
    check(0, END_MS - DAY_MS, 20, "");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "status", "normal"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password_change_due", "yes"), 0);
    check(0, END_MS - DAY_MS, 20, "");
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("expiring");

    tcase_add_test(tc, each_stage_is_told_of_once);
    tcase_add_test(tc, pages_lose_nobody);
    tcase_add_test(tc, only_those_are_warned_who_can_do_something);
    return test_run(suite_create("expiring"), tc);
}
