/*
 * t/unit/test_firewall.c - blockd/firewall against the kernel, in a network name space of its own:
 * what it takes and what it refuses. Whether packets are dropped t/e2e/test_firewall.py sees.
 */
// LINK: blockd/firewall.c
// LINK: blockd/batch.c
// LINK: blockd/rule.c
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "blockd/firewall.h"
#include "lib/base/mem.h"

enum { NOW = 1000 };

static struct firewall *firewall;
static struct blocked_set *set;

static struct blocked_item
item(const char *address, int64_t logins_until_ms, int64_t admins_until_ms)
{
    struct cidr net;

    ck_assert_int_eq(cidr_parse(slice_of(address), &net), 0);
    return (struct blocked_item){net.net, logins_until_ms, admins_until_ms};
}

/* Each test is a process of its own. */
static void
begin(void)
{
    static struct ports ports = {
        .logins = {143, 110}, .login_count = 2, .admins = {6000}, .admin_count = 1};
    struct blocked_item items[] = {item("192.0.2.1", INT64_MAX, 0), item("2001:db8::", 5000, 9000),
                                   item("127.0.0.1", INT64_MAX, INT64_MAX)};
    const struct blocked_part part = {true, true, items, ARRAY_LEN(items)};

    firewall = firewall_open(&ports);
    set = blocked_set_new();
    ck_assert_int_eq(blocked_set_take(set, &part, NOW), BLOCKED_ANEW);
}

static void
end(void)
{
    firewall_close(&firewall);
    blocked_set_free(&set);
    ck_assert_ptr_null(firewall);
}

static bool
changes(struct blocked_item one)
{
    const struct blocked_part part = {.items = &one, .count = 1};

    return firewall_change(firewall, &part, NOW) == 0;
}

START_TEST(a_table_is_made_filled_changed_and_removed)
{
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(firewall_build(firewall, set, NOW), 0);
        ck_assert_int_eq(firewall_build(firewall, set, NOW), 0); /* over the one that is there */
        ck_assert_int_eq(firewall_refill(firewall, set, NOW), 0);
        ck_assert(changes(item("192.0.2.1", 2000, 0))); /* another end */
        ck_assert(changes(item("192.0.2.1", 0, 0)));    /* lifted, */
        ck_assert(changes(item("192.0.2.1", 0, 0)));    /* and what is not there as well */
        ck_assert(changes(item("2001:db8:0:7::", 2000, 2000)));
        ck_assert(changes(item("127.0.0.1", 2000, 0))); /* nothing */
        ck_assert_int_eq(firewall_remove(firewall), 0);
        ck_assert_int_eq(firewall_remove(firewall), 0); /* there is none */
    }
}
END_TEST

START_TEST(without_the_table_that_is_told)
{
    ck_assert_int_eq(firewall_refill(firewall, set, NOW), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(!changes(item("192.0.2.9", 2000, 0)));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(without_the_right_that_is_told)
{
    ck_assert_int_eq(setresuid(64299, 64299, 64299), 0);
    ck_assert_int_eq(firewall_build(firewall, set, NOW), -1);
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(firewall_remove(firewall), -1);
    ck_assert_int_eq(errno, EPERM);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("firewall");
    TCase *tc = tcase_create("firewall");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    if (geteuid() == 0 && unshare(CLONE_NEWNET) == 0) { /* else the host's own would be changed */
        tcase_add_test(tc, a_table_is_made_filled_changed_and_removed);
        tcase_add_test(tc, without_the_table_that_is_told);
        tcase_add_test(tc, without_the_right_that_is_told);
    }
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
