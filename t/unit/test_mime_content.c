/*
 * t/unit/test_mime_content.c - parts decoded, and binary parts made readable for all.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/binary_encode.h"
#include "lib/mail/mime_content.h"

#define HEAD(type, encoding)                                                                       \
    "Content-Type: " type "\r\nContent-Transfer-Encoding: " encoding "\r\n\r\n"

/* The content of a message that is one part. */
static const struct {
    const char *message, *content;
} contents[] = {
    {"A: b\r\n\r\none\ntwo\r\n\nthree\r", "one\r\ntwo\r\n\r\nthree\r"},
    {HEAD("image/x", "7bit") "one\ntwo\r\n", "one\ntwo\r\n"},
    {HEAD("text/plain", "base64") "YQpiDQpj\r\nCg==\r\n", "a\r\nb\r\nc\r\n"},
    {HEAD("image/x", "BASE64 (comment)") "Y Q\r\n==YQ==", "a"},
    {HEAD("text/plain", "quoted-printable") "a=\r\nb =\r\n=3D \t\r\n=4\r\n=ZZ=",
     "ab =\r\n=4\r\n=ZZ"},
    {HEAD("text/plain", "quoted-printable") "a=0Ab=0D=0Ac", "a\r\nb\r\nc"},
    {HEAD("text/plain", "quoted-printable"), ""},
    {HEAD("multipart/x; boundary=b", "8bit") "--b\r\n\r\nx\r\n--b--\r\n",
     "--b\r\n\r\nx\r\n--b--\r\n"},
    {HEAD("text/plain", "x-odd") "abc", NULL},
};

static char *
content_of(const char *message)
{
    struct strbuf out = strbuf_new(1 << 20);
    struct mime_content c;
    struct slice piece;
    struct mime m;
    bool ok;

    mime_parse(slice_of(message), &m);
    ok = mime_content_begin(&c, &m, &m.parts[0]);
    while (ok && mime_content_next(&c, &piece)) {
        ck_assert_uint_gt(piece.len, 0);
        (void)strbuf_append(&out, piece);
    }
    if (ok)
        mime_content_end(&c);
    mime_free(&m);
    if (ok)
        (void)strbuf_str(&out, ""); /* never NULL */
    return ok ? (out.ptr == NULL ? strdup("") : strbuf_steal(&out)) : NULL;
}

START_TEST(content_is_without_its_encoding)
{
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        char *content = content_of(contents[i].message);

        if (contents[i].content == NULL)
            ck_assert_ptr_null(content);
        else
            ck_assert_str_eq(content, contents[i].content);
        free(content);
    }
}
END_TEST

/* Lines are not limited by the piece that is decoded at a time. */
START_TEST(a_line_longer_than_a_piece_is_decoded_alike)
{
    for (size_t pad = 0; pad < 4; pad++) {
        struct strbuf text = strbuf_new(1 << 20);
        char *content;

        (void)strbuf_str(&text, HEAD("text/plain", "quoted-printable"));
        for (size_t i = 0; i < pad; i++)
            (void)strbuf_char(&text, 'x');
        for (int i = 0; i < 6000; i++)
            (void)strbuf_str(&text, "=41");
        content = content_of(strbuf_cstr(&text));
        ck_assert_uint_eq(strlen(content), 6000 + pad);
        ck_assert_ptr_null(strchr(content, '='));
        free(content);
        strbuf_free(&text);
    }
}
END_TEST

#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    } /* may hold NULs */
#define NUL_PART HEAD("image/x", "binary") "a\0b"

static const struct {
    struct slice message;
    const char *encoded; /* NULL: not possible */
} binaries[] = {
    {TEXT(NUL_PART), "Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n"},
    {TEXT("Content-Type: image/x\n\na\0b"),
     "Content-Type: image/x\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n"},
    {TEXT("\r\na\0b"), "Content-Transfer-Encoding: base64\r\n\r\nYQBi\r\n"},
    {TEXT("Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n" NUL_PART
          "\r\n--b\r\n\r\nx\r\n--b\r\n" NUL_PART "\r\n--b--\r\n"),
     "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\nContent-Type: "
     "image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "YQBi\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nYQBi\r\n--b--\r\n"},
    {TEXT("Content-Type: message/rfc822\r\n\r\n" NUL_PART),
     "Content-Type: message/rfc822\r\n\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nYQBi\r\n"},
    {TEXT("A: b\r\n\r\nno nul"), "A: b\r\n\r\nno nul"},
    {TEXT("A: \0b\r\n\r\nx"), NULL},
    {TEXT(HEAD("image/x", "base64") "a\0b"), NULL},
    {TEXT("Content-Type: multipart/x; boundary=b\r\n\r\n\0--b\r\n\r\nx\r\n--b--\r\n"), NULL},
    {TEXT("Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n\0"), NULL},
};

START_TEST(binary_parts_become_base64)
{
    for (size_t i = 0; i < ARRAY_LEN(binaries); i++) {
        struct strbuf out = strbuf_new(BINARY_ENCODE_MAX(binaries[i].message.len));
        bool ok = binary_encode(binaries[i].message, &out);

        ck_assert_int_eq(ok, binaries[i].encoded != NULL);
        if (ok)
            ck_assert_str_eq(strbuf_cstr(&out), binaries[i].encoded);
        strbuf_free(&out);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mime_content");
    TCase *tc = tcase_create("mime_content");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, content_is_without_its_encoding);
    tcase_add_test(tc, a_line_longer_than_a_piece_is_decoded_alike);
    tcase_add_test(tc, binary_parts_become_base64);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
