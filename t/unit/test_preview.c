/*
 * t/unit/test_preview.c - the first words of a message (lib/mail/preview and html_text).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/html_text.h"
#include "lib/mail/preview.h"

static const struct {
    const char *html, *text;
} documents[] = {
    {"plain", "plain"},
    {"<p>one</p><p>t<b>w</b>o", " one  two"},
    {"a<br/>b<td>c", "a b c"},
    {"<HTML><head><title>no</title><style>p > q {x:y}</style></head><body>yes", "  yes"},
    {"<head><style>x</style><body class=\"a>b\">yes", "yes"},
    {"<script>if (a < b && \"</p>\" > 'c) x = '<b>';</script>seen", "seen"},
    {"<title>x</title>y<Style>z</STYLE>", "y"},
    {"x<!-- <p> -- > --->y<!-->z-->w", "xyw"},
    {"1 < 2 &amp;&amp; 3 &gt; 2 & 5 <6", "1 < 2 && 3 > 2 & 5 <6"},
    {"&#65;&#x42;&#X63; &uuml;&unknown; &#xffffffff;&#; &",
     "ABc \xc3\xbc&unknown; \xef\xbf\xbd&#; "},
    {"a<img alt='>' src=\">\">b", "a b"},
    {"a<", "a"},
    {"a&am", "a"},
};

/* Whether it comes at once or byte by byte. */
START_TEST(html_becomes_text)
{
    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        for (size_t step = 1; step < 100; step += 98) {
            struct strbuf out = strbuf_new(1000);
            struct html_text h = {.state = HTML_TEXT_TEXT};
            struct slice rest = slice_of(documents[i].html);

            while (rest.len > 0) {
                ck_assert(html_text_feed(&h, slice_sub(rest, 0, step), &out));
                rest = slice_sub(rest, step, rest.len);
            }
            ck_assert_str_eq(strbuf_cstr(&out), documents[i].text);
            strbuf_free(&out);
        }
}
END_TEST

#define TYPE(type) "Content-Type: " type "\r\n\r\n"
#define MULTI(subtype) TYPE("multipart/" subtype "; boundary=b")
#define PART(text) "--b\r\n" text "\r\n"

static const struct {
    const char *message, *preview;
} previews[] = {
    {"Subject: x\r\n\r\nHello,\r\n\r\n  this \t is\r\nme.\r\n", "Hello, this is me."},
    {"\r\n> quoted\r\n>> more\r\nanswer > x\r\n>again\r\nend", "answer > x end"},
    {"\r\nhi\r\n-- \r\nsignature\r\n", "hi"},
    {"\r\n-- no\r\n--\r\n-x\r\n--\r\n", "-- no -- -x --"},
    {TYPE("text/html") "<style>a</style><p>Good&nbsp;day<br>all &lt;3", "Good day all <3"},
    {TYPE("text/html; charset=iso-8859-1") "<b>\xfc</b>", "\xc3\xbc"},
    {"Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nw7xiZXI=",
     "\xc3\xbc"
     "ber"},
    {"\r\na\xe2\x80\x8b\xcd\x8f\xc2\xad"
     "b\xef\xbb\xbf\x01",
     "ab"},
    {MULTI("alternative") PART(TYPE("text/html") "<p>h") PART(TYPE("text/plain") "p") "--b--", "p"},
    {MULTI("alternative") PART(TYPE("text/plain") " \r\n ") PART(TYPE("text/html") "<p>h") "--b--",
     "h"},
    {MULTI("mixed") PART("Content-Disposition: attachment\r\n\r\nno") PART(TYPE("image/png") "no")
         PART("\r\nyes") "--b--",
     "yes"},
    {MULTI("encrypted") PART(TYPE("application/octet-stream") "x") "--b--", ""},
    {TYPE("image/png") "abc", ""},
    {"Content-Transfer-Encoding: x-odd\r\n\r\nabc", ""},
    {TYPE("message/rfc822") "Subject: s\r\n\r\ninner", "inner"},
    {"", ""},
    {"\r\n\xff\xfe bad", "\xef\xbf\xbd\xef\xbf\xbd bad"},
};

static void
check(struct slice message, const char *expected)
{
    struct strbuf out = strbuf_new(PREVIEW_BYTES_MAX);
    struct mime m;

    mime_parse(message, &m);
    preview_make(&m, &out);
    ck_assert(!out.overflow);
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    mime_free(&m);
    strbuf_free(&out);
}

START_TEST(the_first_words_are_shown)
{
    for (size_t i = 0; i < ARRAY_LEN(previews); i++)
        check(slice_of(previews[i].message), previews[i].preview);
}
END_TEST

/* Characters are counted, not bytes, and none is cut. */
START_TEST(two_hundred_characters_are_enough)
{
    struct strbuf text = strbuf_new(1 << 20), expected = strbuf_new(4096);

    (void)strbuf_str(&text, TYPE("text/plain; charset=utf-8"));
    for (int i = 0; i < 10000; i++) {
        (void)strbuf_str(&text, "\xf0\x9f\x98\x80");
        if (i < PREVIEW_CHARS_MAX)
            (void)strbuf_str(&expected, "\xf0\x9f\x98\x80");
    }
    check(strbuf_slice(&text), strbuf_cstr(&expected));
    strbuf_free(&text);
    strbuf_free(&expected);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("preview");
    TCase *tc = tcase_create("preview");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, html_becomes_text);
    tcase_add_test(tc, the_first_words_are_shown);
    tcase_add_test(tc, two_hundred_characters_are_enough);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
