/*
 * t/unit/test_footer.c - lib/mail/footer: a signature in the texts of a message, in their character
 * sets and encodings, and everything else as it was.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/charset.h"
#include "lib/mail/content_type.h"
#include "lib/mail/footer.h"
#include "lib/mail/mime.h"
#include "lib/mail/quoted_printable.h"

#define ASCII_TEXT "-- \r\nThe firm, d.test\r\n"
#define WIDE_TEXT "Die Firma \xc3\xbc \xe5\x85\xac\xe5\x8f\xb8\r\n"
#define HTML "<div>The firm &#252;</div>\r\n"

static struct footer
footer_of(bool wide)
{
    return (struct footer){wide ? SLICE(WIDE_TEXT) : SLICE(ASCII_TEXT), SLICE(HTML)};
}

static struct strbuf out;

static void
setup(void)
{
    out = strbuf_new(1u << 20);
}

static void
teardown(void)
{
    strbuf_free(&out);
}

/* ---- byte for byte ---- */

static const struct {
    const char *before, *after; /* after: NULL, it stays */
    bool wide;
} cases[] = {
    {"Subject: x\r\n\r\nhello\r\n", "Subject: x\r\n\r\nhello\r\n\r\n" ASCII_TEXT, false},
    {"Subject: x\r\n\r\nhello", "Subject: x\r\n\r\nhello\r\n\r\n-- \r\nThe firm, d.test", false},
    {"Subject: x\r\n\r\n", "Subject: x\r\n\r\n\r\n" ASCII_TEXT, false},
    /* already there: sent again, or quoted in a reply */
    {"Subject: x\r\n\r\nhello\r\n\r\n" ASCII_TEXT, NULL, false},
    {"Subject: x\r\n\r\nyes\r\n> hello\r\n>\r\n> --\r\n> The firm, d.test\r\n", NULL, false},
    /* UTF-8 as it stands */
    {"Content-Type: text/plain; charset=UTF-8\r\n\r\n\xc3\xa4\r\n",
     "Content-Type: text/plain; charset=UTF-8\r\n\r\n\xc3\xa4\r\n\r\n" WIDE_TEXT, true},
    /* no header at all, or none that ends: nothing is known of it */
    {"hello\r\n", NULL, false},
    {"Subject: x\r\n", NULL, false},
    /* quoted-printable: what ends a line, and what goes on */
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\r\n",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3D\r\n\r\n--=20\r\nThe firm, d.test\r\n",
     false},
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\nabc=\r\n",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nabc=\r\n\r\n\r\n--=20\r\nThe firm, d.test",
     false},
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\nabc=",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\nabc=\r\n\r\n\r\n--=20\r\nThe firm, d.test",
     false},
    {"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
     "quoted-printable\r\n\r\n=C3=A4\r\n",
     "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
     "quoted-printable\r\n\r\n"
     "=C3=A4\r\n\r\nDie Firma =C3=BC =E5=85=AC=E5=8F=B8\r\n",
     true},
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\n",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n\r\n--=20\r\nThe firm, d.test\r\n", false},
    {"Content-Transfer-Encoding: quoted-printable\r\n\r\na=0D=0A",
     "Content-Transfer-Encoding: quoted-printable\r\n\r\na=0D=0A\r\n\r\n--=20\r\nThe firm, "
     "d.test\r\n",
     false},
    /* HTML: before the end of the document */
    {"Content-Type: text/html\r\n\r\n<html><body>x</BODY></html>\r\n",
     "Content-Type: text/html\r\n\r\n<html><body>x" HTML "</BODY></html>\r\n", true},
    {"Content-Type: text/html\r\n\r\n<p>x\r\n", "Content-Type: text/html\r\n\r\n<p>x\r\n" HTML,
     true},
    /* the character set cannot carry it */
    {"Subject: x\r\n\r\nhello\r\n",
     "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "hello\r\n\r\nDie Firma =C3=BC =E5=85=AC=E5=8F=B8\r\n",
     true},
    {"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1; "
     "format=flowed\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe4\r\n",
     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8;\r\n\tformat=flowed\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "=C3=A4\r\n\r\nDie Firma =C3=BC =E5=85=AC=E5=8F=B8\r\n",
     true},
    /* seven bits stay seven bits */
    {"Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n",
     "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
     "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
     "hello\r\n\r\nDie Firma =C3=BC =E5=85=AC=E5=8F=B8\r\n",
     true},
    /* a set that nobody knows, or text that is not what it says */
    {"Content-Type: text/plain; charset=x-martian\r\n\r\nhello\r\n", NULL, true},
    {"Content-Type: text/plain; charset=x-martian\r\n\r\nhello\r\n",
     "Content-Type: text/plain; charset=x-martian\r\n\r\nhello\r\n\r\n" ASCII_TEXT, false},
    {"Subject: x\r\n\r\n\xe4\r\n", NULL, true},
    /* signed and encrypted mail, reports */
    {"Content-Type: multipart/signed; boundary=b; protocol=\"application/pgp-signature\"\r\n\r\n"
     "--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
     NULL, false},
    {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\ntext\r\n--a\r\n"
     "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b--\r\n--a--\r\n",
     NULL, false},
    {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIAG\r\n", NULL,
     false},
    {"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b--\r\n", NULL,
     false},
    {"Subject: x\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQ\r\n-----END PGP MESSAGE-----\r\n",
     NULL, false},
    {"Subject: x\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n", NULL, false},
    {"DKIM-Signature: v=1; a=rsa-sha256\r\nSubject: x\r\n\r\nhello\r\n", NULL, false},
    /* no text to stand under */
    {"Content-Type: image/png\r\n\r\nPNG\r\n", NULL, false},
    {"Content-Disposition: attachment; filename=a.txt\r\n\r\nhello\r\n", NULL, false},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
     "image/png\r\n\r\nPNG\r\n"
     "--b\r\n\r\ntext\r\n--b--\r\n",
     NULL, false},
};

START_TEST(messages_get_it_or_stay)
{
    struct footer footer = footer_of(cases[_i].wide);
    bool done = footer_insert(slice_of(cases[_i].before), &footer, &out);

    ck_assert_msg(done == (cases[_i].after != NULL), "case %d", _i);
    ck_assert_str_eq(strbuf_cstr(&out), done ? cases[_i].after : "");
}
END_TEST

/* ---- in many parts ---- */

#define PART(type, text) "--b\r\nContent-Type: " type "\r\n\r\n" text "\r\n"

START_TEST(alternatives_get_it_in_each_text)
{
    static const char before[] =
        "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n" PART("text/plain", "hello") PART(
            "text/html", "<body>hello</body>") "--b--\r\n\r\n--a\r\nContent-Type: text/plain\r\n"
                                               "Content-Disposition: attachment\r\n\r\nfile\r\n"
                                               "--a--\r\nepilogue\r\n";
    static const char after[] =
        "Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n--a\r\n"
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n" PART(
            "text/plain", "hello\r\n\r\n-- \r\nThe firm, d.test")
            PART("text/html",
                 "<body>hello" HTML "</body>") "--b--\r\n\r\n--a\r\nContent-Type: text/plain\r\n"
                                               "Content-Disposition: attachment\r\n\r\nfile\r\n"
                                               "--a--\r\nepilogue\r\n";
    struct footer footer = footer_of(false);

    ck_assert(footer_insert(slice_of(before), &footer, &out));
    ck_assert_str_eq(strbuf_cstr(&out), after);
    /* once is enough */
    ck_assert(!footer_insert(SLICE(after), &footer, &out));
}
END_TEST

START_TEST(related_html_with_pictures_gets_it)
{
    static const char before[] = "Content-Type: multipart/alternative; boundary=b\r\n\r\n" PART(
        "text/plain",
        "hello") "--b\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: "
                 "text/html\r\n\r\n<p>hello\r\n--r\r\nContent-Type: "
                 "image/png\r\n\r\nPNG\r\n--r--\r\n"
                 "--b--\r\n";
    struct footer footer = footer_of(false);

    ck_assert(footer_insert(slice_of(before), &footer, &out));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&out), "<p>hello" HTML));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&out), "hello\r\n\r\n-- \r\nThe firm"));
}
END_TEST

/* The decoded text of the only part, in UTF-8. */
static void
read_back(struct slice message, struct strbuf *text)
{
    struct strbuf raw = strbuf_new(1u << 20);
    struct arena arena = {NULL};
    struct content_value type;
    struct slice charset = SLICE(""), body;
    struct mime m;
    struct transfer t;

    mime_parse(message, &m);
    ck_assert_uint_eq(m.count, 1);
    ck_assert(content_type_parse(m.parts[0].content_type, &arena, &type));
    (void)content_param_find(&type, "charset", &charset);
    body = mime_body(&m, &m.parts[0]);
    t = transfer_begin(m.parts[0].encoding);
    if (m.parts[0].encoding == TRANSFER_IDENTITY)
        (void)strbuf_append(&raw, body);
    else
        while (transfer_next(&t, &body, 8192, &raw))
            ;
    ck_assert(charset_convert_all(charset, strbuf_slice(&raw), text));
    strbuf_free(&raw);
    arena_free(&arena);
    mime_free(&m);
}

/* Sets and encodings of which the bytes differ: what a reader sees counts. */
static const struct {
    const char *type, *encoding, *body, *text;
} readings[] = {
    {"text/plain; charset=gb2312", "base64", "xOO6ww0K", "\xe4\xbd\xa0\xe5\xa5\xbd\r\n"},
    {"text/plain; charset=gb2312", "8bit", "\xc4\xe3\xba\xc3\r\n", "\xe4\xbd\xa0\xe5\xa5\xbd\r\n"},
    {"text/plain; charset=utf-8", "base64", "aGVsbG8NCg==\r\n", "hello\r\n"},
    {"text/plain; charset=utf-8", "7bit", "hello\r\n", "hello\r\n"},
    {"text/plain; charset=\"utf-16be\"", "base64", "AGgAaQANAAo=", "hi\r\n"},
    {"text/plain; charset=iso-2022-jp", "7bit", "\x1b$B$\"\x1b(B\r\n", "\xe3\x81\x82\r\n"},
    {"text/plain; charset=windows-1252", "quoted-printable", "=80\r\n", "\xe2\x82\xac\r\n"},
};

START_TEST(readers_see_text_and_signature)
{
    struct strbuf before = strbuf_new(4096), seen = strbuf_new(1u << 20);
    struct footer footer = footer_of(true);

    (void)strbuf_printf(&before, "Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s",
                        readings[_i].type, readings[_i].encoding, readings[_i].body);
    ck_assert(footer_insert(strbuf_slice(&before), &footer, &out));
    read_back(strbuf_slice(&out), &seen);
    ck_assert_int_eq(strncmp(strbuf_cstr(&seen), readings[_i].text, strlen(readings[_i].text)), 0);
    ck_assert_str_eq(strbuf_cstr(&seen) + strlen(readings[_i].text), "\r\n" WIDE_TEXT);
    for (size_t i = 0, line = 0; i < out.len; i++) {
        line = out.ptr[i] == '\n' ? 0 : line + 1;
        ck_assert_uint_le(line, 998);
    }
    strbuf_free(&before);
    strbuf_free(&seen);
}
END_TEST

START_TEST(too_small_a_buffer_changes_nothing)
{
    struct strbuf small = strbuf_new(30);
    struct footer footer = footer_of(false);

    ck_assert(!footer_insert(SLICE("Subject: x\r\n\r\nhello\r\n"), &footer, &small));
    ck_assert_uint_eq(small.len, 0);
    strbuf_free(&small);
}
END_TEST

/* ---- quoted-printable ---- */

static const struct {
    const char *text, *encoded;
} quoted[] = {
    {"a=b\r\n", "a=3Db\r\n"},
    {"a \r\nb\t", "a=20\r\nb=09"},
    {"a b\r\n", "a b\r\n"},
    {"\xc3\xa4\n\r", "=C3=A4=0A=0D"},
    {"123456789012345678901234567890123456789012345678901234567890123456789012345678",
     "123456789012345678901234567890123456789012345678901234567890123456789012345=\r\n678"},
};

START_TEST(text_is_quoted)
{
    ck_assert(quoted_printable_encode(slice_of(quoted[_i].text), &out));
    ck_assert_str_eq(strbuf_cstr(&out), quoted[_i].encoded);
}
END_TEST

/* ---- the administrator's files ---- */

static const struct {
    bool is_html;
    const char *file, *text, *html; /* text NULL: refused */
} files[] = {
    {false, "-- \nA <b> & \xc3\xbc  \n", "-- \r\nA <b> & \xc3\xbc\r\n",
     "<div>-- <br>\r\nA &lt;b&gt; &amp; &#252;<br>\r\n</div>\r\n"},
    {true,
     "<p>The firm<br>Stra\xc3\x9f"
     "e 1</p>\n<p>Tel. <b>1</b></p>\n",
     "The firm\r\nStra\xc3\x9f"
     "e 1\r\nTel. 1\r\n",
     "<p>The firm<br>Stra&#223;e 1</p>\r\n<p>Tel. <b>1</b></p>\r\n"},
    {false, "\xff", NULL, NULL},
    {false, " \n\n", NULL, NULL},
    {true, "<p></p>", NULL, NULL},
};

START_TEST(files_become_footers)
{
    struct strbuf text = strbuf_new(10000), html = strbuf_new(10000);
    const char *why = (files[_i].is_html ? footer_from_html : footer_from_text)(
        slice_of(files[_i].file), &text, &html);

    ck_assert((why == NULL) == (files[_i].text != NULL));
    if (why == NULL) {
        ck_assert_str_eq(strbuf_cstr(&text), files[_i].text);
        ck_assert_str_eq(strbuf_cstr(&html), files[_i].html);
    }
    strbuf_free(&text);
    strbuf_free(&html);
}
END_TEST

START_TEST(long_lines_are_refused)
{
    struct strbuf file = strbuf_new(2000), text = strbuf_new(10000), html = strbuf_new(10000);

    for (int i = 0; i < 300; i++)
        (void)strbuf_str(&file, _i == 0 ? "\xc3\xbc" : "abcd"); /* &#252; is longer */
    ck_assert_ptr_nonnull(footer_from_text(strbuf_slice(&file), &text, &html));
    strbuf_free(&file);
    strbuf_free(&text);
    strbuf_free(&html);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("footer");
    TCase *tc = tcase_create("footer");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, messages_get_it_or_stay, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, alternatives_get_it_in_each_text);
    tcase_add_test(tc, related_html_with_pictures_gets_it);
    tcase_add_loop_test(tc, readers_see_text_and_signature, 0, (int)ARRAY_LEN(readings));
    tcase_add_test(tc, too_small_a_buffer_changes_nothing);
    tcase_add_loop_test(tc, text_is_quoted, 0, (int)ARRAY_LEN(quoted));
    tcase_add_loop_test(tc, files_become_footers, 0, (int)ARRAY_LEN(files));
    tcase_add_loop_test(tc, long_lines_are_refused, 0, 2);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
