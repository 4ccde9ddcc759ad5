/*
 * t/unit/test_text_search.c - lib/mail/text_search.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/casemap.h"
#include "lib/mail/text_search.h"

static const char message[] = "From: =?iso-8859-1?q?J=F6rg?= <joerg@example.com>\r\n"
                              "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n and more\r\n"
                              "X-Empty:\r\n"
                              "Content-Type: multipart/mixed; boundary=b\r\n"
                              "\r\n"
                              "preamble is not text\r\n"
                              "--b\r\n"
                              "Content-Type: text/plain; charset=iso-8859-1\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "Stra=DFe und =C4pfel, zusam=\r\nmengesetzt\r\n"
                              "--b\r\n"
                              "Content-Type: text/html; charset=koi8-r\r\n"
                              "Content-Transfer-Encoding: base64\r\n"
                              "\r\n"
                              "SGVsbG8gV29ybGQ=\r\n"
                              "--b\r\n"
                              "Content-Type: image/png; name=holiday.png\r\n"
                              "\r\n"
                              "pixels\r\n"
                              "--b\r\n"
                              "Content-Type: message/rfc822\r\n"
                              "\r\n"
                              "Subject: inner subject\r\n"
                              "\r\n"
                              "inner text\r\n"
                              "--b--\r\n";

static const struct {
    const char *needle;
    bool in_body, in_text;
} needles[] = {
    {"", true, true},
    {"stra\xc3\x9f"
     "e und \xc3\x84PFEL",
     true, true},
    {"zusammengesetzt", true, true},
    {"hello world", true, true},
    {"holiday", true, true},
    {"inner subject", true, true},
    {"INNER TEXT", true, true},
    {"J\xc3\x96rg", false, true},
    {"subject: gr\xc3\xbc\xc3\x9f"
     "e and more",
     false, true},
    {"joerg@", false, true},
    {"pixels", false, false},
    {"preamble", false, false},
    {"text inner", false, false},
};

static bool
find(struct slice in, const char *needle, bool with_header)
{
    struct strbuf folded = strbuf_new(1000);
    struct mime m;
    bool found;

    ck_assert(casemap_text(slice_of(needle), &folded));
    mime_parse(in, &m);
    found = text_search_message(&m, strbuf_slice(&folded), with_header);
    mime_free(&m);
    strbuf_free(&folded);
    return found;
}

START_TEST(text_is_found_decoded_and_folded)
{
    ck_assert_int_eq(find(slice_of(message), needles[_i].needle, false), needles[_i].in_body);
    ck_assert_int_eq(find(slice_of(message), needles[_i].needle, true), needles[_i].in_text);
}
END_TEST

/* The needle lies across every border between pieces once. */
START_TEST(matches_across_pieces_are_found)
{
    struct strbuf text = strbuf_new(1 << 20);
    char *at;

    ck_assert(strbuf_str(&text, "Content-Type: text/plain; charset=utf-8\r\n\r\n"));
    while (text.len < 100000)
        ck_assert(strbuf_str(&text, "\xc3\xa4"));
    for (size_t i = 7000; i < 60000; i += 1021) {
        at = text.ptr + (i & ~(size_t)1) + 1;
        memcpy(at,
               "N\xc3\x84"
               "dle",
               6);
        ck_assert_msg(find(strbuf_slice(&text),
                           "n\xc3\xa4"
                           "dle",
                           false),
                      "at %zu", i);
        for (size_t k = 0; k < 6; k += 2)
            memcpy(at + k, "\xc3\xa4", 2);
    }
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("text_search");
    TCase *tc = tcase_create("text_search");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, text_is_found_decoded_and_folded, 0, (int)ARRAY_LEN(needles));
    tcase_add_test(tc, matches_across_pieces_are_found);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
