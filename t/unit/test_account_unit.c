/*
 * t/unit/test_account_unit.c - organisation units, the profiles of who is in them, and groups from
 * the member's side.
 */
#include "t/unit/account_base.h"

#include "lib/account/query.h"
#include "lib/account/transfer.h"
#include "lib/account/unit.h"

static uint32_t
add_unit(const char *name, const char *full_name, const char *parent)
{
    const struct object_field fields[] = {{SLICE("full_name"), slice_of(full_name)},
                                          {SLICE("parent"), slice_of(parent)}};

    test_begin();
    return test_end(
        account_add(&test_edit, ACCOUNT_UNIT, slice_of(name), fields, ARRAY_LEN(fields)));
}

/* d.test: Acme > Sales > North, and Other. */
static void
populate(void)
{
    test_populate();
    ck_assert_uint_eq(add_unit("acme@d.test", "Acme", ""), 0);
    ck_assert_uint_eq(add_unit("Sales@D.test", "Sales & Marketing", "ACME"), 0);
    ck_assert_uint_eq(add_unit("north@d.test", "North", "sales"), 0);
    ck_assert_uint_eq(add_unit("other@d.test", "Other", ""), 0);
}

/* A property of an object as it is shown. */
static const char *
shown(enum account_kind kind, const char *name, const char *property)
{
    static char text[2000];
    struct object_field fields[RECORD_PROPERTIES_MAX];
    struct query_row row = query_row_new();
    struct slice value = SLICE("?");

    if (query_show(&test_base, kind, slice_of(name), &row, &test_result) == 0)
        value = object_get(fields, query_fields(&test_base, &row, fields), property);
    (void)snprintf(text, sizeof(text), "%.*s", (int)value.len, value.ptr);
    query_row_free(&row);
    return text;
}

START_TEST(units_make_a_tree)
{
    populate();
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "NORTH@d.test", "path"),
                     "Acme / Sales & Marketing / North");
    ck_assert_uint_eq(add_unit("north@d.test", "Again", ""), 2);
    ck_assert_uint_eq(add_unit("x@d.test", "", ""), 1);
    ck_assert_uint_eq(add_unit("x y@d.test", "X", ""), 1);
    ck_assert_uint_eq(add_unit("x@far.test", "X", ""), 7);
    ck_assert_uint_eq(add_unit("x@d.test", "X", "nothing"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "acme@d.test", "parent", "north"), 3); /* a loop */
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "acme@d.test", "parent", "acme"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "sales@d.test", "parent", "other"), 0);
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "north@d.test", "path"),
                     "Other / Sales & Marketing / North");
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "sales@d.test"), 3);
    ck_assert_uint_eq(test_rename(ACCOUNT_UNIT, "sales@d.test", "x@d.test"), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "north@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "sales@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "sales@d.test"), 2);
    test_close();
}
END_TEST

START_TEST(the_tree_is_not_too_deep)
{
    char name[40], parent[40] = "";

    test_populate();
    for (int i = 0; i < UNIT_DEPTH_MAX; i++) {
        (void)snprintf(name, sizeof(name), "u%d@d.test", i);
        ck_assert_uint_eq(add_unit(name, "U", parent), 0);
        (void)snprintf(parent, sizeof(parent), "u%d", i);
    }
    ck_assert_uint_eq(add_unit("deeper@d.test", "D", parent), 3);
    ck_assert_uint_eq(add_unit("top@d.test", "T", ""), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "u0@d.test", "parent", "top"), 3); /* with all below */
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "u1@d.test", "parent", "top"), 0);
    test_close();
}
END_TEST

START_TEST(published_profiles_follow_the_organisation)
{
    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "publish_users", "all"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", "nowhere"), 3);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", "North"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "phone_office", "+1 2"), 0);
    ck_assert_str_eq(shown(ACCOUNT_USER, "alice@d.test", "unit"), "north");
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "company"), "Acme");
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "department"), "North");
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "phone_office"), "+1 2");
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "north@d.test", "full_name", "Nord"), 0);
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "department"), "Nord");
    ck_assert_uint_eq(test_set(ACCOUNT_UNIT, "sales@d.test", "parent", "other"), 0);
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "company"), "Other");
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "north@d.test"), 3); /* she is in it */

    /* what the profile never said may be added by hand, and what it takes back goes */
    ck_assert_uint_eq(test_set(ACCOUNT_CONTACT, "alice@d.test", "mobile", "+1 3"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "phone_office", ""), 0);
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "phone_office"), "");
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "mobile"), "+1 3");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", "other"), 0); /* at the top */
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "department"), "");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", ""), 0);
    ck_assert_str_eq(shown(ACCOUNT_CONTACT, "alice@d.test", "company"), "");
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "north@d.test"), 0);
    test_close();
}
END_TEST

START_TEST(renames_take_the_organisation_along)
{
    populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", "north"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "unit", "north"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "carol@d.test", "unit", "other"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "north@d.test"), 0);
    ck_assert_str_eq(shown(ACCOUNT_USER, "north@d.test", "unit"), "north");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "north@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "bob@e.test"), 0);
    ck_assert_str_eq(shown(ACCOUNT_USER, "bob@e.test", "unit"), ""); /* another organisation */
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "n.test"), 0);
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "north@n.test", "path"),
                     "Acme / Sales & Marketing / North");
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "north@d.test", "path"), "?");
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "north@n.test"),
                      3); /* alice: the reference came, too */
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@n.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "north@n.test"), 0);
    test_close();
}
END_TEST

START_TEST(groups_are_set_from_the_members_side)
{
    static const struct {
        const char *groups;
        uint32_t code;
        const char *shown;
    } cases[] = {
        {"team@d.test", 0, "team@d.test"},
        {"TEAM@d.test; all@d.test", 0, "all@d.test team@d.test"},
        {"all@d.test all@d.test", 0, "all@d.test"},
        {"nobody@d.test", 2, "all@d.test"}, /* refused: as it was */
        {"bob@d.test", 2, "all@d.test"},
        {"", 0, ""},
    };

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "all@d.test", NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "groups", cases[i].groups),
                          cases[i].code);
        ck_assert_str_eq(shown(ACCOUNT_USER, "alice@d.test", "groups"), cases[i].shown);
    }
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", "groups", "nobody@d.test"), 2);
    ck_assert_str_eq(shown(ACCOUNT_USER, "x@d.test", "address"), "?"); /* not half made */
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", "groups", "all@d.test"), 0);
    ck_assert_str_eq(shown(ACCOUNT_GROUP, "all@d.test", "member_count"), "1");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "x@d.test", "full_name", "X"), 0);
    ck_assert_str_eq(shown(ACCOUNT_USER, "x@d.test", "groups"), "all@d.test");
    test_close();
}
END_TEST

START_TEST(new_users_join_everyone_where_the_domain_says_so)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", "add_to_everyone", "yes"), 0);
    ck_assert_str_eq(shown(ACCOUNT_GROUP, "everyone@e.test", "send"), "domain");
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a@e.test", NULL, NULL), 0);
    ck_assert_str_eq(shown(ACCOUNT_USER, "a@e.test", "groups"), "everyone@e.test");
    ck_assert_uint_eq(test_del(ACCOUNT_GROUP, "everyone@e.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b@e.test", NULL, NULL), 0); /* made anew */
    ck_assert_str_eq(shown(ACCOUNT_GROUP, "everyone@e.test", "member_count"), "1");
    ck_assert_str_eq(shown(ACCOUNT_GROUP, "everyone@d.test", "address"), "?");
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "everyone@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "add_to_everyone", "yes"), 3);
    test_close();
}
END_TEST

static void
import(const char *text, int rc)
{
    test_begin();
    ck_assert_int_eq(account_clear(&test_edit), 0);
    ck_assert_int_eq(transfer_import(&test_edit, slice_of(text)), rc);
    (void)test_end(rc);
}

START_TEST(a_copy_of_the_base_has_it_all)
{
    struct strbuf text = strbuf_new(1 << 20), cursor = strbuf_new(2000);

    populate();
    ck_assert_uint_eq(add_unit("a-below@d.test", "First by name", "north"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "unit", "a-below"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "groups", "team@d.test"), 0);
    ck_assert_int_eq(transfer_export(&test_base, &cursor, &text, &test_result), 0);
    import(strbuf_cstr(&text), 0);
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "a-below@d.test", "path"),
                     "Acme / Sales & Marketing / North / First by name");
    ck_assert_str_eq(shown(ACCOUNT_USER, "alice@d.test", "unit"), "a-below");
    ck_assert_str_eq(shown(ACCOUNT_USER, "alice@d.test", "groups"), "team@d.test");
    ck_assert_uint_eq(test_del(ACCOUNT_UNIT, "a-below@d.test"), 3);
    /* what somebody wrote: a loop, and a parent that is not there */
    import("domain d.test\norganisation a@d.test\n    full_name A\n    parent b\n"
           "organisation b@d.test\n    full_name B\n    parent a\n",
           -1);
    import("domain d.test\norganisation a@d.test\n    full_name A\n    parent b\n", -1);
    ck_assert_str_eq(shown(ACCOUNT_UNIT, "acme@d.test", "full_name"), "Acme"); /* all as it was */
    strbuf_free(&text);
    strbuf_free(&cursor);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account_unit");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, units_make_a_tree);
    tcase_add_test(tc, the_tree_is_not_too_deep);
    tcase_add_test(tc, published_profiles_follow_the_organisation);
    tcase_add_test(tc, renames_take_the_organisation_along);
    tcase_add_test(tc, groups_are_set_from_the_members_side);
    tcase_add_test(tc, new_users_join_everyone_where_the_domain_says_so);
    tcase_add_test(tc, a_copy_of_the_base_has_it_all);
    return test_run(suite_create("account_unit"), tc);
}
