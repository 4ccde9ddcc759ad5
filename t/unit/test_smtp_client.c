/*
 * t/unit/test_smtp_client.c - lib/smtp: replies of a server, and content on its way out.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/smtp/smtp_dot.h"
#include "lib/smtp/smtp_reply.h"

static const struct {
    const char *lines;             /* each with its LF */
    enum smtp_reply_status status; /* of the last */
    unsigned code;
    const char *dsn, *text;
} replies[] = {
    {"250 ok\r\n", SMTP_REPLY_DONE, 250, "2.0.0", "250 ok"},
    {"250\r\n", SMTP_REPLY_DONE, 250, "2.0.0", "250 "},
    {"250 2.1.5 fine\r\n", SMTP_REPLY_DONE, 250, "2.1.5", "250 2.1.5 fine"},
    {"550-5.1.1 no\r\n550 5.1.1 body\r\n", SMTP_REPLY_DONE, 550, "5.1.1",
     "550 5.1.1 no 5.1.1 body"},
    {"550 4.1.1 liar\r\n", SMTP_REPLY_DONE, 550, "5.0.0", "550 4.1.1 liar"},
    {"450 4.7 x\r\n", SMTP_REPLY_DONE, 450, "4.0.0", "450 4.7 x"},
    {"450 4.1234.1 x\r\n", SMTP_REPLY_DONE, 450, "4.0.0", "450 4.1234.1 x"},
    {"450 4.123.456\r\n", SMTP_REPLY_DONE, 450, "4.123.456", "450 4.123.456"},
    {"554 \x1b[2J\xc3\xa4\r\n", SMTP_REPLY_DONE, 554, "5.0.0", "554 ?[2J??"},
    {"250-a\r\n", SMTP_REPLY_MORE, 250, NULL, NULL},
    {"250 lone LF\n", SMTP_REPLY_DONE, 250, "2.0.0", "250 lone LF"},
    {"25\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"hello\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"150 x\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"600 x\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"250_x\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"HTTP/1.1 400 Bad Request\r\n", SMTP_REPLY_BAD, 0, NULL, NULL},
    {"", SMTP_REPLY_BAD, 0, NULL, NULL},
};

static enum smtp_reply_status
feed(struct smtp_reply *reply, struct slice lines)
{
    enum smtp_reply_status status;

    do
        status = smtp_reply_line(reply, slice_cut_after(&lines, '\n'));
    while (lines.len > 0 && status == SMTP_REPLY_MORE);
    return status;
}

START_TEST(replies_are_taken_apart)
{
    struct smtp_reply reply = smtp_reply_new();
    char dsn[SMTP_DSN_MAX], text[100];

    ck_assert_int_eq(feed(&reply, slice_of(replies[_i].lines)), replies[_i].status);
    ck_assert_uint_eq(reply.code, replies[_i].code);
    if (replies[_i].dsn != NULL) {
        smtp_reply_dsn(&reply, dsn);
        smtp_reply_text(&reply, text, sizeof(text));
        ck_assert_str_eq(dsn, replies[_i].dsn);
        ck_assert_str_eq(text, replies[_i].text);
    }
    smtp_reply_free(&reply);
}
END_TEST

START_TEST(a_reply_has_an_end)
{
    struct smtp_reply reply = smtp_reply_new();

    for (int i = 0; i < SMTP_REPLY_LINES_MAX; i++)
        ck_assert_int_eq(smtp_reply_line(&reply, SLICE("250-x\r\n")), SMTP_REPLY_MORE);
    ck_assert_int_eq(smtp_reply_line(&reply, SLICE("250-x\r\n")), SMTP_REPLY_BAD);
    smtp_reply_free(&reply);
}
END_TEST

START_TEST(long_text_is_cut)
{
    struct smtp_reply reply = smtp_reply_new();
    char text[8];

    ck_assert_int_eq(smtp_reply_line(&reply, SLICE("550 0123456789\r\n")), SMTP_REPLY_DONE);
    smtp_reply_text(&reply, text, sizeof(text));
    ck_assert_str_eq(text, "550 012");
    smtp_reply_free(&reply);
}
END_TEST

START_TEST(keywords_of_ehlo)
{
    struct smtp_reply reply = smtp_reply_new();
    struct slice value;

    (void)feed(&reply, SLICE("250-SIZE.example greets\r\n250-size 1000\r\n250-8BITMIME\r\n"
                             "250 SMTPUTF8X\r\n"));
    ck_assert(smtp_reply_keyword(&reply, "SIZE", &value));
    ck_assert(slice_eq(value, SLICE("1000")));
    ck_assert(smtp_reply_keyword(&reply, "8BITMIME", &value));
    ck_assert_uint_eq(value.len, 0);
    ck_assert(!smtp_reply_keyword(&reply, "SMTPUTF8", &value));
    ck_assert(!smtp_reply_keyword(&reply, "SIZE.example", &value));
    smtp_reply_free(&reply);
}
END_TEST

static const struct {
    const char *content, *sent;
} dots[] = {
    {"a\r\n", "a\r\n.\r\n"},
    {"", ".\r\n"},
    {"a", "a\r\n.\r\n"},
    {"a\r", "a\r\n.\r\n"},
    {".\r\n..\r\n.a\r\n", "..\r\n...\r\n..a\r\n.\r\n"},
    {"a.\r\nb", "a.\r\nb\r\n.\r\n"},
    {".", "..\r\n.\r\n"},
    {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
    /* no bare CR or LF leaves us */
    {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
    {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
    {"a\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n"},
    {"a\r\r\n", "a\r\n\r\n.\r\n"},
    {"\n\r", "\r\n\r\n.\r\n"},
};

START_TEST(content_is_stuffed_however_it_is_cut)
{
    for (size_t step = 1; step < 12; step++) {
        struct slice left = slice_of(dots[_i].content);
        struct strbuf sent = strbuf_new(256);
        struct smtp_dot dot = {.inside_line = false};

        while (left.len > 0) {
            struct slice input = slice_sub(left, 0, step), piece;

            left = slice_sub(left, step, left.len);
            while (smtp_dot_next(&dot, &input, &piece))
                (void)strbuf_append(&sent, piece);
        }
        (void)strbuf_append(&sent, smtp_dot_end(&dot));
        ck_assert_str_eq(strbuf_cstr(&sent), dots[_i].sent);
        strbuf_free(&sent);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_client");
    TCase *tc = tcase_create("smtp_client");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, replies_are_taken_apart, 0, (int)ARRAY_LEN(replies));
    tcase_add_test(tc, a_reply_has_an_end);
    tcase_add_test(tc, long_text_is_cut);
    tcase_add_test(tc, keywords_of_ehlo);
    tcase_add_loop_test(tc, content_is_stuffed_however_it_is_cut, 0, (int)ARRAY_LEN(dots));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
