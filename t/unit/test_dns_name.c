/*
 * t/unit/test_dns_name.c - lib/dns/name: what can be asked, addresses turned round.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/dns/name.h"

#define LABEL63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
    const char *name;
    bool valid;
} names[] = {
    {"d.test", true},
    {"_25._tcp.mx.d.test", true},
    {"xn--bcher-kva.example", true},
    {"*.d.test", true},
    {"1/2.0.192.in-addr.arpa", true}, /* RFC 2317 */
    {LABEL63 ".test", true},
    {LABEL63 "x.test", false},
    {LABEL63 "." LABEL63 "." LABEL63
             ".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     true},
    {LABEL63 "." LABEL63 "." LABEL63
             ".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
     false},
    {"", false},
    {".", false},
    {"d.test.", false},
    {".d.test", false},
    {"a..b", false},
    {"a b", false},
    {"a\\.b", false},
    {"b\xc3\xbc"
     "cher.example",
     false},
    {"a\n.test", false},
};

START_TEST(names_that_can_be_asked)
{
    ck_assert_int_eq(dns_name_valid(slice_of(names[_i].name)), names[_i].valid);
}
END_TEST

static const struct {
    const char *ip, *reverse;
} addresses[] = {
    {"192.0.2.1", "1.2.0.192.in-addr.arpa"},
    /* RFC 3596 section 2.5 */
    {"4321:0:1:2:3:4:567:89ab",
     "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa"},
    {"192.0.2.1.test", NULL},
    {"192.0.2", NULL},
    {"::g", NULL},
    {"", NULL},
};

START_TEST(addresses_are_turned_round)
{
    struct strbuf out = strbuf_new(DNS_NAME_TEXT_MAX);
    int rc = dns_name_reverse(slice_of(addresses[_i].ip), &out);

    ck_assert_int_eq(rc, addresses[_i].reverse == NULL ? -1 : 0);
    if (rc == 0)
        ck_assert_str_eq(strbuf_cstr(&out), addresses[_i].reverse);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("dns_name");
    TCase *tc = tcase_create("dns_name");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, names_that_can_be_asked, 0, (int)ARRAY_LEN(names));
    tcase_add_loop_test(tc, addresses_are_turned_round, 0, (int)ARRAY_LEN(addresses));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
