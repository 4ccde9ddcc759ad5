/*
 * t/unit/test_account_admin.c - lib/account: administrators.
 */
#include "t/unit/account_base.h"

#include "lib/account/manages.h"
#include "lib/account/query.h"

START_TEST(the_last_super_administrator_stays)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "admin", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "Admin", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "dom", "type", "domain"), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_ADMIN, "admin"), 1);
    ck_assert_uint_eq(test_rename(ACCOUNT_ADMIN, "admin", "root"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "second", NULL, NULL), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_ADMIN, "root"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "second", "type", "domain"), 1);
    test_close();
}
END_TEST

START_TEST(a_range_is_of_our_domains_and_follows_them)
{
    struct query_row row = query_row_new();

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "dom", "domains", "no.test"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "dom", "domains", "D.Test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "n.test"), 0);
    ck_assert_int_eq(query_show(&test_base, ACCOUNT_ADMIN, SLICE("dom"), &row, &test_result), 0);
    ck_assert(slice_eq(record_get(&row.record, ADMIN_DOMAINS), SLICE("n.test")));
    query_row_free(&row);
    test_close();
}
END_TEST

/* By name of the administrator who may; "" nobody. */
static const char *
manager(const char *mailbox, const char *domain)
{
    static char name[100];
    struct strbuf admin = strbuf_new(sizeof(name) - 1);

    ck_assert_int_eq(account_manages(&test_base, slice_of(mailbox), slice_of(domain), &admin),
                     admin.len > 0);
    (void)snprintf(name, sizeof(name), "%s", strbuf_cstr(&admin));
    strbuf_free(&admin);
    return name;
}

START_TEST(an_administrators_mailbox_is_one_person)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "root", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "dom", "domains", "e.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "dom", "type", "domain"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "dom", "mailbox", "nobody@d.test"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "dom", "mailbox", "ALICE@D.Test"), 0);
    ck_assert_str_eq(manager("", "e.test"), ""); /* root has none */
    ck_assert_str_eq(manager("alice@d.test", "e.test"), "dom");
    ck_assert_str_eq(manager("alice@d.test", "d.test"), "");
    ck_assert_str_eq(manager("bob@d.test", "e.test"), "");
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "root", "mailbox", "bob@d.test"), 0);
    ck_assert_str_eq(manager("bob@d.test", "d.test"), "root");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "anna@e.test"), 0);
    ck_assert_str_eq(manager("alice@d.test", "e.test"), "");
    ck_assert_str_eq(manager("anna@e.test", "e.test"), "dom");
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "e.test", "n.test"), 0);
    ck_assert_str_eq(manager("anna@n.test", "n.test"), "dom");
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "anna@n.test"), 0);
    ck_assert_str_eq(manager("anna@n.test", "n.test"), "");
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account_admin");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, the_last_super_administrator_stays);
    tcase_add_test(tc, a_range_is_of_our_domains_and_follows_them);
    tcase_add_test(tc, an_administrators_mailbox_is_one_person);
    return test_run(suite_create("account_admin"), tc);
}
