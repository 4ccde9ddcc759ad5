/*
 * t/unit/test_imap_utf7.c - lib/mail/imap_utf7.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/imap_utf7.h"

static const struct {
    const char *utf8, *utf7;
} pairs[] = {
    {"", ""},
    {"INBOX", "INBOX"},
    {"R&D", "R&-D"},
    {"&", "&-"},
    /* RFC 3501 section 5.1.3 */
    {"~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
     "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
    {"\xe2\x98\xba!", "&Jjo-!"},
    {"\xe5\x8f\xb0\xe5\x8c\x97\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "&U,BTF2XlZyyKng-"},
    {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
    {"\xe2\x98\xba&", "&Jjo-&-"},
    {"\xf0\x9f\x93\xac", "&2D3c7A-"},
    {"a\x01"
     "b",
     "a&AAE-b"},
};

static const struct {
    const char *utf7, *why;
} wrong[] = {
    {"&Jjo!", "no shift back"},
    {"&Jjo", "no shift back at the end"},
    {"&", "a bare shift"},
    {"&U,BTFw-&ZeVnLIqe-", "a superfluous shift"},
    {"&AEE-", "base64 for a printable character"},
    {"&ACY-", "base64 for the ampersand"},
    {"&Jj-", "half a character"},
    {"&Jjp-", "bits left that are not zero"},
    {"&JjoA-", "a whole base64 character left"},
    {"&2D0-", "a high surrogate alone"},
    {"&3Kw-", "a low surrogate alone"},
    {"&2D0A4Q-", "a high surrogate without its pair"},
    {"&Jj/6-", "a slash in the base64"},
    {"\xc3\xbc", "eight bits"},
    {"a\x7f", "a control character"},
    {"a\nb", "a line end"},
};

START_TEST(names_go_both_ways)
{
    struct strbuf out = strbuf_new(200);

    ck_assert_int_eq(imap_utf7_encode(slice_of(pairs[_i].utf8), &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), pairs[_i].utf7);
    strbuf_clear(&out);
    ck_assert_int_eq(imap_utf7_decode(slice_of(pairs[_i].utf7), &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), pairs[_i].utf8);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_second_spelling_is_refused)
{
    struct strbuf out = strbuf_new(200);

    ck_assert(strbuf_str(&out, "kept"));
    ck_assert_msg(imap_utf7_decode(slice_of(wrong[_i].utf7), &out) == -1, "%s", wrong[_i].why);
    ck_assert_str_eq(strbuf_cstr(&out), "kept");
    strbuf_free(&out);
}
END_TEST

START_TEST(broken_utf8_and_full_buffers_are_refused)
{
    struct strbuf out = strbuf_new(3);

    ck_assert_int_eq(imap_utf7_encode(SLICE("\xc3"), &out), -1);
    ck_assert_int_eq(imap_utf7_encode(SLICE("\xc3\xbc"), &out), -1);
    ck_assert_uint_eq(out.len, 0);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_utf7");
    TCase *tc = tcase_create("imap_utf7");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, names_go_both_ways, 0, (int)ARRAY_LEN(pairs));
    tcase_add_loop_test(tc, a_second_spelling_is_refused, 0, (int)ARRAY_LEN(wrong));
    tcase_add_test(tc, broken_utf8_and_full_buffers_are_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
