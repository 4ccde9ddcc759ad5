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

    tcase_add_loop_test(tc, only_crlf_dot_crlf_ends_data, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, scan_measures_lines_and_bits);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
