/*
 * t/unit/test_ldap_call.c - lib/ldap/call and lib/ldap/filter_text: a client's requests, what a
 * directory answers, filters as text.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/ldap/call.h"
#include "lib/ldap/filter_text.h"

START_TEST(requests_are_those_of_rfc_4511)
{
    static const char bind[] = "\x30\x13\x02\x01\x01\x60\x0e\x02\x01\x03\x04\x04"
                               "cn=a\x80\x03pw!";
    static const char search[] = "\x30\x28\x02\x01\x02\x63\x23\x04\x04"
                                 "dc=d\x0a\x01\x02\x0a\x01\x00\x02\x01\x02\x02\x01\x0a\x01\x01\x00"
                                 "\xa3\x0a\x04\x03uid\x04\x03*)("
                                 "\x30\x00";
    struct strbuf out = strbuf_new(4096), filter = strbuf_new(100);
    const struct slice names[] = {SLICE("cn"), SLICE("mail")};
    struct ldap_wanted wanted = {.base = SLICE("dc=d"), .size_max = 2, .time_max = 10};
    size_t length;

    ck_assert_int_eq(ldap_call_bind(&out, 1, SLICE("cn=a"), SLICE("pw!")), 0);
    ck_assert(slice_eq(strbuf_slice(&out), slice_make(bind, sizeof(bind) - 1)));
    strbuf_clear(&out);
    ck_assert_int_eq(ldap_call_equal(&filter, SLICE("uid"), SLICE("*)(")), 0);
    wanted.filter = strbuf_slice(&filter);
    ck_assert_int_eq(ldap_call_search(&out, 2, &wanted), 0);
    ck_assert(memmem(out.ptr, out.len,
                     "\x30\x05\x04\x03"
                     "1.1",
                     7) != NULL);
    ck_assert(memmem(out.ptr, out.len, search + 7, sizeof(search) - 1 - 7 - 2) != NULL);
    ck_assert_int_eq(ldap_call_length(strbuf_slice(&out), &length), 0);
    ck_assert_uint_eq(length, out.len);
    strbuf_clear(&out);
    wanted.names = names;
    wanted.name_count = 2;
    wanted.page_size = 500;
    wanted.cookie = SLICE("next");
    ck_assert_int_eq(ldap_call_search(&out, 3, &wanted), 0);
    ck_assert(memmem(out.ptr, out.len,
                     "\x30\x0a\x04\x02"
                     "cn\x04\x04mail",
                     12) != NULL);
    ck_assert(memmem(out.ptr, out.len,
                     "1.2.840.113556.1.4.319\x04\x0c\x30\x0a\x02\x02\x01\xf4\x04\x04next",
                     36) != NULL);
    strbuf_free(&out);
    strbuf_free(&filter);
}
END_TEST

static const struct {
    struct slice message;
    int rc;
    enum ldap_response_type type;
    int32_t result;
} responses[] = {
    {{"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00", 14}, 0, LDAP_RESPONSE_RESULT, 49},
    {{"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00", 14}, 0, LDAP_RESPONSE_RESULT, 0},
    {{"\x30\x0d\x02\x01\x01\x64\x08\x04\x04"
      "cn=a\x30\x00",
      15},
     0,
     LDAP_RESPONSE_ENTRY,
     0},
    {{"\x30\x05\x02\x01\x01\x73\x00", 7}, 0, LDAP_RESPONSE_REFERENCE, 0},
    {{"\x30\x05\x02\x01\x01\x79\x00", 7}, 0, LDAP_RESPONSE_OTHER, 0},
    {{"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x09\x04\x00", 14}, -1, 0, 0},
    {{"\x30\x03\x02\x01\x01", 5}, -1, 0, 0},
    {{"\x31\x00", 2}, -1, 0, 0},
    {{"\x30\x80", 2}, -1, 0, 0},
    {{"\x30\x84\x7f\xff\xff\xff", 6}, -1, 0, 0},
    {{"", 0}, -1, 0, 0},
};

START_TEST(answers_are_read)
{
    struct ldap_response response;

    ck_assert_int_eq(ldap_call_decode(responses[_i].message, &response), responses[_i].rc);
    if (responses[_i].rc < 0)
        return;
    ck_assert_int_eq(response.type, responses[_i].type);
    ck_assert_int_eq(response.result, responses[_i].result);
    if (response.type == LDAP_RESPONSE_ENTRY)
        ck_assert(slice_eq(response.dn, SLICE("cn=a")));
}
END_TEST

START_TEST(an_entry_gives_its_values_and_a_page_its_end)
{
    static const char entry[] = "\x30\x1d\x02\x01\x01\x64\x18\x04\x04"
                                "cn=a\x30\x10\x30\x0e\x04\x04mail\x31\x06\x04\x01x\x04\x01y";
    static const char done[] = "\x30\x38\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"
                               "\xa0\x2a\x30\x28\x04\x16"
                               "1.2.840.113556.1.4.319\x04\x0e\x30\x0c\x02\x01\x00\x04\x07"
                               "onwards";
    struct slice description, values, value;
    struct ldap_response response;

    ck_assert_int_eq(ldap_call_decode(slice_make(entry, sizeof(entry) - 1), &response), 0);
    ck_assert_int_eq(ldap_call_attribute(&response.attributes, &description, &values), 1);
    ck_assert(slice_eq(description, SLICE("mail")));
    ck_assert_int_eq(ldap_call_value(&values, &value), 1);
    ck_assert(slice_eq(value, SLICE("x")));
    ck_assert_int_eq(ldap_call_value(&values, &value), 1);
    ck_assert_int_eq(ldap_call_value(&values, &value), 0);
    ck_assert_int_eq(ldap_call_attribute(&response.attributes, &description, &values), 0);
    ck_assert_int_eq(ldap_call_decode(slice_make(done, sizeof(done) - 1), &response), 0);
    ck_assert(slice_eq(response.cookie, SLICE("onwards")));
}
END_TEST

/* `bytes` NULL: refused. */
static const struct {
    const char *text;
    struct slice bytes;
} filters[] = {
    {"(cn=a)",
     {"\xa3\x07\x04\x02"
      "cn\x04\x01"
      "a",
      9}},
    {"(cn=*)",
     {"\x87\x02"
      "cn",
      4}},
    {"(&(a=b)(!(c>=d)))",
     {"\xa0\x12\xa3\x06\x04\x01"
      "a\x04\x01"
      "b\xa2\x08\xa5\x06\x04\x01"
      "c\x04\x01"
      "d",
      20}},
    {"(a=x*y*z)",
     {"\xa4\x0e\x04\x01"
      "a\x30\x09\x80\x01x\x81\x01y\x82\x01z",
      16}},
    {"(a=*y*)",
     {"\xa4\x08\x04\x01"
      "a\x30\x03\x81\x01y",
      10}},
    {"(a=\\2a\\29)",
     {"\xa3\x07\x04\x01"
      "a\x04\x02*)",
      9}},
    {"(a:=b)",
     {"\xa9\x06\x82\x01"
      "a\x83\x01"
      "b",
      8}},
    {"(a:dn:2.4:=b)",
     {"\xa9\x0e\x81\x03"
      "2.4\x82\x01"
      "a\x83\x01"
      "b\x84\x01\xff",
      16}},
    {"(&)", {"\xa0\x00", 2}},
    {"", {NULL, 0}},
    {"cn=a", {NULL, 0}},
    {"(cn=a", {NULL, 0}},
    {"(cn=a))", {NULL, 0}},
    {"(cn)", {NULL, 0}},
    {"(=a)", {NULL, 0}},
    {"(c n=a)", {NULL, 0}},
    {"(a=x**y)", {NULL, 0}},
    {"(a=\\2)", {NULL, 0}},
    {"(a=\\zz)", {NULL, 0}},
    {"(a=(b)", {NULL, 0}},
    {"(!(a=b)(c=d))", {NULL, 0}},
    {"(!)", {NULL, 0}},
    {"(:=b)", {NULL, 0}},
    {"(a:b:c:=d)", {NULL, 0}},
    {"(a>=*)", {NULL, 0}},
};

START_TEST(filters_are_read)
{
    struct strbuf out = strbuf_new(4096);
    const char *wrong = ldap_filter_text_encode(slice_of(filters[_i].text), &out);

    ck_assert_msg((wrong == NULL) == (filters[_i].bytes.ptr != NULL), "%s: %s", filters[_i].text,
                  wrong);
    if (wrong == NULL)
        ck_assert(slice_eq(strbuf_slice(&out), filters[_i].bytes));
    strbuf_free(&out);
}
END_TEST

START_TEST(filters_in_each_other_have_a_limit)
{
    struct strbuf text = strbuf_new(4096), out = strbuf_new(4096);

    for (int i = 0; i < 32; i++)
        (void)strbuf_str(&text, "(!");
    (void)strbuf_str(&text, "(a=b)");
    for (int i = 0; i < 32; i++)
        (void)strbuf_str(&text, ")");
    ck_assert_ptr_nonnull(ldap_filter_text_encode(strbuf_slice(&text), &out));
    strbuf_clear(&out);
    ck_assert_ptr_null(
        ldap_filter_text_encode(slice_sub(strbuf_slice(&text), 2, text.len - 1), &out));
    strbuf_free(&text);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ldap_call");
    TCase *tc = tcase_create("ldap_call");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, requests_are_those_of_rfc_4511);
    tcase_add_loop_test(tc, answers_are_read, 0, (int)ARRAY_LEN(responses));
    tcase_add_test(tc, an_entry_gives_its_values_and_a_page_its_end);
    tcase_add_loop_test(tc, filters_are_read, 0, (int)ARRAY_LEN(filters));
    tcase_add_test(tc, filters_in_each_other_have_a_limit);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
