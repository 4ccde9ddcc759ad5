/*
 * t/unit/test_smtp_data.c - end of data, transparency and smuggling: smtpd/dot and smtpd/content.
 */
// LINK: smtpd/dot.c
// LINK: smtpd/content.c
#include <check.h>
#include <stdlib.h>

#include "lib/base/strbuf.h"
#include "smtpd/content.h"
#include "smtpd/dot.h"

/* SLICE() is no initializer for static data */
#define TEXT(literal)                                                                              \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

static const struct {
    struct slice input; /* behind DATA */
    bool ended;
    struct slice content, rest;
    bool bare_cr, bare_lf;
} cases[] = {
    {TEXT("a\r\n.\r\nQUIT\r\n"), true, TEXT("a\r\n"), TEXT("QUIT\r\n"), false, false},
    {TEXT(".\r\nQUIT\r\n"), true, TEXT(""), TEXT("QUIT\r\n"), false, false},
    {TEXT("..\r\n...x\r\n.y\r\n.\r\n"), true, TEXT(".\r\n..x\r\ny\r\n"), TEXT(""), false, false},
    {TEXT("a.\r\n.\r\n"), true, TEXT("a.\r\n"), TEXT(""), false, false},
    /* what other servers took for the end of data */
    {TEXT("a\n.\nMAIL\r\n.\r\n"), true, TEXT("a\n.\nMAIL\r\n"), TEXT(""), false, true},
    {TEXT("a\n.\r\nMAIL\r\n.\r\n"), true, TEXT("a\n.\r\nMAIL\r\n"), TEXT(""), false, true},
    {TEXT("a\r\n.\nMAIL\r\n.\r\n"), true, TEXT("a\r\n\nMAIL\r\n"), TEXT(""), false, true},
    {TEXT("a\r.\rMAIL\r\n.\r\n"), true, TEXT("a\r.\rMAIL\r\n"), TEXT(""), true, false},
    {TEXT("a\r.\r\nMAIL\r\n.\r\n"), true, TEXT("a\r.\r\nMAIL\r\n"), TEXT(""), true, false},
    {TEXT("a\r\n.\rMAIL\r\n.\r\n"), true, TEXT("a\r\n\rMAIL\r\n"), TEXT(""), true, false},
    {TEXT("a\r\n.\r\r\n.\r\n"), true, TEXT("a\r\n\r\r\n"), TEXT(""), true, false},
    {TEXT("a\r\r\n.\r\n"), true, TEXT("a\r\r\n"), TEXT(""), true, false},
    {TEXT("a\r\n\0.\r\n.\r\n"), true, TEXT("a\r\n\0.\r\n"), TEXT(""), false, false},
    {TEXT("a\n.\r\n"), false, TEXT("a\n.\r\n"), TEXT(""), false, true},
    {TEXT("a\r\n."), false, TEXT("a\r\n"), TEXT(""), false, false},
    {TEXT("a\r\n.\r"), false, TEXT("a\r\n"), TEXT(""), false, false},
    {TEXT("a\r"), false, TEXT("a\r"), TEXT(""), true, false},
    {TEXT("\n.\r\n"), false, TEXT("\n.\r\n"), TEXT(""), false, true},
};

/* Feeds the input in parts of `step` bytes, as the network may cut it. */
static void
check_case(size_t n, size_t step)
{
    struct strbuf content = strbuf_new(1024);
    struct slice left = cases[n].input, input = SLICE(""), piece;
    struct content_scan scan = {0};
    enum dot_result result = DOT_MORE;
    struct dot_decoder dot;

    dot_begin(&dot);
    while (left.len > 0 && result != DOT_END) {
        input = slice_sub(left, 0, step);
        left = slice_sub(left, step, left.len);
        while ((result = dot_next(&dot, &input, &piece)) == DOT_PIECE) {
            ck_assert_uint_gt(piece.len, 0);
            (void)strbuf_append(&content, piece);
            content_scan(&scan, piece);
        }
    }
    content_scan_end(&scan);
    ck_assert_int_eq(result == DOT_END, cases[n].ended);
    ck_assert_msg(slice_eq(strbuf_slice(&content), cases[n].content), "case %zu step %zu", n, step);
    if (cases[n].ended)
        ck_assert_uint_eq(input.len + left.len, cases[n].rest.len);
    ck_assert_int_eq(scan.has_bare_cr, cases[n].bare_cr);
    ck_assert_int_eq(scan.has_bare_lf, cases[n].bare_lf);
    strbuf_free(&content);
}

START_TEST(only_crlf_dot_crlf_ends_data)
{
    for (size_t step = 1; step < 30; step++)
        check_case((size_t)_i, step);
}
END_TEST

/* The rules as RFC 5321 section 4.5.2 tells them, on the whole text behind an imagined CRLF. False:
 * no end of data in it. */
static bool
decode_plainly(struct slice text, struct strbuf *content, size_t *rest)
{
    size_t end = slice_find(text, SLICE("\r\n.\r\n"));

    for (size_t i = 2; i < end + 2 && end < text.len; i++)
        if (text.ptr[i] != '.' || text.ptr[i - 1] != '\n' || text.ptr[i - 2] != '\r')
            (void)strbuf_char(content, text.ptr[i]);
    *rest = text.len - end - 5;
    return end < text.len;
}

static bool
decode_in_steps(struct slice left, size_t step, struct strbuf *content, size_t *rest)
{
    struct dot_decoder dot;
    struct slice piece;

    dot_begin(&dot);
    while (left.len > 0) {
        struct slice input = slice_sub(left, 0, step);
        enum dot_result result;

        left = slice_sub(left, step, left.len);
        while ((result = dot_next(&dot, &input, &piece)) == DOT_PIECE)
            (void)strbuf_append(content, piece);
        *rest = input.len + left.len;
        if (result == DOT_END)
            return true;
    }
    return false;
}

/* All texts of eight bytes that are dots, CRs, LFs and others. */
START_TEST(every_short_text_is_decoded_as_the_rules_say)
{
    struct strbuf expected = strbuf_new(16), got = strbuf_new(16);
    char text[10] = "\r\n";

    for (unsigned n = 0; n < 1u << 16; n++) {
        size_t expected_rest = 0;
        bool ends;

        for (unsigned i = 0; i < 8; i++)
            text[2 + i] = ".\r\na"[n >> 2 * i & 3];
        strbuf_clear(&expected);
        ends = decode_plainly(slice_make(text, 10), &expected, &expected_rest);
        for (size_t step = 1; step <= 8; step++) {
            size_t rest = 0;

            strbuf_clear(&got);
            ck_assert_msg(decode_in_steps(slice_make(text + 2, 8), step, &got, &rest) == ends,
                          "text %u step %zu", n, step);
            if (ends &&
                (rest != expected_rest || !slice_eq(strbuf_slice(&got), strbuf_slice(&expected))))
                ck_abort_msg("text %u step %zu", n, step);
        }
    }
    strbuf_free(&expected);
    strbuf_free(&got);
}
END_TEST

START_TEST(scan_measures_lines_and_bits)
{
    struct content_scan scan = {0};

    content_scan(&scan, SLICE("abc\r\nabc"));
    content_scan(&scan, SLICE("def\r"));
    content_scan(&scan, SLICE("\nxy\r\n"));
    content_scan_end(&scan);
    ck_assert_uint_eq(scan.longest_line, 6);
    ck_assert(!scan.has_8bit && !scan.has_bare_cr && !scan.has_bare_lf);
    content_scan(&scan, SLICE("\xc3\xa4\r\n"));
    ck_assert(scan.has_8bit);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("smtp_data");
    TCase *tc = tcase_create("smtp_data");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60); /* half a million texts, under a sanitizer as well */
    tcase_add_loop_test(tc, only_crlf_dot_crlf_ends_data, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, every_short_text_is_decoded_as_the_rules_say);
    tcase_add_test(tc, scan_measures_lines_and_bits);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
