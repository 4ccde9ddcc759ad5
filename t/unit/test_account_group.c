/*
 * t/unit/test_account_group.c - lib/account/edit_member: who may be in which group.
 */
#include "t/unit/account_base.h"

START_TEST(groups_do_not_hold_themselves)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "a@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "b@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "c@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("a@d.test", "b@d.test"), 0);
    ck_assert_uint_eq(test_member("b@d.test", "c@d.test"), 0);
    ck_assert_uint_eq(test_member("a@d.test", "c@d.test"), 0); /* two ways, no loop */
    ck_assert_uint_eq(test_member("c@d.test", "a@d.test"), 3);
    ck_assert_uint_eq(test_member("a@d.test", "a@d.test"), 3);
    ck_assert_uint_eq(test_member("no@d.test", "alice@d.test"), 2);
    ck_assert_uint_eq(test_member("a@d.test", "nobody@d.test"), 1);
    ck_assert_uint_eq(test_member("a@d.test", "not an address"), 1);
    ck_assert_uint_eq(test_member("a@d.test", "X@Far.Test"), 0);
    ck_assert_uint_eq(test_member("a@d.test", "X@far.test"), 3);
    test_close();
}
END_TEST

START_TEST(groups_nest_to_a_limit)
{
    char name[32], inner[32];
    uint32_t result = 0;

    test_populate();
    for (int i = 0; i <= ACCOUNT_NESTING_MAX; i++) {
        (void)snprintf(name, sizeof(name), "g%d@d.test", i);
        ck_assert_uint_eq(test_add(ACCOUNT_GROUP, name, NULL, NULL), 0);
    }
    for (int i = 0; i < ACCOUNT_NESTING_MAX && result == 0; i++) {
        (void)snprintf(name, sizeof(name), "g%d@d.test", i);
        (void)snprintf(inner, sizeof(inner), "g%d@d.test", i + 1);
        result = test_member(name, inner);
        ck_assert_uint_eq(result, i + 1 < ACCOUNT_NESTING_MAX ? 0 : 3);
    }
    test_close();
}
END_TEST

/* Each group of a level in both of the next one: 2^24 ways from top to bottom. */
START_TEST(groups_with_many_ways_to_them_are_looked_at_once)
{
    char outer[32], inner[32];

    test_populate();
    for (int i = 0; i < 48; i++) {
        (void)snprintf(outer, sizeof(outer), "g%d@d.test", i);
        ck_assert_uint_eq(test_add(ACCOUNT_GROUP, outer, NULL, NULL), 0);
    }
    for (int i = 2; i < 48; i++) {
        for (int above = i / 2 * 2 - 2; above < i / 2 * 2; above++) {
            (void)snprintf(outer, sizeof(outer), "g%d@d.test", above);
            (void)snprintf(inner, sizeof(inner), "g%d@d.test", i);
            ck_assert_uint_eq(test_member(outer, inner), 0);
        }
    }
    ck_assert_uint_eq(test_member("g47@d.test", "g0@d.test"), 3);
    test_close();
}
END_TEST

/* A group's member outside, then its domain comes to us. */
START_TEST(a_member_outside_can_go_when_its_domain_is_ours)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "X@far.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "y@far.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "far.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@far.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member_del("team@d.test", "X@far.test"), 0);
    ck_assert_uint_eq(test_member_del("team@d.test", "y@far.test"), 0);
    ck_assert_uint_eq(test_member_del("team@d.test", "y@far.test"), 3);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("groups");

    tcase_add_test(tc, groups_do_not_hold_themselves);
    tcase_add_test(tc, groups_nest_to_a_limit);
    tcase_add_test(tc, groups_with_many_ways_to_them_are_looked_at_once);
    tcase_add_test(tc, a_member_outside_can_go_when_its_domain_is_ours);
    return test_run(suite_create("account_group"), tc);
}
