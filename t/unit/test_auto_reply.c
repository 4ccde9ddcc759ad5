/*
 * t/unit/test_auto_reply.c - lib/mail/auto_reply: which mail is answered, whom it names, and what
 * the answer takes over from it.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/auto_reply.h"

#define USER SLICE("alice@d.test")

static struct strbuf out;

static void
setup(void)
{
    out = strbuf_new(65536);
}

static void
teardown(void)
{
    strbuf_free(&out);
}

static const struct {
    const char *header, *sender;
    bool answered;
} mails[] = {
    {"", "bob@far.test", true},
    {"Auto-Submitted: no\r\n", "bob@far.test", true},
    {"Auto-Submitted: No (really)\r\n", "bob@far.test", true},
    {"Precedence: first-class\r\n", "bob@far.test", true},
    {"X-List-Id: x\r\n", "bob@far.test", true},
    {"", "owner@far.test", true},
    {"", "request@far.test", true},
    {"", "", false},
    {"", "MAILER-DAEMON@far.test", false},
    {"", "owner-list@far.test", false},
    {"", "list-owner@far.test", false},
    {"", "List-Request@far.test", false},
    {"", "list-bounces@far.test", false},
    {"", "Alice@D.test", false},
    {"Auto-Submitted: auto-generated\r\n", "bob@far.test", false},
    {"auto-submitted:\r\n auto-replied; x=y\r\n", "bob@far.test", false},
    {"Auto-Submitted:\r\n", "bob@far.test", false},
    {"List-Id: x\r\n", "bob@far.test", false},
    {"list-unsubscribe: <mailto:x@far.test>\r\n", "bob@far.test", false},
    {"Precedence: bulk\r\n", "bob@far.test", false},
    {"Precedence: Junk\r\n", "bob@far.test", false},
    {"precedence:  list \r\n", "bob@far.test", false},
};

START_TEST(only_persons_are_answered)
{
    (void)strbuf_printf(&out, "Subject: x\r\n%sTo: alice@d.test\r\n\r\n", mails[_i].header);
    ck_assert((auto_reply_refusal(strbuf_slice(&out), slice_of(mails[_i].sender), USER) == NULL) ==
              mails[_i].answered);
}
END_TEST

START_TEST(a_header_without_end_is_not_answered)
{
    for (int i = 0; i < 2000; i++)
        (void)strbuf_str(&out, "X: y\r\n");
    (void)strbuf_str(&out, "\r\n");
    ck_assert_ptr_nonnull(auto_reply_refusal(strbuf_slice(&out), SLICE("bob@far.test"), USER));
}
END_TEST

START_TEST(recipients_are_named)
{
    auto_reply_named(SLICE("From: x@far.test\r\nTo: A <a@d.test>, g: \"b c\"@d.test;, broken\r\n"
                           "Cc: c@d.test\r\nReply-To: no@d.test\r\nResent-bcc: d@d.test\r\n"
                           "Bcc: e@d.test (com)\r\n\r\nTo: body@d.test\r\n"),
                     &out);
    ck_assert_str_eq(strbuf_cstr(&out), "a@d.test\nb c@d.test\nc@d.test\nd@d.test\ne@d.test\n");
}
END_TEST

START_TEST(named_recipients_have_a_bound)
{
    struct strbuf header = strbuf_new(65536);

    (void)strbuf_str(&header, "To: x@d.test");
    for (int i = 0; i < 1000; i++)
        (void)strbuf_str(&header, ",\r\n x@d.test");
    (void)strbuf_str(&header, "\r\n\r\n");
    auto_reply_named(strbuf_slice(&header), &out);
    ck_assert_uint_eq(out.len, AUTO_REPLY_NAMED_MAX * strlen("x@d.test\n"));
    strbuf_free(&header);
}
END_TEST

static const char *
reply_to(const char *header, struct slice text)
{
    strbuf_clear(&out);
    auto_reply_write(&(const struct auto_reply){.from = USER,
                                                .full_name = SLICE("Alice \"A\" Doe"),
                                                .to = SLICE("bob@far.test"),
                                                .header = slice_of(header),
                                                .no_subject = SLICE("your message"),
                                                .text = text,
                                                .message_id = "x@mail.d.test",
                                                .now_ms = 0},
                     &out);
    ck_assert(!out.overflow);
    return strbuf_cstr(&out);
}

START_TEST(a_reply_has_its_fields)
{
    const char *text = reply_to("Subject: =?utf-8?B?w7w=?= x\r\n y\r\nMessage-ID: <m@far.test>\r\n"
                                "References: <a@x> <b@x>\r\n\r\n",
                                SLICE("Away.\r\n"));

    ck_assert_str_eq(text, "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
                           "From: \"Alice \\\"A\\\" Doe\" <alice@d.test>\r\n"
                           "To: <bob@far.test>\r\n"
                           "Subject: Auto: =?utf-8?B?w7w=?= x y\r\n"
                           "Message-ID: <x@mail.d.test>\r\n"
                           "In-Reply-To: <m@far.test>\r\n"
                           "References: <a@x>\r\n <b@x>\r\n <m@far.test>\r\n"
                           "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                           "Content-Type: text/plain; charset=us-ascii\r\n"
                           "Content-Transfer-Encoding: 7bit\r\n\r\nAway.\r\n");
}
END_TEST

START_TEST(text_beyond_ascii_is_encoded)
{
    const char *text = reply_to("\r\n", SLICE("\xc3\x9c\r\n"));

    ck_assert_ptr_nonnull(strstr(text, "charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "base64\r\n\r\nw5wNCg==\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Subject: Auto: your message\r\n"));
    ck_assert_ptr_null(strstr(text, "In-Reply-To"));
}
END_TEST

/* What cannot be repeated is left out. */
static const char *const hostile[] = {
    "Subject: x\x01\x0d\x0b y\r\nMessage-ID: <a b@x>\r\n\r\n",
    "Subject: \xff\r\nMessage-ID: <a\x80@x>\r\n\r\n",
    "Subject:\r\nMessage-ID: a@x\r\nReferences: <<x> <y\r\n\r\n",
    "Message-ID: <>\r\n\r\n",
};

START_TEST(outside_text_forges_nothing)
{
    const char *text = reply_to(hostile[_i], SLICE("Away.\r\n"));

    ck_assert_ptr_nonnull(strstr(text, "Subject: Auto: your message\r\n"));
    ck_assert_ptr_null(strstr(text, "In-Reply-To"));
    for (const char *c = text; *c != '\0'; c++)
        ck_assert((unsigned char)*c < 0x80);
}
END_TEST

START_TEST(only_the_last_references_stay)
{
    struct strbuf header = strbuf_new(65536), expected = strbuf_new(65536);

    (void)strbuf_str(&header, "Message-ID: <m@x>\r\nReferences:");
    for (int i = 0; i < 50; i++)
        (void)strbuf_printf(&header, "\r\n <%d@x>", i);
    (void)strbuf_str(&header, "\r\n\r\n");
    (void)strbuf_str(&expected, "References:");
    for (int i = 30; i < 50; i++)
        (void)strbuf_printf(&expected, " <%d@x>\r\n", i);
    (void)strbuf_str(&expected, " <m@x>\r\n");
    ck_assert_ptr_nonnull(
        strstr(reply_to(strbuf_cstr(&header), SLICE("x")), strbuf_cstr(&expected)));
    strbuf_free(&header);
    strbuf_free(&expected);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("auto_reply");
    TCase *tc = tcase_create("auto_reply");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, only_persons_are_answered, 0, (int)ARRAY_LEN(mails));
    tcase_add_test(tc, a_header_without_end_is_not_answered);
    tcase_add_test(tc, recipients_are_named);
    tcase_add_test(tc, named_recipients_have_a_bound);
    tcase_add_test(tc, a_reply_has_its_fields);
    tcase_add_test(tc, text_beyond_ascii_is_encoded);
    tcase_add_loop_test(tc, outside_text_forges_nothing, 0, (int)ARRAY_LEN(hostile));
    tcase_add_test(tc, only_the_last_references_stay);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
