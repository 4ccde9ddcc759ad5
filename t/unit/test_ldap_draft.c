/*
 * t/unit/test_ldap_draft.c - a contact that is being changed: attributes that share a property,
 * lines of postal addresses, what has to agree with what.
 */
// LINK: ldapd/draft.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ldapd/draft.h"

static struct draft *draft;
static const char *text;

static void
setup(void)
{
    draft = draft_new(SLICE("smith"), SLICE(""));
    ck_assert_int_eq(draft_change(draft, DRAFT_ADD, SLICE("cn"), &SLICE("John Smith"), 1, &text),
                     LDAP_SUCCESS);
}

static void
teardown(void)
{
    draft_free(&draft);
}

static int
change(enum draft_op op, const char *attribute, const char *value)
{
    struct slice given = slice_of(value);

    return (int)draft_change(draft, op, slice_of(attribute), &given, 1, &text);
}

static bool
property_is(const char *name, const char *value)
{
    struct object_field fields[LDAP_FIELD_COUNT];
    uint32_t count = draft_fields(draft, fields);

    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(fields[i].name, slice_of(name)))
            return slice_eq(fields[i].value, slice_of(value));
    return false;
}

static const struct {
    const char *first, *first_value, *second, *second_value;
    int result;
    const char *property, *value;
} twice[] = {
    {"co", "Wales", "c", "Wales", LDAP_SUCCESS, "country", "Wales"},
    {"c", "Wales", "co", "wales", LDAP_SUCCESS, "country", "Wales"},
    {"co", "Wales", "c", "WLS", LDAP_ATTRIBUTE_OR_VALUE_EXISTS, "country", "Wales"},
    {"co", "Wales", "co", "Wales", LDAP_ATTRIBUTE_OR_VALUE_EXISTS, "country", "Wales"},
    {"street", "1 $ Lane", "postalAddress", "1 \\24 Lane", LDAP_SUCCESS, "street", "1 $ Lane"},
    {"mozillaHomeStreet", "a\\b", "homePostalAddress", "a\\5cb", LDAP_SUCCESS, "address_home",
     "a\\b"},
    {"roomNumber", "9", "physicalDeliveryOfficeName", "9", LDAP_SUCCESS, "office", "9"},
};

START_TEST(a_property_is_given_by_two_attributes_that_agree)
{
    ck_assert_int_eq(change(DRAFT_ADD, twice[_i].first, twice[_i].first_value), LDAP_SUCCESS);
    ck_assert_int_eq(change(DRAFT_ADD, twice[_i].second, twice[_i].second_value), twice[_i].result);
    ck_assert(property_is(twice[_i].property, twice[_i].value));
}
END_TEST

static const struct {
    const char *given, *street;
} lines[] = {
    {"1 Main St", "1 Main St"},     {"1 Main St$Boston$USA", "1 Main St, Boston, USA"},
    {"\\24\\5C\\5c$x", "$\\\\, x"}, {"ends\\2", "ends\\2"},
    {"ends\\", "ends\\"},           {"\\25", "\\25"},
};

START_TEST(lines_of_a_postal_address_become_one)
{
    ck_assert_int_eq(change(DRAFT_REPLACE, "postalAddress", lines[_i].given), LDAP_SUCCESS);
    ck_assert(property_is("street", lines[_i].street));
}
END_TEST

START_TEST(a_postal_address_has_a_limit)
{
    enum { LONG = 9000 };
    char *value = malloc(LONG + 1);

    memset(value, '$', LONG);
    value[LONG] = '\0';
    ck_assert_int_eq(change(DRAFT_REPLACE, "postalAddress", value), LDAP_CONSTRAINT_VIOLATION);
    free(value);
}
END_TEST

START_TEST(the_second_address_is_one_of_the_addresses)
{
    ck_assert_int_eq(change(DRAFT_ADD, "mail", "a@x.test"), LDAP_SUCCESS);
    ck_assert_int_eq(change(DRAFT_ADD, "mozillaSecondEmail", "B@x.test"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_CONSTRAINT_VIOLATION);
    ck_assert_int_eq(change(DRAFT_ADD, "mail", "b@x.test"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_SUCCESS);
    ck_assert(property_is("addresses", "a@x.test b@x.test"));
    ck_assert_int_eq(change(DRAFT_DELETE, "mozillaSecondEmail", "b@x.test"), LDAP_SUCCESS);
}
END_TEST

START_TEST(names_are_parts_of_the_full_name)
{
    ck_assert_int_eq(change(DRAFT_ADD, "sn", "smith"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_SUCCESS);
    ck_assert_int_eq(change(DRAFT_ADD, "displayName", "Johnny"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_CONSTRAINT_VIOLATION);
}
END_TEST

/* The department is only shown: there is none that could be taken away. */
START_TEST(a_company_shown_as_department_stays)
{
    struct strbuf fields = strbuf_new(1000);
    struct slice none = SLICE("");

    ck_assert(ldap_fields_add(&fields, LDAP_FIELD_FULL_NAME, SLICE("John Smith")) &&
              ldap_fields_add(&fields, LDAP_FIELD_DEPARTMENT, SLICE("Acme")) &&
              ldap_fields_add(&fields, LDAP_FIELD_COMPANYS_OWN, SLICE("yes")));
    draft_free(&draft);
    draft = draft_new(SLICE("smith"), strbuf_slice(&fields));
    ck_assert_int_eq(change(DRAFT_REPLACE, "title", "Head"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_SUCCESS);
    ck_assert_int_eq(change(DRAFT_DELETE, "ou", "acme"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_UNWILLING_TO_PERFORM);
    ck_assert_int_eq(change(DRAFT_ADD, "ou", "Sales"), LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_SUCCESS);
    ck_assert(property_is("department", "Sales"));
    ck_assert_int_eq(draft_change(draft, DRAFT_REPLACE, SLICE("ou"), &none, 0, &text),
                     LDAP_SUCCESS);
    ck_assert_int_eq(draft_check(draft, &text), LDAP_UNWILLING_TO_PERFORM);
    strbuf_free(&fields);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ldap_draft");
    TCase *tc = tcase_create("core");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_property_is_given_by_two_attributes_that_agree, 0,
                        (int)ARRAY_LEN(twice));
    tcase_add_loop_test(tc, lines_of_a_postal_address_become_one, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(tc, a_postal_address_has_a_limit);
    tcase_add_test(tc, the_second_address_is_one_of_the_addresses);
    tcase_add_test(tc, names_are_parts_of_the_full_name);
    tcase_add_test(tc, a_company_shown_as_department_stays);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
