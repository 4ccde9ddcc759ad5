/*
 * t/unit/test_account_group.c - lib/account/edit_member: who may be in which group.
 */
#include "lib/account/group.h"
#include "lib/base/mem.h"
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

static unsigned member_rows;

static void
count_member_row(void *arg, enum account_table table, struct slice key)
{
    (void)arg, (void)key;
    member_rows += table == ACCOUNT_TABLE_MEMBERS;
}

static void
nothing_at_the_end(void *arg, bool committed)
{
    (void)arg, (void)committed;
}

/* Sets the members of team@d.test: how many rows changed; -1: refused. */
static int
rows_changed(const char *members)
{
    const struct account_db_observer observer = {count_member_row, nothing_at_the_end, NULL};
    uint32_t code;

    member_rows = 0;
    account_db_observe(test_base.db, &observer);
    test_begin();
    code = test_end(account_members_set(&test_edit, SLICE("team@d.test"), slice_of(members)));
    account_db_observe(test_base.db, NULL);
    return code == 0 ? (int)member_rows : -1;
}

START_TEST(members_that_stay_are_not_touched)
{
    test_populate();
    ck_assert_int_eq(rows_changed("alice@d.test"), -1); /* no such group */
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_int_eq(rows_changed("alice@d.test bob@d.test X@Far.Test"), 3);
    ck_assert_int_eq(rows_changed("X@far.test Bob@D.test alice@d.test"), 0);
    ck_assert_int_eq(rows_changed("bob@d.test carol@d.test carol@d.test X@far.test"), 2);
    ck_assert_int_eq(rows_changed("bob@d.test nobody@d.test"), -1);
    ck_assert_uint_eq(test_member("team@d.test", "carol@d.test"), 3); /* one already */
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0); /* she had left */
    ck_assert_int_eq(rows_changed(""), 4);
    test_close();
}
END_TEST

/* ---- who may send to it, and with its address ---- */

static struct slice
list_of(enum account_kind kind, const char *name, enum account_property id)
{
    static struct account_hit hit;
    static bool made;

    if (!made)
        hit = account_hit_new();
    made = true;
    ck_assert_int_eq(account_find_exact(&test_base, slice_of(name), &hit), ACCOUNT_FOUND);
    ck_assert_int_eq(hit.entry.kind, kind);
    return record_get(&hit.entry, id);
}

static int
is_member(const char *group, const char *address)
{
    return group_has_member(&test_base, slice_of(group), slice_of(address));
}

START_TEST(members_are_found_through_aliases_and_groups)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "all@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "some@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "bobby@d.test", "mailbox", "bob@d.test"), 0);
    ck_assert_uint_eq(test_member("all@d.test", "some@d.test"), 0);
    ck_assert_uint_eq(test_member("some@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_member("some@d.test", "bobby@d.test"), 0);
    ck_assert_uint_eq(test_member("some@d.test", "X@far.test"), 0);
    ck_assert_int_eq(is_member("all@d.test", "alice@d.test"), 1);
    ck_assert_int_eq(is_member("some@d.test", "bob@d.test"), 1);
    ck_assert_int_eq(is_member("all@d.test", "bob@d.test"), 1);
    ck_assert_int_eq(is_member("all@d.test", "X@far.test"), 1);
    ck_assert_int_eq(is_member("all@d.test", "y@far.test"), 0);
    ck_assert_int_eq(is_member("all@d.test", "carol@d.test"), 0);
    ck_assert_int_eq(is_member("some@d.test", "all@d.test"), 0);
    ck_assert_int_eq(is_member("all@d.test", "all@d.test"), 0);
    test_close();
}
END_TEST

static const struct {
    const char *send, *sender;
    int takes;
} senders[] = {
    {"anyone", "", 1},
    {"anyone", "z@far.test", 1},
    {"members", "alice@d.test", 1},
    {"members", "bob@d.test", 0},
    {"members", "", 0},
    {"domain", "bob@d.test", 1},
    {"domain", "bob@far.test", 0},
    {"domain", "bob@xd.test", 0},
    {"domain", "", 0},
    {"senders", "bob@d.test", 1},
    {"senders", "alice@d.test", 0},
    {"senders", "friend@far.test", 1},
    {"senders", "other@far.test", 0},
    {"senders", "who@near.test", 1},
    {"senders", "", 0},
};

START_TEST(a_group_takes_from_whom_it_says)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "g@d.test", "send", senders[_i].send), 0);
    ck_assert_uint_eq(
        test_set(ACCOUNT_GROUP, "g@d.test", "senders", "BOB@d.test; friend@Far.Test; @near.test"),
        0);
    ck_assert_uint_eq(test_member("g@d.test", "alice@d.test"), 0);
    ck_assert_int_eq(account_find(&test_base, SLICE("g@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_int_eq(group_takes_from(&test_base, &hit, slice_of(senders[_i].sender)),
                     senders[_i].takes);
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(lists_follow_whom_they_name)
{
    test_populate();
    ck_assert_uint_eq(
        test_add(ACCOUNT_GROUP, "g@d.test", "representatives", "ALICE@d.test;bob@d.test"), 0);
    ck_assert(slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_REPRESENTATIVES),
                       SLICE("alice@d.test bob@d.test")));
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "representatives", "x@far.test"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "senders", "no address"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "carol@d.test", "representatives", "bob@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "viewers", "BOB@D.test;@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "managers", "Carol@d.test;bob@d.test"),
                      0);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "managers", "nobody@d.test"), 3);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "rob@d.test"), 0);
    ck_assert(
        slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_VIEWERS), SLICE("rob@d.test @d.test")));
    ck_assert(slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_MANAGERS),
                       SLICE("carol@d.test rob@d.test")));
    ck_assert(slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_REPRESENTATIVES),
                       SLICE("alice@d.test rob@d.test")));
    ck_assert(
        slice_eq(list_of(ACCOUNT_USER, "carol@d.test", USER_REPRESENTATIVES), SLICE("rob@d.test")));
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "rob@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "rob@d.test", NULL, NULL), 0); /* another person */
    ck_assert(
        slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_REPRESENTATIVES), SLICE("alice@d.test")));
    ck_assert(slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_VIEWERS), SLICE("@d.test")));
    ck_assert(slice_eq(list_of(ACCOUNT_GROUP, "g@d.test", GROUP_MANAGERS), SLICE("carol@d.test")));
    ck_assert_uint_eq(list_of(ACCOUNT_USER, "carol@d.test", USER_REPRESENTATIVES).len, 0);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "g@d.test", "representatives", ""), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_GROUP, "g@d.test"), 0);
    test_close();
}
END_TEST

START_TEST(exceptions_are_domains_in_one_spelling)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "send_exceptions", "Far.TEST; far.test"),
                      0);
    ck_assert(
        slice_eq(list_of(ACCOUNT_USER, "bob@d.test", USER_SEND_EXCEPTIONS), SLICE("far.test")));
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "receive_exceptions", "not..one"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_remote_recipients_per_day", "77"),
                      0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_may_send_system", "no"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "new@d.test", NULL, NULL), 0);
    ck_assert(slice_eq(list_of(ACCOUNT_USER, "new@d.test", USER_DAY_REMOTE_RCPTS), SLICE("77")));
    ck_assert(slice_eq(list_of(ACCOUNT_USER, "new@d.test", USER_SEND_SYSTEM), SLICE("no")));
    ck_assert(slice_eq(list_of(ACCOUNT_USER, "bob@d.test", USER_DAY_REMOTE_RCPTS), SLICE("0")));
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
    tcase_add_test(tc, members_that_stay_are_not_touched);
    tcase_add_test(tc, members_are_found_through_aliases_and_groups);
    tcase_add_loop_test(tc, a_group_takes_from_whom_it_says, 0, (int)ARRAY_LEN(senders));
    tcase_add_test(tc, lists_follow_whom_they_name);
    tcase_add_test(tc, exceptions_are_domains_in_one_spelling);
    return test_run(suite_create("account_group"), tc);
}
