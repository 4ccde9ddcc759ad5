/*
 * t/unit/test_mime_narrow.c - lib/mail/mime_narrow, transfer_encode.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/mime_narrow.h"
#include "lib/mail/transfer_encode.h"

static bool
append(void *arg, struct slice piece)
{
    return strbuf_append(arg, piece);
}

/* ---- encodings ---- */

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* may hold NULs */

static const struct {
    struct slice text;
    const char *quoted;
} quoted[] = {
    {TEXT("plain\r\n"), "plain\r\n"},
    {TEXT("a=b \xc3\xa4\r\n"), "a=3Db =C3=A4\r\n"},
    {TEXT("blank \r\ntab\t\r\n"), "blank=20\r\ntab=09\r\n"}, /* RFC 2045 section 6.7 (3) */
    {TEXT("blank \rx"), "blank =0Dx"},
    {TEXT("a\nb\rc"), "a=0Ab=0Dc"},
    {TEXT("a\r\r\n"), "a=0D\r\n"},
    {TEXT("end "), "end=20"},
    {TEXT("end\r"), "end=0D"},
    {TEXT("\0"), "=00"},
    {TEXT("--b\r\n-x -y"), "=2D-b\r\n=2Dx -y"},
};

static void
encode(enum transfer_encoding encoding, struct slice text, size_t piece, struct strbuf *out)
{
    struct transfer_encoder e = transfer_encode_begin(encoding);

    for (size_t at = 0; at < text.len; at += piece)
        transfer_encode(&e, slice_sub(text, at, at + piece), out);
    transfer_encode_end(&e, false, out);
}

START_TEST(quoted_printable_in_pieces_of_any_size)
{
    for (size_t piece = 1; piece <= quoted[_i].text.len; piece++) {
        struct strbuf out = strbuf_new(TRANSFER_ENCODED_MAX(quoted[_i].text.len));

        encode(TRANSFER_QUOTED_PRINTABLE, quoted[_i].text, piece, &out);
        ck_assert_str_eq(strbuf_cstr(&out), quoted[_i].quoted);
        strbuf_free(&out);
    }
}
END_TEST

/* All bytes, and text whose soft breaks fall before and behind every kind of byte. */
START_TEST(encoded_lines_are_short_and_decode_to_what_they_were)
{
    static const enum transfer_encoding encodings[] = {TRANSFER_QUOTED_PRINTABLE, TRANSFER_BASE64};
    char bytes[512];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i < 256 ? (char)i : "- =\xe4x\r\n"[(i * i) % 7];
    for (size_t i = 0; i < ARRAY_LEN(encodings) * sizeof(bytes); i++) {
        struct slice text = slice_sub(slice_make(bytes, sizeof(bytes)), i / 2, sizeof(bytes)), rest;
        struct strbuf out = strbuf_new(TRANSFER_ENCODED_MAX(text.len)), back = strbuf_new(1024);
        struct transfer t = transfer_begin(encodings[i % 2]);

        encode(encodings[i % 2], text, 100, &out);
        ck_assert(!out.overflow);
        for (rest = strbuf_slice(&out); rest.len > 0;) {
            struct slice line = slice_split(&rest, '\n');

            ck_assert_uint_le(slice_trim(line).len, 76);
            ck_assert(!slice_starts(line, SLICE("-")));
        }
        for (rest = strbuf_slice(&out); transfer_next(&t, &rest, 80, &back);)
            ;
        ck_assert(slice_eq(strbuf_slice(&back), text));
        strbuf_free(&out);
        strbuf_free(&back);
    }
}
END_TEST

/* ---- messages ---- */

#define MIME "MIME-Version: 1.0\r\n"
#define CTE(label) "Content-Transfer-Encoding: " label "\r\n"
#define MULTI(subtype) "Content-Type: multipart/" subtype "; boundary=b\r\n"
#define LONG_TEXT "some text that is long enough\r\n"
#define X100                                                                                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                                           \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

static const struct {
    enum mime_width width;
    struct slice message;
    const char *narrow; /* or a part of the reason why not */
} messages[] = {
    /* text: by what is shorter */
    {MIME_7BIT, TEXT(MIME CTE("8bit") "\r\n" LONG_TEXT "\xc3\xa4\r\n"),
     MIME CTE("quoted-printable") "\r\n" LONG_TEXT "=C3=A4\r\n"},
    {MIME_7BIT, TEXT(MIME "A: b\r\n\r\n\xc3\xa4\r\n"),
     MIME "A: b\r\n" CTE("base64") "\r\nw6QNCg==\r\n"},
    {MIME_7BIT, TEXT("A: b\r\n\r\n\xc3\xa4\r\n"), "A: b\r\n" MIME CTE("base64") "\r\nw6QNCg==\r\n"},
    {MIME_7BIT, TEXT(MIME "Content-Type: image/x\r\n\r\n" LONG_TEXT "\xe4"),
     MIME "Content-Type: image/x\r\n" CTE(
         "base64") "\r\nc29tZSB0ZXh0IHRoYXQgaXMgbG9uZyBlbm91Z2gNCuQ=\r\n"},
    /* labels follow, also of what needs no encoding */
    {MIME_7BIT, TEXT(MIME CTE("8bit") "\r\nx\r\n"), MIME CTE("7bit") "\r\nx\r\n"},
    {MIME_8BIT, TEXT(MIME CTE("Binary (c)") "\r\n\xe4\r\n"), MIME CTE("8bit") "\r\n\xe4\r\n"},
    {MIME_8BIT, TEXT(MIME CTE("8bit") "\r\n\xe4\r\n"), MIME CTE("8bit") "\r\n\xe4\r\n"},
    /* only what has to be, at the innermost level (RFC 2045 section 6.4) */
    {MIME_7BIT,
     TEXT(MIME MULTI("mixed") CTE("8bit") "\r\npre\r\n--b\r\n\r\nplain\r\n--b\r\n" CTE(
         "8bit") "\r\n" LONG_TEXT "\xc3\xa4\r\n--b\r\nContent-Type: "
                 "message/rfc822\r\n" CTE("8bit") "\r\nSubject: "
                                                  "in\r\n\r\n\xe4\r\n--b--\r\npost\r\n"),
     MIME MULTI("mixed") CTE("7bit") "\r\npre\r\n--b\r\n\r\nplain\r\n--b\r\n" CTE(
         "quoted-printable") "\r\n" LONG_TEXT "=C3=A4\r\n--b\r\nContent-Type: "
                             "message/rfc822\r\n" CTE("7bit") "\r\nSubject: in\r\n" CTE(
                                 "base64") "\r\n5A==\r\n--b--"
                                           "\r\npost\r\n"},
    {MIME_7BIT, TEXT(MIME "Content-Type: message/global\r\n\r\nSubject: \xc3\xa4\r\n\r\nx\r\n"),
     MIME "Content-Type: message/global\r\n" CTE("base64") "\r\nU3ViamVjdDogw6QNCg0KeA0K\r\n"},
    /* binary: bytes that a line cannot hold, and an end that is none */
    {MIME_8BIT, TEXT(MIME CTE("binary") "\r\nab\nc\xe4" LONG_TEXT),
     MIME CTE("quoted-printable") "\r\nab=0Ac=E4some text that is long enough\r\n"},
    {MIME_8BIT, TEXT(MIME CTE("binary") "\r\nno line end"),
     MIME CTE("quoted-printable") "\r\nno line end=\r\n"},
    {MIME_8BIT, TEXT(MIME MULTI("x") CTE("binary") "\r\n--b\r\n\r\na\0b\r\n--b--\r\n"),
     MIME MULTI("x") CTE("8bit") "\r\n--b\r\n" CTE("quoted-printable") "\r\na=00b\r\n--b--\r\n"},
    {MIME_8BIT, TEXT(MIME "Content-Type: image/x\n\nx\xe4"),
     MIME "Content-Type: image/x\r\n" CTE("base64") "\r\neOQ=\r\n"},
    /* said to be encoded already: decoded as a reader would */
    {MIME_7BIT, TEXT(MIME CTE("quoted-printable") "\r\n=41=\r\n" LONG_TEXT "\xe4\r\n"),
     MIME CTE("quoted-printable") "\r\nAsome text that is long enough\r\n=E4\r\n"},
    {MIME_7BIT, TEXT(MIME CTE("base64") "\r\nYW\xe4Jj\r\n"), MIME CTE("base64") "\r\nYWJj\r\n"},
    /* no boundary comes of it */
    {MIME_7BIT,
     TEXT(MIME MULTI("x") "\r\n--b\r\n" CTE("quoted-printable") "\r\n=2D-b\r\n" LONG_TEXT
                                                                "\xe4\r\n--b--\r\n"),
     MIME MULTI("x") "\r\n--b\r\n" CTE("quoted-printable") "\r\n=2D-b\r\n" LONG_TEXT
                                                           "=E4\r\n--b--\r\n"},
    /* signed and fit: not touched, whatever its labels say; its neighbour is */
    {MIME_7BIT,
     TEXT(MIME "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" MULTI("signed") CTE(
         "8bit") "\r\n--b\r\n" CTE("8bit") "\r\nx\r\n--b--\r\n--o\r\n\r\n\xe4\r\n--o--\r\n"),
     MIME "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" MULTI("signed") CTE(
         "7bit") "\r\n--b\r\n" CTE("8bit") "\r\nx\r\n--b--\r\n--o\r\n" CTE("base64") "\r\n5A==\r\n"
                                                                                     "--o--\r\n"},
    /* and what cannot be done without loss */
    {MIME_7BIT, TEXT(MIME MULTI("signed") "\r\n--b\r\n\r\n\xe4\r\n--b--\r\n"), "signed"},
    {MIME_7BIT, TEXT(MIME MULTI("Encrypted") "\r\n--b\r\n\r\n\xe4\r\n--b--\r\n"), "signed"},
    {MIME_7BIT, TEXT("Subject: \xe4\r\n\r\nx\r\n"), "in a header"},
    {MIME_7BIT, TEXT(MIME MULTI("x") "\r\n--b\r\nX: \xe4\r\n\r\nx\r\n--b--\r\n"), "in a header"},
    {MIME_7BIT, TEXT(MIME MULTI("x") "\r\n\xe4\r\n--b\r\n\r\nx\r\n--b--\r\n"), "between the parts"},
    {MIME_7BIT, TEXT(MIME MULTI("x") "\r\n--b\r\n\r\nx\r\n--b--\r\n\xe4\r\n"), "behind the parts"},
    {MIME_8BIT, TEXT("A: \rb\r\n\r\nx\r\n"), "bare CR"},
    {MIME_8BIT, TEXT("A: " X1000 "\r\n\r\nx\r\n"), "998"},
    {MIME_7BIT, TEXT(MIME CTE("x-uuencode") "\r\n\xe4\r\n"), "unknown encoding"},
    {MIME_7BIT, TEXT(MIME "Content-Type: message/partial\r\n\r\n\xe4\r\n"), "may not be encoded"},
    {MIME_7BIT, TEXT(MIME "Content-Type: multipart/x\r\n\r\n\xe4\r\n"), "may not be encoded"},
    {MIME_7BIT, TEXT(MIME MULTI("x") CTE("base64") "\r\n\xe4\r\n"), "may not be encoded"},
};

START_TEST(messages_fit_afterwards_or_are_refused)
{
    struct strbuf out = strbuf_new(65536);
    const struct mime_sink sink = {append, &out};
    const char *why = "unset";

    if (mime_narrow(messages[_i].message, messages[_i].width, &sink, &why) == MIME_NARROWED)
        ck_assert_str_eq(strbuf_cstr(&out), messages[_i].narrow);
    else
        ck_assert_msg(strstr(why, messages[_i].narrow) != NULL, "%s", why);
    strbuf_free(&out);
}
END_TEST

START_TEST(lines_up_to_998_octets_are_fine)
{
    char line[1100];
    struct strbuf out = strbuf_new(65536);
    const struct mime_sink sink = {append, &out};

    memset(line, 'x', sizeof(line));
    for (size_t len = 998; len <= 999; len++) {
        struct strbuf in = strbuf_new(2000);
        const char *why;

        (void)strbuf_str(&in, "\r\n");
        (void)strbuf_append(&in, slice_make(line, len));
        (void)strbuf_str(&in, "\r\n");
        strbuf_clear(&out);
        ck_assert_int_eq(mime_narrow(strbuf_slice(&in), MIME_8BIT, &sink, &why), MIME_NARROWED);
        ck_assert_int_eq(slice_eq(strbuf_slice(&in), strbuf_slice(&out)), len == 998);
        strbuf_free(&in);
    }
    strbuf_free(&out);
}
END_TEST

static bool
refuse_second(void *arg, struct slice piece)
{
    (void)piece;
    return ++*(int *)arg < 2;
}

START_TEST(a_sink_that_is_full_ends_it)
{
    int calls = 0;
    const struct mime_sink sink = {refuse_second, &calls};
    const char *why;

    ck_assert_int_eq(mime_narrow(SLICE("A: b\r\n\r\n\xe4\r\n"), MIME_7BIT, &sink, &why),
                     MIME_SINK_FAILED);
    ck_assert_int_eq(calls, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mime_narrow");
    TCase *tc = tcase_create("mime_narrow");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, quoted_printable_in_pieces_of_any_size, 0, (int)ARRAY_LEN(quoted));
    tcase_add_test(tc, encoded_lines_are_short_and_decode_to_what_they_were);
    tcase_add_loop_test(tc, messages_fit_afterwards_or_are_refused, 0, (int)ARRAY_LEN(messages));
    tcase_add_test(tc, lines_up_to_998_octets_are_fine);
    tcase_add_test(tc, a_sink_that_is_full_ends_it);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
