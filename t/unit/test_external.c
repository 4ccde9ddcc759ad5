/*
 * t/unit/test_external.c - lib/auth/external: methods as text, and names.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/auth/external.h"

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

int
main(void)
{
    Suite *s = suite_create("external");
    TCase *tc = tcase_create("external");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, methods_are_read, 0, (int)ARRAY_LEN(methods));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
