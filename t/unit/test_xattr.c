/*
 * t/unit/test_xattr.c - smtpd/xattr.
 */
// LINK: smtpd/xattr.c
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/xattr.h"

static const struct {
    const char *args;
    bool xclient, right;
    enum xattr_name name;
    const char *value;
} cases[] = {
    {"NAME=spike.example.org ADDR=192.0.2.7", true, true, XATTR_ADDR, "192.0.2.7"},
    {"name=spike.example.org addr=192.0.2.7", true, true, XATTR_NAME, "spike.example.org"},
    {"ADDR=IPV6:2001:DB8::1", true, true, XATTR_ADDR, "2001:db8::1"},
    {"ADDR=ipv6:2001:db8::1", true, true, XATTR_ADDR, "2001:db8::1"},
    {"ADDR=[UNAVAILABLE]", true, true, XATTR_ADDR, ""},
    {"NAME=[tempunavail]", true, true, XATTR_NAME, ""},
    {"HELO=a+2Bb", false, true, XATTR_HELO, "a+b"},
    {"LOGIN=alice@d.test", true, true, XATTR_LOGIN, "alice@d.test"},
    {"DESTADDR=203.0.113.1 DESTPORT=587", true, true, XATTR_DESTPORT, "587"},
    {"PROTO=esmtp", true, true, XATTR_PROTO, "esmtp"},
    {"PROTO=QMQP", false, true, XATTR_PROTO, "QMQP"},
    {"IDENT=4fXk2q SOURCE=LOCAL", false, true, XATTR_SOURCE, "LOCAL"},
    {"PORT=1 PORT=2", true, true, XATTR_PORT, "2"},
    {"", true, false, 0, NULL},
    {"NAME", true, false, 0, NULL},
    {"NAME=", true, false, 0, NULL},
    {"NAME=a  ADDR=192.0.2.7", true, false, 0, NULL},
    {"WHAT=ever", true, false, 0, NULL},
    {"IDENT=x", true, false, 0, NULL},
    {"LOGIN=alice@d.test", false, false, 0, NULL},
    {"LOGIN=alice", true, false, 0, NULL},
    {"ADDR=2001:db8::1", true, false, 0, NULL},
    {"ADDR=IPV6:192.0.2.7", true, false, 0, NULL},
    {"ADDR=192.0.2.0/24", true, false, 0, NULL},
    {"ADDR=192.0.2.", true, false, 0, NULL},
    {"PORT=65536", true, false, 0, NULL},
    {"PROTO=QMQP", true, false, 0, NULL},
    {"SOURCE=HERE", false, false, 0, NULL},
    {"HELO=a+0D+0Ab", true, false, 0, NULL},
    {"HELO=a+20b", true, false, 0, NULL},
    {"HELO=a+4", true, false, 0, NULL},
    {"HELO=<x>", true, false, 0, NULL},
};

START_TEST(attributes_are_read)
{
    struct xattrs attrs = {0};
    struct refusal why;

    (void)strcpy(attrs.values[XATTR_DESTADDR], "as before");
    ck_assert_int_eq(xattrs_parse(slice_of(cases[_i].args),
                                  cases[_i].xclient ? XATTR_OF_XCLIENT : XATTR_OF_XFORWARD, &attrs,
                                  &why),
                     cases[_i].right ? 0 : -1);
    if (cases[_i].right) {
        ck_assert_str_eq(attrs.values[cases[_i].name], cases[_i].value);
        ck_assert(attrs.given & XATTR_BIT(cases[_i].name));
    } else {
        ck_assert_uint_eq(attrs.given, 0);
        ck_assert_uint_eq(why.code, 501);
        ck_assert_str_eq(attrs.values[XATTR_DESTADDR], "as before");
    }
}
END_TEST

START_TEST(a_value_has_a_limit)
{
    struct strbuf args = strbuf_new(1000);
    struct xattrs attrs = {0};
    struct refusal why;

    (void)strbuf_str(&args, "HELO=");
    for (int i = 0; i < XATTR_VALUE_MAX; i++)
        (void)strbuf_char(&args, 'x');
    ck_assert_int_eq(xattrs_parse(strbuf_slice(&args), XATTR_OF_XCLIENT, &attrs, &why), 0);
    (void)strbuf_char(&args, 'x');
    ck_assert_int_eq(xattrs_parse(strbuf_slice(&args), XATTR_OF_XCLIENT, &attrs, &why), -1);
    strbuf_free(&args);
}
END_TEST

START_TEST(ehlo_names_what_there_is)
{
    struct strbuf names = strbuf_new(200);

    xattrs_list(XATTR_OF_XCLIENT, &names);
    ck_assert_str_eq(strbuf_cstr(&names), " NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT");
    strbuf_clear(&names);
    xattrs_list(XATTR_OF_XFORWARD, &names);
    ck_assert_str_eq(strbuf_cstr(&names), " NAME ADDR PORT PROTO HELO IDENT SOURCE");
    strbuf_free(&names);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("xattr");
    TCase *tc = tcase_create("xattr");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, attributes_are_read, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, a_value_has_a_limit);
    tcase_add_test(tc, ehlo_names_what_there_is);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
