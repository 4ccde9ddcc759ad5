/*
 * t/unit/test_account_defaults.c - what new mailboxes have from their domain, how others get it,
 * and rights that settings need.
 */
#include "t/unit/account_base.h"

#include "lib/ipc/accountd.h"

/* By their names: default_X is X of new mailboxes, for each that the schema has. */
START_TEST(every_default_reaches_new_and_chosen_mailboxes)
{
    struct account_hit hit = account_hit_new(), old = account_hit_new();
    size_t first, count = account_properties_of(ACCOUNT_DOMAIN, &first), seen = 0;

    test_populate();
    for (size_t id = first; id < first + count; id++) {
        const struct property *p = &account_properties[id];

        if (strncmp(p->name, "default_", 8) == 0 && p->type == PROPERTY_BOOL)
            ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", p->name, "no"), 0);
    }
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_recipients_per_hour", "7"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "new@d.test", NULL, NULL), 0);
    test_begin();
    ck_assert_uint_eq(
        test_end(account_take_defaults(&test_edit, SLICE("alice@d.test"), SLICE("all"))), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("new@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &old), ACCOUNT_FOUND);
    for (size_t id = first; id < first + count; id++) {
        const struct property *p = &account_properties[id];
        const char *near;
        int user;

        if (strncmp(p->name, "default_", 8) != 0)
            continue;
        seen++;
        user = account_property_find(ACCOUNT_USER, slice_of(p->name + 8), &near);
        ck_assert_msg(user >= 0, "%s has no property of users", p->name);
        ck_assert_msg(slice_eq(record_get(&hit.domain, (enum account_property)id),
                               record_get(&hit.entry, (enum account_property)user)) &&
                          slice_eq(record_get(&hit.domain, (enum account_property)id),
                                   record_get(&old.entry, (enum account_property)user)),
                      "%s", p->name);
    }
    ck_assert_uint_gt(seen, 30);
    ck_assert_uint_eq(account_user_rights(&hit.entry) &
                          ~((uint32_t)ACCOUNTD_POP3_MARKS_SEEN | ACCOUNTD_POP3_DELAYED),
                      0);
    account_hit_free(&hit);
    account_hit_free(&old);
    test_close();
}
END_TEST

START_TEST(defaults_are_taken_by_name)
{
    static const struct {
        const char *user, *names;
        uint32_t code;
    } cases[] = {
        {"alice@d.test", "imap; quota_messages", 0},
        {"alice@d.test", "", 1},
        {"alice@d.test", "full_name", 1},
        {"alice@d.test", "mailbox_path", 1},
        {"alice@d.test", "imap shoes", 1},
        {"nobody@d.test", "all", 2},
        {"alice@far.test", "all", 3},
        {"alice@d.test", "quota_bytes", 4},
    };
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "quota_bytes", "3M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_imap", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_pop3", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_quota_messages", "9"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "max_mailbox_bytes", "10M"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_begin();
        ck_assert_uint_eq(test_end(account_take_defaults(&test_edit, slice_of(cases[i].user),
                                                         slice_of(cases[i].names))),
                          cases[i].code);
    }
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(!record_bool(&hit.entry, USER_IMAP) && record_bool(&hit.entry, USER_POP3));
    ck_assert_uint_eq(record_u64(&hit.entry, USER_QUOTA_MESSAGES), 9);
    account_hit_free(&hit);
    test_close();
}
END_TEST

/* Nobody gets more rights by a variable of a script that is empty. */
START_TEST(what_gives_the_most_by_default_is_never_empty)
{
    static const struct {
        enum account_kind kind;
        const char *key, *name, *value;
    } cases[] = {
        {ACCOUNT_USER, "alice@d.test", "status", "suspended"},
        {ACCOUNT_GROUP, "team@d.test", "send", "members"},
        {ACCOUNT_ADMIN, "helper", "type", "domain"},
    };

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "root", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "helper", "domains", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "another", "type", ""), 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_uint_eq(test_set(cases[i].kind, cases[i].key, cases[i].name, cases[i].value), 0);
        ck_assert_uint_eq(test_set(cases[i].kind, cases[i].key, cases[i].name, ""), 1);
        ck_assert_ptr_nonnull(strstr(strbuf_cstr(&test_result.text), "cannot be empty"));
    }
    test_close();
}
END_TEST

/* An empty value is the domain's default, or else the schema's; but where it is a value itself. */
START_TEST(an_empty_value_is_the_default)
{
    static const struct {
        const char *name, *value, *domain, *expected;
    } cases[] = {
        {"quota_messages", "7", "90", "90"},
        {"quota_bytes", "7M", NULL, "524288000"},
        {"may_forward", "yes", "no", "no"},
        {"may_forward", "no", "yes", "yes"},
        {"imap_access", "allow 10.0.0.1", "deny 10.0.0.2", "deny 10.0.0.2"},
        {"imap_access", "allow 10.0.0.1", "none", "none"},
        {"auth", "external", NULL, "internal"},
        {"record_sent", "no", NULL, "yes"},
        {"publish", "yes", NULL, "no"},
        {"expires", "2027-06-30", "2028-06-30", ""},
        {"send_exceptions", "a.test", "b.test", ""},
    };

    test_populate();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct account_hit hit = account_hit_new();
        char name[64];
        const char *near;
        int id = account_property_find(ACCOUNT_USER, slice_of(cases[i].name), &near);

        ck_assert_int_ge(id, 0);
        (void)snprintf(name, sizeof(name), "default_%s", cases[i].name);
        if (cases[i].domain != NULL)
            ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", name, cases[i].domain), 0);
        ck_assert_msg(test_set(ACCOUNT_USER, "alice@d.test", cases[i].name, cases[i].value) == 0 &&
                          test_set(ACCOUNT_USER, "alice@d.test", cases[i].name, "") == 0,
                      "%s: %s", cases[i].name, strbuf_cstr(&test_result.text));
        ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit),
                         ACCOUNT_FOUND);
        ck_assert_msg(slice_eq(record_get(&hit.entry, (enum account_property)id),
                               slice_of(cases[i].expected)),
                      "%s", cases[i].name);
        account_hit_free(&hit);
    }
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_quota_bytes", ""), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "sync_disabled", "yes"), 0);
    test_close();
}
END_TEST

START_TEST(what_needs_a_right_is_not_switched_on_without)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "auto_reply", "yes"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "may_auto_reply", "no"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(!account_user_replies(&hit.entry, TEST_NOW_MS)); /* what is set is not obeyed */
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "full_name", "A"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "auto_reply", "yes"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "auto_reply", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_may_auto_reply", "no"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", "auto_reply", "yes"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "may_auto_reply", "yes"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "auto_reply", "yes"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(account_user_replies(&hit.entry, TEST_NOW_MS));
    account_hit_free(&hit);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account_defaults");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, every_default_reaches_new_and_chosen_mailboxes);
    tcase_add_test(tc, defaults_are_taken_by_name);
    tcase_add_test(tc, an_empty_value_is_the_default);
    tcase_add_test(tc, what_gives_the_most_by_default_is_never_empty);
    tcase_add_test(tc, what_needs_a_right_is_not_switched_on_without);
    return test_run(suite_create("account_defaults"), tc);
}
