/*
 * t/unit/test_account_totals.c - lib/account/totals: what a domain has given out.
 */
#include "lib/account/totals.h"

#include "t/unit/account_base.h"

static struct account_totals
totals(const char *domain)
{
    struct account_totals out;

    ck_assert_int_eq(account_totals_get(&test_base, slice_of(domain), &out), 0);
    return out;
}

static void
check_totals(const char *domain, uint64_t mailboxes, uint64_t mailbox, uint64_t netdisk)
{
    struct account_totals t = totals(domain);

    ck_assert_uint_eq(t.mailboxes, mailboxes);
    ck_assert_uint_eq(totals_number(t.mailbox_bytes), mailbox);
    ck_assert_uint_eq(totals_number(t.netdisk_bytes), netdisk);
}

/* Two domains; new mailboxes have 10 MiB and a netdisk of 1 MiB. */
static void
begin(void)
{
    test_open();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "d.test", "default_quota_bytes", "10M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_netdisk_bytes", "1M"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", "default_quota_bytes", "10M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "e.test", "default_netdisk", "no"), 0);
}

#define MIB ((uint64_t)1 << 20)

START_TEST(sums_follow_every_change)
{
    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@d.test", "quota_bytes", "20M"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "0"), 0); /* unlimited */
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "x@d.test", "mailbox", "a@d.test"), 0);
    check_totals("d.test", 3, 30 * MIB, 3 * MIB);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "15M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "netdisk", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "full_name", "A"), 0);
    check_totals("d.test", 3, 25 * MIB, 2 * MIB);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", NULL, NULL), 2); /* refused: nothing */
    check_totals("d.test", 3, 25 * MIB, 2 * MIB);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "a@d.test"), 0);
    check_totals("d.test", 2, 15 * MIB, 2 * MIB);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "b@d.test", "b2@d.test"), 0);
    check_totals("d.test", 2, 15 * MIB, 2 * MIB);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "b2@d.test", "b@e.test"), 0);
    check_totals("d.test", 1, 0, 1 * MIB);
    check_totals("e.test", 1, 15 * MIB, 1 * MIB);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "e.test", "f.test"), 0);
    check_totals("e.test", 0, 0, 0);
    check_totals("f.test", 1, 15 * MIB, 1 * MIB);
    ck_assert_int_eq(account_totals_recount(&test_base), 0); /* it has counted as we do */
    test_close();
}
END_TEST

START_TEST(what_is_beyond_is_refused)
{
    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_mailbox_bytes", "25M"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@d.test", "quota_bytes", "15M"),
                      0); /* to the byte */
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "3M"), 6);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&test_result.text), "max_mailbox_bytes of d.test"));
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "0"), 6);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&test_result.text), "unlimited"));
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "10485761"), 4);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "0"), 4);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "9223372036854775807"), 4);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "9M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "16M"), 0);
    check_totals("d.test", 2, 25 * MIB, 2 * MIB);

    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_netdisk_bytes", "2M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "netdisk_bytes", "2M"), 4);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "netdisk", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "netdisk_bytes", "2M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "netdisk", "yes"), 4); /* ADM-26: 4 */

    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "e.test", "max_mailboxes", "1"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@e.test", NULL, NULL), 5);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "a@d.test", "b@e.test"),
                      5); /* not by the back door */
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "a@e.test", "x@d.test"), 6);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "a@e.test", "b@e.test"), 0);
    ck_assert_int_eq(account_totals_recount(&test_base), 0);
    test_close();
}
END_TEST

START_TEST(a_lowered_limit_leaves_what_exists)
{
    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@d.test", "quota_bytes", "0"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_mailbox_bytes", "5M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_mailboxes", "1"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_netdisk_bytes", "1"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "min_quota_bytes", "20M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "full_name", "A"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "full_name", "B"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "30M"),
                      0); /* less than it was */
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "25M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "26M"), 4);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "a@d.test", "c@d.test"), 0);
    test_close();
}
END_TEST

START_TEST(a_mailbox_has_at_least_the_minimum)
{
    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", "quota_bytes", "3145727"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", "quota_bytes", "3145728"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "1"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "min_quota_bytes", "1"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "a@d.test", "quota_bytes", "1"), 0);
    test_close();
}
END_TEST

START_TEST(no_sum_is_small_because_it_is_huge)
{
    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", "quota_bytes", "9223372036854775807"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@d.test", "quota_bytes", "9223372036854775807"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", "quota_bytes", "9223372036854775807"), 0);
    check_totals("d.test", 3, UINT64_MAX, 3 * MIB);
    ck_assert_uint_eq(
        test_set(ACCOUNT_DOMAIN, "d.test", "max_mailbox_bytes", "9223372036854775807"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "3M"), 6);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "x@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "3M"), 6); /* 2^64 and a bit
                                                                                     together */
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "a@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "b@d.test", "quota_bytes", "4M"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "c@d.test", "quota_bytes", "3M"), 0);
    check_totals("d.test", 2, 7 * MIB, 2 * MIB);
    test_close();
}
END_TEST

START_TEST(a_recount_finds_what_was_not_counted)
{
    struct slice row;

    begin();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@d.test", NULL, NULL), 0);
    ck_assert_int_eq(account_db_get(test_base.db, ACCOUNT_TABLE_TOTALS, SLICE("d.test"), &row), 0);
    test_begin(); /* as if a domain were forgotten, one damaged, and one were no more */
    ck_assert_int_eq(account_db_put(test_base.db, ACCOUNT_TABLE_TOTALS, SLICE("gone.test"), row),
                     0);
    ck_assert_int_eq(
        account_db_put(test_base.db, ACCOUNT_TABLE_TOTALS, SLICE("d.test"), SLICE("nonsense")), 0);
    ck_assert_uint_eq(test_end(0), 0);
    ck_assert_int_eq(account_totals_recount(&test_base), 2);
    ck_assert_int_eq(account_totals_recount(&test_base), 0);
    check_totals("d.test", 1, 10 * MIB, 1 * MIB);
    check_totals("gone.test", 0, 0, 0);
    test_begin();
    ck_assert_int_eq(account_clear(&test_edit), 0);
    ck_assert_uint_eq(test_end(0), 0);
    check_totals("d.test", 0, 0, 0);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account_totals");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, sums_follow_every_change);
    tcase_add_test(tc, what_is_beyond_is_refused);
    tcase_add_test(tc, a_lowered_limit_leaves_what_exists);
    tcase_add_test(tc, a_mailbox_has_at_least_the_minimum);
    tcase_add_test(tc, no_sum_is_small_because_it_is_huge);
    tcase_add_test(tc, a_recount_finds_what_was_not_counted);
    return test_run(suite_create("account_totals"), tc);
}
