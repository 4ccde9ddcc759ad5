/*
 * t/unit/test_imap_envelope.c - lib/mail/imap_envelope and address_list.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/address_list.h"
#include "lib/mail/imap_envelope.h"

/* One To field, and the address list that it gives. */
static const struct {
    const char *body, *list;
} addresses[] = {
    {"fred@example.com", "((NIL NIL \"fred\" \"example.com\"))"},
    {"Fred <fred@example.com>", "((\"Fred\" NIL \"fred\" \"example.com\"))"},
    {"\"Joe Q. Public\" <john.q.public@example.com>",
     "((\"Joe Q. Public\" NIL \"john.q.public\" \"example.com\"))"},
    {"Joe Q. Public <a@b>", "((\"Joe Q. Public\" NIL \"a\" \"b\"))"},
    {"\"Giant; \\\"Big\\\" Box\" <s@example.net>",
     "((\"Giant; \\\"Big\\\" Box\" NIL \"s\" \"example.net\"))"},
    {"a@b, c@d", "((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\"))"},
    /* RFC 5322 appendix A.1.3 */
    {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
     "((NIL NIL \"A Group\" NIL)(\"Ed Jones\" NIL \"c\" \"a.test\")"
     "(NIL NIL \"joe\" \"where.test\")(\"John\" NIL \"jdoe\" \"one.test\")(NIL NIL NIL NIL))"},
    {"Undisclosed recipients:;", "((NIL NIL \"Undisclosed recipients\" NIL)(NIL NIL NIL NIL))"},
    /* RFC 5322 appendix A.5 */
    {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
     "((\"Pete\" NIL \"pete\" \"silly.test\"))"},
    {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
     "((NIL NIL \"Hidden recipients\" NIL)(NIL NIL NIL NIL))"},
    /* RFC 5322 appendix A.6.1 */
    {"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
     "((\"Mary Smith\" \"@node.test\" \"mary\" \"example.net\")(NIL NIL \"jdoe\" "
     "\"test.example\"))"},
    {"<@a,@b:c@d>", "((NIL \"@a,@b\" \"c\" \"d\"))"},
    {"fred@example.com (Fred Foobar)", "((\"Fred Foobar\" NIL \"fred\" \"example.com\"))"},
    {"\"quoted local\"@example.com", "((NIL NIL \"quoted local\" \"example.com\"))"},
    {"a@b c@d, <e@f", "((NIL NIL \"a\" \"b\")(NIL NIL \"e\" \"f\"))"},
    {"a . b @ c . d", "((NIL NIL \"a.b\" \"c.d\"))"},
    {"x@[192.0.2.1]", "((NIL NIL \"x\" \"[192.0.2.1]\"))"},
    {"=?utf-8?q?J=C3=B6rg?= <j@x>", "((\"=?utf-8?q?J=C3=B6rg?=\" NIL \"j\" \"x\"))"},
    {"J\xc3\xb6rg <j@x>", "(({5}\r\nJ\xc3\xb6rg NIL \"j\" \"x\"))"},
    {"a@b.c <a@b.c>", "((\"a@b.c\" NIL \"a\" \"b.c\"))"},
    {"folded\r\n name\r\n\t<a@b>", "((\"folded name\" NIL \"a\" \"b\"))"},
    /* RFC 7103 section 7.1 */
    {"<@example.net:fran@example.com>", "((NIL \"@example.net\" \"fran\" \"example.com\"))"},
    {"<<<user2@example.org>>>", "((NIL NIL \"user2\" \"example.org\"))"},
    {"<another@example.net", "((NIL NIL \"another\" \"example.net\"))"},
    {"second@example.org>", "((NIL NIL \"second\" \"example.org\"))"},
    {"(Testing <fran@example.com>", "((\"(Testing\" NIL \"fran\" \"example.com\"))"},
    {"Testing) <sam@example.com>", "((\"Testing)\" NIL \"sam\" \"example.com\"))"},
    {"<third@example.net, fourth@example.net>",
     "((NIL NIL \"third\" \"example.net\")(NIL NIL \"fourth\" \"example.net\"))"},
    {"\"Joe <joe@example.com>", "((\"Joe\" NIL \"joe\" \"example.com\"))"},
    {"Joe", "((NIL NIL \"Joe\" \"\"))"},
    {"@", "NIL"},
    {"<>", "NIL"},
    {",,,", "NIL"},
    {";", "NIL"},
    {"(only a comment)", "NIL"},
    {":", "NIL"},
    {"a:b@c", "((NIL NIL \"a\" NIL)(NIL NIL \"b\" \"c\")(NIL NIL NIL NIL))"},
    {"", "NIL"},
};

START_TEST(address_fields_give_lists)
{
    struct strbuf header = strbuf_new(1000), out = strbuf_new(2000), expect = strbuf_new(1000);

    ck_assert(strbuf_printf(&header, "To: %s\r\n\r\n", addresses[_i].body));
    ck_assert(
        strbuf_printf(&expect, "(NIL NIL NIL NIL NIL %s NIL NIL NIL NIL)", addresses[_i].list));
    imap_envelope(strbuf_slice(&header), &out);
    ck_assert_str_eq(strbuf_cstr(&out), strbuf_cstr(&expect));
    strbuf_free(&header);
    strbuf_free(&out);
    strbuf_free(&expect);
}
END_TEST

static const struct {
    const char *header, *envelope;
} envelopes[] = {
    /* RFC 3501 section 8 */
    {"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
     "From: Terry Gray <gray@cac.washington.edu>\r\n"
     "Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
     "To: imap@cac.washington.edu\r\n"
     "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
     "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
     "MIME-Version: 1.0\r\n"
     "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n",
     "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg summary and minutes\" "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
     "((NIL NIL \"imap\" \"cac.washington.edu\")) "
     "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
     "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) "
     "NIL NIL \"<B27397-0100000@cac.washington.edu>\")"},
    {"Subject:\r\nFrom: a@b\r\nSender:\r\nReply-To: r@s\r\n\r\n",
     "(NIL \"\" ((NIL NIL \"a\" \"b\")) ((NIL NIL \"a\" \"b\")) ((NIL NIL \"r\" \"s\")) "
     "NIL NIL NIL NIL NIL)"},
    {"Subject: one\r\nSubject: two\r\nTo: a@b\r\nTo: c@d\r\n\r\n",
     "(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)"},
    {"Subject: folded\r\n  here \"and\" there\r\nIn-Reply-To: <x@y>\r\n",
     "(NIL \"folded  here \\\"and\\\" there\" NIL NIL NIL NIL NIL NIL \"<x@y>\" NIL)"},
    {"garbage line\r\nSubject: s\r\n\r\n", "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
    {"", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
};

START_TEST(headers_give_envelopes)
{
    struct strbuf out = strbuf_new(4000);

    imap_envelope(slice_of(envelopes[_i].header), &out);
    ck_assert_str_eq(strbuf_cstr(&out), envelopes[_i].envelope);
    strbuf_free(&out);
}
END_TEST

START_TEST(unbalanced_input_takes_linear_time)
{
    static const char *const patterns[] = {"(", "\"", "<", "<@a,", "((\\", "a@", "[", "\"(<"};
    struct strbuf body = strbuf_new(1 << 20);
    struct address_list list;
    struct address_entry entry;
    size_t count = 0;

    while (body.len < 500000 && strbuf_str(&body, patterns[_i]))
        ;
    list = address_list_begin(strbuf_slice(&body));
    while (address_list_next(&list, &entry))
        count++;
    address_list_end(&list);
    ck_assert_uint_le(count, body.len);
    strbuf_free(&body);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_envelope");
    TCase *tc = tcase_create("imap_envelope");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, address_fields_give_lists, 0, (int)ARRAY_LEN(addresses));
    tcase_add_loop_test(tc, headers_give_envelopes, 0, (int)ARRAY_LEN(envelopes));
    tcase_add_loop_test(tc, unbalanced_input_takes_linear_time, 0, 8);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
