/*
 * t/unit/test_smtp_trace.c - smtpd's Return-Path and Received.
 */
// LINK: smtpd/trace.c
#include <check.h>
#include <stdlib.h>

#include "lib/mail/header.h"
#include "smtpd/trace.h"

static const struct trace plain = {
    .sender = {"a@far.test", 10},
    .helo = "client.test",
    .client_ip = "192.0.2.1",
    .hostname = "mail.d.test",
    .is_extended = true,
    .queue_id = "8Dpd8a8hXktMsCC",
    .recipient = {"bob@d.test", 10},
    .received_ms = 1795428000000,
};

START_TEST(fields_of_an_ordinary_message)
{
    struct strbuf out = strbuf_new(TRACE_MAX);

    ck_assert(trace_write(&plain, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "Return-Path: <a@far.test>\r\n"
                                        "Received: from client.test ([192.0.2.1])\r\n"
                                        "\tby mail.d.test with ESMTP id 8Dpd8a8hXktMsCC\r\n"
                                        "\tfor <bob@d.test>; Mon, 23 Nov 2026 10:00:00 +0000\r\n");
    strbuf_free(&out);
}
END_TEST

START_TEST(submitted_mail_is_completed)
{
    struct strbuf out = strbuf_new(TRACE_MAX);
    struct trace trace = plain;

    trace.recipient = slice_make(NULL, 0);
    trace.add_date = trace.add_message_id = trace.add_empty_line = true;
    ck_assert(trace_write(&trace, &out));
    ck_assert(strbuf_ends_with(&out, "8Dpd8a8hXktMsCC; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
                                     "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
                                     "Message-ID: <8Dpd8a8hXktMsCC@mail.d.test>\r\n\r\n"));
    strbuf_free(&out);
}
END_TEST

START_TEST(fields_that_options_add)
{
    struct strbuf out = strbuf_new(TRACE_MAX);
    struct trace trace = plain;

    trace.auth_user = SLICE("alice@d.test");
    trace.added_sender = SLICE("alice@d.test");
    trace.add_originating_ip = true;
    ck_assert(trace_write(&trace, &out));
    ck_assert(strbuf_ends_with(&out, "+0000\r\nSender: <alice@d.test>\r\n"
                                     "X-Originating-IP: [192.0.2.1]\r\n"
                                     "X-AuthUser: alice@d.test\r\n"));
    strbuf_free(&out);
}
END_TEST

START_TEST(a_hidden_client_is_nowhere)
{
    struct strbuf out = strbuf_new(TRACE_MAX);
    struct trace trace = plain;
    struct header_summary summary;

    trace.helo = "[192.0.2.1]";
    trace.add_originating_ip = trace.hides_client = true;
    trace.tls_version = "TLSv1.3";
    trace.tls_cipher = "X";
    ck_assert(trace_write(&trace, &out));
    ck_assert_uint_eq(slice_find(strbuf_slice(&out), SLICE("192.0.2")), out.len);
    ck_assert_uint_lt(slice_find(strbuf_slice(&out), SLICE("(using TLSv1.3 with")), out.len);
    header_summarize(strbuf_slice(&out), 100, &summary);
    ck_assert(summary.received == 1 && !summary.is_malformed);
    strbuf_free(&out);
}
END_TEST

static const struct {
    const char *helo, *ip, *from;
} names[] = {
    {"[192.0.2.9]", "192.0.2.1", "[192.0.2.9] ([192.0.2.1])"},
    {"x.test", "2001:db8::1", "x.test ([IPv6:2001:db8::1])"},
    /* what is neither domain nor literal does not get into our field */
    {"under_score", "192.0.2.1", "[192.0.2.1] ([192.0.2.1])"},
    {"a)(b", "192.0.2.1", "[192.0.2.1] ([192.0.2.1])"},
    {"", "192.0.2.1", "[192.0.2.1] ([192.0.2.1])"},
    {"x;", "2001:db8::1", "[IPv6:2001:db8::1] ([IPv6:2001:db8::1])"},
};

START_TEST(from_clause)
{
    struct strbuf out = strbuf_new(TRACE_MAX), want = strbuf_new(200);
    struct trace trace = plain;

    trace.helo = names[_i].helo;
    trace.client_ip = names[_i].ip;
    ck_assert(trace_write(&trace, &out));
    (void)strbuf_printf(&want, "Received: from %s\r\n\tby ", names[_i].from);
    ck_assert_uint_lt(slice_find(strbuf_slice(&out), strbuf_slice(&want)), out.len);
    strbuf_free(&out);
    strbuf_free(&want);
}
END_TEST

static const struct {
    bool extended, authenticated, tls, utf8;
    const char *with;
} protocols[] = {
    {false, false, false, false, "SMTP"},   {true, false, false, false, "ESMTP"},
    {true, true, false, false, "ESMTPA"},   {true, false, true, false, "ESMTPS"},
    {true, true, true, false, "ESMTPSA"},   {true, false, false, true, "UTF8SMTP"},
    {true, true, true, true, "UTF8SMTPSA"}, {false, false, true, false, "ESMTPS"},
    {true, false, true, true, "UTF8SMTPS"}, {true, true, false, true, "UTF8SMTPA"},
};

START_TEST(with_keyword)
{
    struct trace trace = plain;

    trace.is_extended = protocols[_i].extended;
    trace.is_authenticated = protocols[_i].authenticated;
    trace.is_utf8 = protocols[_i].utf8;
    trace.tls_version = protocols[_i].tls ? "TLSv1.3" : NULL;
    trace.tls_cipher = "X";
    ck_assert_str_eq(trace_protocol(&trace), protocols[_i].with);
    trace.is_lmtp = true;
    ck_assert_str_eq(trace_protocol(&trace), protocols[_i].utf8 ? "UTF8LMTP" : "LMTP");
}
END_TEST

START_TEST(all_of_it_is_header_fields)
{
    struct strbuf out = strbuf_new(TRACE_MAX);
    struct trace trace = plain;
    struct header_summary summary;

    trace.tls_version = "TLSv1.3";
    trace.tls_cipher = "TLS_AES_256_GCM_SHA384";
    trace.add_date = trace.add_message_id = true;
    ck_assert(trace_write(&trace, &out));
    header_summarize(strbuf_slice(&out), 100, &summary);
    ck_assert_uint_eq(summary.fields, 4);
    ck_assert_uint_eq(summary.received, 1);
    ck_assert(!summary.is_malformed);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_trace");
    TCase *tc = tcase_create("smtp_trace");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, fields_of_an_ordinary_message);
    tcase_add_test(tc, submitted_mail_is_completed);
    tcase_add_test(tc, fields_that_options_add);
    tcase_add_test(tc, a_hidden_client_is_nowhere);
    tcase_add_loop_test(tc, from_clause, 0, (int)ARRAY_LEN(names));
    tcase_add_loop_test(tc, with_keyword, 0, (int)ARRAY_LEN(protocols));
    tcase_add_test(tc, all_of_it_is_header_fields);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
