/*
 * t/unit/test_account_contact.c - public contacts: books, published profiles, repair.
 */
#include "t/unit/account_base.h"

#include "lib/account/contact.h"
#include "lib/account/query.h"

/* The value of a property of a contact; NULL: there is no such contact. */
static const char *
value(const char *name, const char *property)
{
    static char out[1000];
    struct object_field fields[RECORD_PROPERTIES_MAX];
    struct query_row row = query_row_new();
    struct slice found;
    bool there = query_show(&test_base, ACCOUNT_CONTACT, slice_of(name), &row, &test_result) == 0;
    uint32_t count = there ? query_fields(&test_base, &row, fields) : 0;

    found = object_get(fields, count, property);
    (void)snprintf(out, sizeof(out), "%.*s", (int)found.len, found.ptr);
    query_row_free(&row);
    return there ? out : NULL;
}

static const char *
repair(const char *book)
{
    test_begin();
    ck_assert_uint_eq(test_end(contact_repair(&test_edit, slice_of(book))), 0);
    return strbuf_cstr(&test_result.text);
}

START_TEST(contacts_have_books)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "alias.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "Smith@D.test", "full_name", "John Smith"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "smith@alias.test", "full_name", "Other"), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "smith@OUTSIDE", "addresses", "s@far.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "smith@far.test", "full_name", "X"), 7);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "smith", "full_name", "X"), 7);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "a b@d.test", "full_name", "X"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "nothing@d.test", "company", "X"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "x@d.test", "of_user", "yes"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "outside", NULL, NULL), 1);
    ck_assert_str_eq(value("smith@d.test", "full_name"), "John Smith");
    ck_assert_str_eq(value("smith@outside", "addresses"), "s@far.test");
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "smith@d.test", "addresses", "b@x.test a@x.test"),
                      0);
    ck_assert_str_eq(value("smith@d.test", "addresses"), "b@x.test a@x.test");
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "none@d.test", "city", "X"), 2);
    ck_assert_uint_eq(test_rename(ACCOUNT_CONTACT, "smith@d.test", "jones@d.test"), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_CONTACT, "smith@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_CONTACT, "smith@d.test"), 2);
    test_close();
}
END_TEST

START_TEST(profiles_follow_the_switches)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "full_name", "Alice A"), 0);
    ck_assert_ptr_null(value("alice@d.test", "name"));
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "choice"), 0);
    ck_assert_ptr_null(value("alice@d.test", "name"));
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "publish", "yes"), 0);
    ck_assert_str_eq(value("alice@d.test", "full_name"), "Alice A");
    ck_assert_str_eq(value("alice@d.test", "addresses"), "alice@d.test");
    ck_assert_str_eq(value("alice@d.test", "of_user"), "yes");
    ck_assert_ptr_null(value("bob@d.test", "name"));
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "all"), 0);
    ck_assert_str_eq(value("bob@d.test", "full_name"), "");
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "dave@d.test", "full_name", "Dave"), 0);
    ck_assert_str_eq(value("dave@d.test", "full_name"), "Dave");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "dave@d.test", "full_name", "David"), 0);
    ck_assert_str_eq(value("dave@d.test", "full_name"), "David");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "dave@d.test", "status", "disabled"), 0);
    ck_assert_ptr_null(value("dave@d.test", "name"));
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "no"), 0);
    ck_assert_ptr_null(value("alice@d.test", "name"));
    test_close();
}
END_TEST

START_TEST(what_was_added_by_hand_stays)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "all"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "bob@d.test", "fax", "+1 23"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "bob@d.test", "addresses", "b@far.test bob@d.test"),
                      0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "full_name", "Bob"), 0);
    ck_assert_str_eq(value("bob@d.test", "fax"), "+1 23");
    ck_assert_str_eq(value("bob@d.test", "addresses"), "bob@d.test b@far.test");
    test_close();
}
END_TEST

START_TEST(mailbox_and_contact_end_apart)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "all"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_CONTACT, "bob@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "full_name", "Bob"), 0); /* is there */
    ck_assert_ptr_null(value("bob@d.test", "name"));
    ck_assert_str_eq(repair(""), "3 published, 0 removed, 0 damaged");
    ck_assert_str_eq(value("bob@d.test", "full_name"), "Bob");
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "bob@d.test"), 0);
    ck_assert_ptr_null(value("bob@d.test", "name"));
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "hand@d.test", "full_name", "Hand"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "out@outside", "full_name", "Out"), 0);
    test_begin();
    ck_assert_uint_eq(test_end(contact_clear(&test_edit, SLICE("d.test"))), 0);
    ck_assert_ptr_null(value("hand@d.test", "name"));
    ck_assert_ptr_nonnull(value("out@outside", "name"));
    ck_assert_str_eq(repair("d.test"), "2 published, 0 removed, 0 damaged");
    test_begin();
    ck_assert_uint_eq(test_end(contact_clear(&test_edit, SLICE(""))), 0);
    ck_assert_ptr_null(value("out@outside", "name"));
    test_close();
}
END_TEST

START_TEST(names_follow)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "quiet.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "all"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "bob@d.test", "city", "Ulm"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "rob@d.test"), 0);
    ck_assert_ptr_null(value("bob@d.test", "name"));
    ck_assert_str_eq(value("rob@d.test", "city"), "Ulm");
    ck_assert_str_eq(value("rob@d.test", "addresses"), "rob@d.test");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "alice@quiet.test"), 0);
    ck_assert_ptr_null(value("alice@d.test", "name"));
    ck_assert_ptr_null(value("alice@quiet.test", "name"));
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "e.test"), 0);
    ck_assert_str_eq(value("rob@e.test", "addresses"), "rob@e.test");
    ck_assert_uint_eq(test_add(ACCOUNT_CONTACT, "left@quiet.test", "full_name", "Left"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@quiet.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "quiet.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "quiet.test", NULL, NULL), 0);
    ck_assert_ptr_null(value("left@quiet.test", "name"));
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("contact");

    tcase_add_test(tc, contacts_have_books);
    tcase_add_test(tc, profiles_follow_the_switches);
    tcase_add_test(tc, what_was_added_by_hand_stays);
    tcase_add_test(tc, mailbox_and_contact_end_apart);
    tcase_add_test(tc, names_follow);
    return test_run(suite_create("account_contact"), tc);
}
