/*
 * t/unit/test_address.c - lib/mail/address and lib/mail/xtext.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/xtext.h"

#define L64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D63 "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define GREEK "\xce\xb4\xce\xbf\xce\xba"

static const struct {
    const char *text;
    unsigned flags;
    enum address_status status;
    const char *local, *domain;
} mailboxes[] = {
    {"a@b", 0, ADDRESS_OK, "a", "b"},
    {"john.doe+tag@sub.Example.org", 0, ADDRESS_OK, "john.doe+tag", "sub.Example.org"},
    {"!#$%&'*+-/=?^_`{|}~@x.org", 0, ADDRESS_OK, "!#$%&'*+-/=?^_`{|}~", "x.org"},
    {"\"a b\"@x.org", 0, ADDRESS_OK, "\"a b\"", "x.org"},
    {"\"a\\\"b\\\\\"@x.org", 0, ADDRESS_OK, "\"a\\\"b\\\\\"", "x.org"},
    {"\"\"@x.org", 0, ADDRESS_OK, "\"\"", "x.org"},
    {"\"a@b>c\"@x.org", 0, ADDRESS_OK, "\"a@b>c\"", "x.org"},
    {"a@[192.0.2.1]", 0, ADDRESS_OK, "a", "[192.0.2.1]"},
    {"a@[IPv6:2001:db8::1]", 0, ADDRESS_OK, "a", "[IPv6:2001:db8::1]"},
    {"a@[x400:foo]", 0, ADDRESS_OK, "a", "[x400:foo]"},
    {L64 "@x.org", 0, ADDRESS_OK, L64, "x.org"},
    {L64 "a@x.org", 0, ADDRESS_TOO_LONG, NULL, NULL},
    {"SRS0=" L64 "@x.org", 0, ADDRESS_OK, "SRS0=" L64, "x.org"}, /* holds an address */
    {"SRS0." L64 "@x.org", 0, ADDRESS_TOO_LONG, NULL, NULL},
    {"a@" D63 ".org", 0, ADDRESS_OK, "a", D63 ".org"},
    {"a@" D63 "d.org", 0, ADDRESS_TOO_LONG, NULL, NULL},
    {"a@" D63 "." D63 "." D63 "." D63 ".org", 0, ADDRESS_TOO_LONG, NULL, NULL},
    {GREEK "@x.org", ADDRESS_UTF8, ADDRESS_OK, GREEK, "x.org"},
    {"a@" GREEK ".org", ADDRESS_UTF8, ADDRESS_OK, "a", GREEK ".org"},
    {"\"" GREEK " x\"@x.org", ADDRESS_UTF8, ADDRESS_OK, "\"" GREEK " x\"", "x.org"},
    {"\"\\\\" GREEK "\"@x.org", ADDRESS_UTF8, ADDRESS_OK, "\"\\\\" GREEK "\"", "x.org"},
    {"\"\\" GREEK "\"@x.org", ADDRESS_UTF8, ADDRESS_SYNTAX, NULL, NULL},
    {GREEK "@x.org", 0, ADDRESS_NON_ASCII, NULL, NULL},
    {"a@" GREEK ".org", 0, ADDRESS_NON_ASCII, NULL, NULL},
    {"\xff@x.org", ADDRESS_UTF8, ADDRESS_SYNTAX, NULL, NULL},
    {"postmaster", ADDRESS_POSTMASTER, ADDRESS_OK, "postmaster", ""},
    {"PostMaster", ADDRESS_POSTMASTER, ADDRESS_OK, "PostMaster", ""},
    {"postmaster", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"alice", ADDRESS_POSTMASTER, ADDRESS_SYNTAX, NULL, NULL},
    {"", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@b@c", 0, ADDRESS_SYNTAX, NULL, NULL},
    {".a@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a.@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a..b@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a b@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@x.org.", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@.x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@-x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@x-.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@x_y.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@x.org ", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a\n@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"a\x01\"@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"a\x7f\"@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"a\"b@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"a@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"a\\\"@x.org", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"\"\\", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@[]", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@[192.0.2]", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@[192.0.2.256]", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@[192.0.2.1", 0, ADDRESS_SYNTAX, NULL, NULL},
    {"a@[IPv6:1:2]", 0, ADDRESS_SYNTAX, NULL, NULL},
};

START_TEST(mailbox_follows_the_grammar)
{
    struct address a;
    enum address_status status =
        address_parse(slice_of(mailboxes[_i].text), mailboxes[_i].flags, &a);

    ck_assert_msg(status == mailboxes[_i].status, "%s: %d", mailboxes[_i].text, (int)status);
    if (status != ADDRESS_OK)
        return;
    ck_assert(slice_eq(a.local, slice_of(mailboxes[_i].local)));
    ck_assert(slice_eq(a.domain, slice_of(mailboxes[_i].domain)));
}
END_TEST

static const struct {
    const char *text;
    unsigned flags;
    enum address_status status;
    const char *mailbox, *rest;
} paths[] = {
    {"<a@b.org>", 0, ADDRESS_OK, "a@b.org", ""},
    {"<a@b.org> SIZE=1", 0, ADDRESS_OK, "a@b.org", " SIZE=1"},
    {"<>", ADDRESS_NULL, ADDRESS_OK, "", ""},
    {"<>", 0, ADDRESS_SYNTAX, NULL, "<>"},
    {"<@x.org,@y.org:a@b.org>", 0, ADDRESS_OK, "a@b.org", ""},
    {"<@x.org:a@b.org> X", 0, ADDRESS_OK, "a@b.org", " X"},
    {"<@x.org,:a@b.org>", 0, ADDRESS_SYNTAX, NULL, "<@x.org,:a@b.org>"},
    {"<@x.org,y.org:a@b.org>", 0, ADDRESS_SYNTAX, NULL, "<@x.org,y.org:a@b.org>"},
    {"<@:a@b.org>", 0, ADDRESS_SYNTAX, NULL, "<@:a@b.org>"},
    {"<@x.org:Postmaster>", ADDRESS_POSTMASTER, ADDRESS_SYNTAX, NULL, "<@x.org:Postmaster>"},
    {"<Postmaster>", ADDRESS_POSTMASTER, ADDRESS_OK, "Postmaster", ""},
    {"<\"a>b\"@x.org>!", 0, ADDRESS_OK, "\"a>b\"@x.org", "!"},
    {"<a@b.org", 0, ADDRESS_SYNTAX, NULL, "<a@b.org"},
    {"a@b.org", 0, ADDRESS_SYNTAX, NULL, "a@b.org"},
    {"< a@b.org>", 0, ADDRESS_SYNTAX, NULL, "< a@b.org>"},
    {"<<a@b.org>>", 0, ADDRESS_SYNTAX, NULL, "<<a@b.org>>"},
};

START_TEST(path_is_taken_off_the_front)
{
    struct slice input = slice_of(paths[_i].text);
    struct address a;
    enum address_status status = address_parse_path(&input, paths[_i].flags, &a);

    ck_assert_int_eq(status, paths[_i].status);
    ck_assert(slice_eq(input, slice_of(paths[_i].rest)));
    if (status == ADDRESS_OK)
        ck_assert(slice_eq(a.text, slice_of(paths[_i].mailbox)));
}
END_TEST

static const struct {
    const char *literal;
    int rc;
    unsigned len;
    uint8_t bytes[16];
} literals[] = {
    {"[192.0.2.1]", 0, 4, {192, 0, 2, 1}},
    {"[IPv6:::]", 0, 16, {0}},
    {"[IPv6:::1]", 0, 16, {[15] = 1}},
    {"[ipv6:1::]", 0, 16, {[1] = 1}},
    {"[IPv6:1:2:3:4:5:6:7:8]", 0, 16, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8}},
    {"[IPv6:2001:DB8::ff:1]", 0, 16, {0x20, 1, 0xd, 0xb8, [13] = 0xff, [15] = 1}},
    {"[IPv6:::ffff:192.0.2.1]", 0, 16, {[10] = 0xff, 0xff, 192, 0, 2, 1}},
    {"[IPv6:1:2:3:4:5:6:192.0.2.1]", 0, 16, {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 192, 0, 2, 1}},
    {"[IPv6:1:2:3:4:5:6:7::]", -1, 0, {0}}, /* "::" is two groups or more */
    {"[IPv6:1:2:3:4:5:6:7]", -1, 0, {0}},
    {"[IPv6:1:2:3:4:5:6:7:8:9]", -1, 0, {0}},
    {"[IPv6:1::2::3]", -1, 0, {0}},
    {"[IPv6::1]", -1, 0, {0}},
    {"[IPv6:1:]", -1, 0, {0}},
    {"[IPv6:12345::]", -1, 0, {0}},
    {"[IPv6:g::]", -1, 0, {0}},
    {"[IPv6:192.0.2.1::]", -1, 0, {0}},
    {"[IPv6:]", -1, 0, {0}},
    {"[1.2.3.4.5]", -1, 0, {0}},
    {"[1.2.3.]", -1, 0, {0}},
    {"[0001.2.3.4]", -1, 0, {0}},
    {"192.0.2.1", -1, 0, {0}},
};

START_TEST(literal_becomes_binary)
{
    struct address_ip ip = {0};

    ck_assert_int_eq(address_literal_ip(slice_of(literals[_i].literal), &ip), literals[_i].rc);
    ck_assert_uint_eq(ip.len, literals[_i].len);
    ck_assert_mem_eq(ip.bytes, literals[_i].bytes, 16);
}
END_TEST

static const struct {
    const char *from, *to;
} normal_forms[] = {
    {"Alice@Example.ORG", "Alice@example.org"},
    {"\"alice\"@x.org", "alice@x.org"},
    {"\"al\\ice\"@x.org", "alice@x.org"},
    {"\"a b\"@x.org", "\"a b\"@x.org"},
    {"\"\\a\\ \\b\"@x.org", "\"a b\"@x.org"},
    {"\"a\\\"\\\\\"@x.org", "\"a\\\"\\\\\"@x.org"},
    {"\"a..b\"@x.org", "\"a..b\"@x.org"},
    {"\"\"@x.org", "\"\"@x.org"},
    {"a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]"},
    {"Postmaster", "Postmaster"},
};

START_TEST(normal_form_has_least_quoting)
{
    struct strbuf out = strbuf_new(ADDRESS_MAX + 2);
    struct address a;

    ck_assert_int_eq(address_parse(slice_of(normal_forms[_i].from), ADDRESS_POSTMASTER, &a),
                     ADDRESS_OK);
    ck_assert(address_normalize(&a, &out));
    ck_assert_str_eq(strbuf_cstr(&out), normal_forms[_i].to);
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *text;
    int rc;
    const char *plain;
} xtexts[] = {
    {"abc", 0, "abc"},  {"", 0, ""},         {"a+2Bb+3D", 0, "a+b="}, {"+20", 0, " "},
    {"a+2b", -1, NULL}, {"a+2", -1, NULL},   {"a b", -1, NULL},       {"a=b", -1, NULL},
    {"+GG", -1, NULL},  {"a\x80", -1, NULL}, {"+", -1, NULL},
};

START_TEST(xtext_is_strict)
{
    struct strbuf out = strbuf_new(64);

    ck_assert_int_eq(xtext_decode(slice_of(xtexts[_i].text), &out), xtexts[_i].rc);
    ck_assert_int_eq(xtext_is_valid(slice_of(xtexts[_i].text)), xtexts[_i].rc == 0);
    if (xtexts[_i].rc == 0)
        ck_assert_str_eq(strbuf_cstr(&out), xtexts[_i].plain);
    strbuf_free(&out);
}
END_TEST

START_TEST(xtext_encodes_what_it_must)
{
    struct strbuf out = strbuf_new(64);

    ck_assert(xtext_encode(SLICE("a+b=c d\xc3"), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "a+2Bb+3Dc+20d+C3");
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("address");
    TCase *tc = tcase_create("address");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, mailbox_follows_the_grammar, 0, (int)ARRAY_LEN(mailboxes));
    tcase_add_loop_test(tc, path_is_taken_off_the_front, 0, (int)ARRAY_LEN(paths));
    tcase_add_loop_test(tc, literal_becomes_binary, 0, (int)ARRAY_LEN(literals));
    tcase_add_loop_test(tc, normal_form_has_least_quoting, 0, (int)ARRAY_LEN(normal_forms));
    tcase_add_loop_test(tc, xtext_is_strict, 0, (int)ARRAY_LEN(xtexts));
    tcase_add_test(tc, xtext_encodes_what_it_must);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
