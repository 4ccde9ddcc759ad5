/*
 * t/unit/test_external.c - lib/auth/external and lib/auth/ldap_message: methods as text, names, and
 * what is said to a directory.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/auth/external.h"
#include "lib/auth/ldap_message.h"

static const struct {
    const char *text, *host;
    uint16_t port;
    const char *name; /* of "Jo Doe,x@d.test" there; NULL: the text is refused */
} methods[] = {
    {"pam:mail", "mail", 0, ""},
    {"imap://mail.test", "mail.test", 143, "Jo Doe,x@d.test"},
    {"imaps://[2001:db8::1]:1993/%n", "2001:db8::1", 1993, "Jo Doe,x"},
    {"pop3s://127.0.0.1", "127.0.0.1", 995, "Jo Doe,x@d.test"},
    {"smtp://mail.test/%n+%d%%", "mail.test", 587, "Jo Doe,x+d.test%"},
    {"ldap://dir.test/uid=%n,dc=%d", "dir.test", 389, "uid=Jo\\20Doe\\2cx,dc=d.test"},
    {"ldaps://dc1.test/%n@corp.test", "dc1.test", 636, "Jo Doe,x@corp.test"},
    {"ldaps://dir.test:1636/dc=d,dc=test?mail", "dir.test", 1636, "Jo Doe,x@d.test"},
    {"ldaps://dir.test/dc=d?uid=%n", "dir.test", 636, "Jo Doe,x"},
    {"ldap://dir.test", NULL, 0, NULL},
    {"ldap://dir.test/", NULL, 0, NULL},
    {"ldap://dir.test/?uid", NULL, 0, NULL},
    {"ldap://dir.test/dc=d?", NULL, 0, NULL},
    {"ldap://dir.test/dc=d?a)(b", NULL, 0, NULL},
    {"imap://", NULL, 0, NULL},
    {"imap://a:0", NULL, 0, NULL},
    {"imap://a:65536", NULL, 0, NULL},
    {"imap://a b", NULL, 0, NULL},
    {"imap://[::1", NULL, 0, NULL},
    {"imap://[::1]:x", NULL, 0, NULL},
    {"imap://[::1]x", NULL, 0, NULL},
    {"imap://a/%x", NULL, 0, NULL},
    {"imap://a/%", NULL, 0, NULL},
    {"http://a", NULL, 0, NULL},
    {"pam:../x", NULL, 0, NULL},
    {"pam:", NULL, 0, NULL},
    {"", NULL, 0, NULL},
};

START_TEST(methods_are_read)
{
    struct external_method method;
    struct strbuf name = strbuf_new(EXTERNAL_NAME_MAX);
    const char *expected = external_parse(slice_of(methods[_i].text), &method);

    ck_assert_msg((expected == NULL) == (methods[_i].name != NULL), "%s: %s", methods[_i].text,
                  expected == NULL ? "taken" : expected);
    if (expected != NULL)
        return;
    ck_assert(slice_eq(method.host, slice_of(methods[_i].host)));
    ck_assert_uint_eq(method.port, methods[_i].port);
    ck_assert_int_eq(external_name(&method, SLICE("Jo Doe,x@d.test"), &name), 0);
    ck_assert_str_eq(strbuf_cstr(&name), methods[_i].name);
    strbuf_free(&name);
}
END_TEST

START_TEST(requests_are_those_of_rfc_4511)
{
    static const char bind[] = "\x30\x13\x02\x01\x01\x60\x0e\x02\x01\x03\x04\x04"
                               "cn=a\x80\x03pw!";
    struct strbuf out = strbuf_new(4096);
    size_t length;

    ck_assert_int_eq(ldap_bind_encode(&out, 1, SLICE("cn=a"), SLICE("pw!")), 0);
    ck_assert(slice_eq(strbuf_slice(&out), slice_make(bind, sizeof(bind) - 1)));
    strbuf_clear(&out);
    ck_assert_int_eq(ldap_search_encode(&out, 2, SLICE("dc=d"), SLICE("uid"), SLICE("*)(")), 0);
    ck_assert_int_eq(ldap_message_length(strbuf_slice(&out), &length), 0);
    ck_assert_uint_eq(length, out.len);
    ck_assert_uint_lt(slice_find(strbuf_slice(&out), SLICE("\xa3\x0a\x04\x03uid\x04\x03*)(")),
                      out.len);
    strbuf_free(&out);
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
    {{"\x30\x05\x02\x01\x01\x73\x00", 7}, 0, LDAP_RESPONSE_OTHER, 0},
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

    ck_assert_int_eq(ldap_response_decode(responses[_i].message, &response), responses[_i].rc);
    if (responses[_i].rc < 0)
        return;
    ck_assert_int_eq(response.type, responses[_i].type);
    ck_assert_int_eq(response.result, responses[_i].result);
    if (response.type == LDAP_RESPONSE_ENTRY)
        ck_assert(slice_eq(response.dn, SLICE("cn=a")));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("external");
    TCase *tc = tcase_create("external");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, methods_are_read, 0, (int)ARRAY_LEN(methods));
    tcase_add_test(tc, requests_are_those_of_rfc_4511);
    tcase_add_loop_test(tc, answers_are_read, 0, (int)ARRAY_LEN(responses));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
