/*
 * t/unit/test_dsn.c - lib/mail/dsn: the parts of a notification, and text from outside made
 * harmless.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/dsn.h"

static struct strbuf out;
static struct template_text wording;

static struct dsn
plain_dsn(struct dsn_rcpt *rcpt)
{
    *rcpt = (struct dsn_rcpt){.action = DSN_FAILED,
                              .address = SLICE("bob@far.test"),
                              .status = SLICE("5.1.1"),
                              .diagnostic = SLICE("550 5.1.1 no such user"),
                              .remote = SLICE("mx.far.test")};
    return (struct dsn){.wording = &wording,
                        .hostname = "mail.d.test",
                        .from = "postmaster@d.test",
                        .message_id = "x@mail.d.test",
                        .queue_id = "abc",
                        .to = SLICE("alice@d.test"),
                        .sender = SLICE("alice@d.test"),
                        .rcpts = rcpt,
                        .rcpt_count = 1};
}

static const char *
write_out(const struct dsn *dsn)
{
    char boundary[DSN_BOUNDARY_SIZE];

    strbuf_clear(&out);
    dsn_begin(&out, dsn, boundary);
    dsn_end(&out, boundary);
    ck_assert(!out.overflow);
    return strbuf_cstr(&out);
}

static void
setup(void)
{
    out = strbuf_new(1u << 20);
    wording.subject = SLICE("Mail for @recipient@ is late");
    wording.body =
        SLICE("From @hostname@ to <@sender@>, until @retry_until@.\n@recipients@\nBye.\n");
}

static void
teardown(void)
{
    strbuf_free(&out);
}

START_TEST(fields_are_those_of_the_rfc)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    const char *text;

    rcpt.original = SLICE("rfc822;a+2Bb@far.test");
    dsn.envid = SLICE("QQ+3D1");
    text = write_out(&dsn);
    ck_assert_ptr_nonnull(strstr(text, "\r\nReporting-MTA: dns; mail.d.test\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nOriginal-Envelope-Id: QQ=1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nOriginal-Recipient: rfc822; a+b@far.test\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nFinal-Recipient: rfc822; bob@far.test\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nAction: failed\r\nStatus: 5.1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nRemote-MTA: dns; mx.far.test\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: message/delivery-status\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/rfc822-headers\r\n"));
    ck_assert_ptr_null(strstr(text, "Will-Retry-Until"));
    ck_assert_ptr_null(strstr(text, "Final-Log-ID")); /* the other side's, which nobody knows */
    ck_assert_ptr_nonnull(strstr(text, "\r\nLast-Attempt-Date: "));
    rcpt.remote = SLICE("");
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "\r\nFinal-Log-ID: abc\r\n"));
}
END_TEST

START_TEST(will_retry_is_for_delays_alone)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);

    rcpt.action = DSN_DELAYED;
    dsn.retry_until_ms = 1000;
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "\r\nWill-Retry-Until: "));
}
END_TEST

/* RFC 2852 section 5, RFC 4865 section 5.1.2 */
START_TEST(what_the_sender_asked_for_is_told)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    const char *text = write_out(&dsn);

    ck_assert_ptr_null(strstr(text, "Deliver-By-Date"));
    ck_assert_ptr_null(strstr(text, "Future-Release-Request"));
    dsn.deliver_by_ms = 1795793320000;
    dsn.hold_request = SLICE("until;2026-11-27T09:30:00Z\r\nStatus: 2.0.0");
    text = write_out(&dsn);
    ck_assert_ptr_nonnull(strstr(text, "\r\nDeliver-By-Date: Fri, 27 Nov 2026 15:28:40 +0000\r\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\r\nFuture-Release-Request: until;2026-11-27T09:30:00Z  Status: 2.0.0\r\n"));
}
END_TEST

START_TEST(outside_text_forges_no_field)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    const char *text;

    rcpt.diagnostic = SLICE("550 x\r\nAction: delivered\r\n\r\n--boundary");
    rcpt.address = SLICE("\"a\r\nSubject: forged\"@far.test");
    rcpt.remote = SLICE("mx\r\nStatus: 2.0.0");
    dsn.to = SLICE("\"a\nBcc: b\"@d.test");
    text = write_out(&dsn);
    ck_assert_ptr_null(strstr(text, "\nAction: delivered"));
    ck_assert_ptr_null(strstr(text, "\nSubject: forged"));
    ck_assert_ptr_null(strstr(text, "\nStatus: 2.0.0"));
    ck_assert_ptr_null(strstr(text, "\nBcc:"));
}
END_TEST

START_TEST(utf8_addresses_make_global_parts)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    const char *text;

    ck_assert(!dsn_needs_utf8(&dsn));
    rcpt.diagnostic = SLICE("550 gr\xc3\xbc\xc3\x9f");
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "550 gr????")); /* 7-bit parts stay 7-bit */
    rcpt.address = SLICE("j\xc3\xb6rg@far.test");
    ck_assert(dsn_needs_utf8(&dsn));
    text = write_out(&dsn);
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: message/global-delivery-status\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: message/global-headers\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Final-Recipient: utf-8; j\xc3\xb6rg@far.test\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "550 gr\xc3\xbc\xc3\x9f"));
}
END_TEST

START_TEST(wording_comes_from_the_template)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);

    rcpt.member = SLICE("x@far.test");
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "\r\nSubject: Mail for @recipient@ is late\r\n"));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&out),
                                 "charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
                                 "From mail.d.test to <alice@d.test>, until .\r\n"
                                 "<bob@far.test>\r\n    member: <x@far.test>\r\n"
                                 "    host: mx.far.test\r\n    550 5.1.1 no such user\r\n"
                                 "Bye.\r\n"));
    rcpt.action = DSN_RELAYED;
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "    host: mx.far.test\r\n    relayed\r\n"));
}
END_TEST

/* A template in another language: 7-bit mail stays 7-bit mail. */
START_TEST(foreign_wording_is_encoded)
{
    const struct template_text german = {SLICE("Unzustellbar: @sender@, gr\xc3\xbc\xc3\x9f"),
                                         SLICE("\xc3\x9c\n@recipients@"), NULL};
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    const char *text;

    dsn.wording = &german;
    ck_assert(!dsn_needs_8bit(&dsn));
    text = write_out(&dsn);
    for (const char *c = text; *c != '\0'; c++)
        ck_assert((unsigned char)*c < 0x80);
    ck_assert_ptr_nonnull(strstr(text, "\r\nSubject: =?utf-8?B?"));
    ck_assert_ptr_nonnull(
        strstr(text, "charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw5wNCjxib2J"));
    dsn.smtputf8 = true;
    ck_assert_ptr_nonnull(strstr(write_out(&dsn), "\r\n\r\n\xc3\x9c\r\n<bob@far.test>\r\n"));
}
END_TEST

START_TEST(lines_keep_their_limit)
{
    struct dsn_rcpt rcpt;
    struct dsn dsn = plain_dsn(&rcpt);
    static char longest[1024];
    struct slice rest;

    memset(longest, 'x', sizeof(longest));
    rcpt.diagnostic = slice_make(longest, sizeof(longest));
    rcpt.address = slice_make(longest, sizeof(longest));
    rcpt.member = rcpt.remote = dsn.sender = rcpt.original = rcpt.address;
    (void)write_out(&dsn);
    rest = strbuf_slice(&out);
    while (rest.len > 0)
        ck_assert_uint_le(slice_cut_after(&rest, '\n').len, 1000);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("dsn");
    TCase *tc = tcase_create("dsn");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, fields_are_those_of_the_rfc);
    tcase_add_test(tc, will_retry_is_for_delays_alone);
    tcase_add_test(tc, what_the_sender_asked_for_is_told);
    tcase_add_test(tc, outside_text_forges_no_field);
    tcase_add_test(tc, utf8_addresses_make_global_parts);
    tcase_add_test(tc, wording_comes_from_the_template);
    tcase_add_test(tc, foreign_wording_is_encoded);
    tcase_add_test(tc, lines_keep_their_limit);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
