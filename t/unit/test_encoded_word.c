/*
 * t/unit/test_encoded_word.c - lib/mail/encoded_word with charset, transfer and utf8 under it.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/charset.h"
#include "lib/mail/encoded_text.h"
#include "lib/mail/encoded_word.h"
#include "lib/mail/transfer.h"

static const struct {
    const char *body, *text;
} words[] = {
    {"plain text", "plain text"},
    {"folded\r\n text", "folded text"},
    /* RFC 2047 section 8 */
    {"=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"},
    {"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld J\xc3\xb8rn Simonsen"},
    {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5k?=",
     "If you can read this you understand"},
    {"(=?ISO-8859-1?Q?a?=)", "(a)"},
    {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
    {"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
    {"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
    {"=?utf-8*en?q?caf=C3=A9?=", "caf\xc3\xa9"},
    {"=?windows-1252?q?=80?=", "\xe2\x82\xac"},
    {"=?iso-8859-15?q?=A4?=", "\xe2\x82\xac"},
    {"=?koi8-r?q?=C1?=", "\xd0\xb0"},
    {"=?no-such-set?q?=C1?=", "\xc1"},
    {"=?koi8-r,version=1?q?=C1?=", "\xc1"},
    {"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac"},
    {"=?gb2312?B?1tC5?= =?GB2312?B?+g==?=", /* cut inside a character */
     "\xe4\xb8\xad\xe5\x9b\xbd"},
    {"=?euc-kr?B?x9G?=", "\xed\x95\x9c"},
    {"=?shift_jis?B?k/qW?= x", "\xe6\x97\xa5\xef\xbf\xbd x"},
    {"=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "\xe2\x82\xac"},
    {"=?utf-8?q?unfinished", "=?utf-8?q?unfinished"},
    {"=?utf-8?x?what?=", "=?utf-8?x?what?="},
    {"=??q?a?=", "=??q?a?="},
    {"=?", "=?"},
    {"=?utf-8?b?!!!?=", ""},
    {"a=?utf-8?q?=20?=b", "a b"},
};

START_TEST(encoded_words_become_utf8)
{
    struct strbuf out = strbuf_new(200);

    ck_assert(encoded_word_decode(slice_of(words[_i].body), &out));
    ck_assert_str_eq(strbuf_cstr(&out), words[_i].text);
    strbuf_free(&out);
}
END_TEST

static const char *const plains[] = {
    "",
    "plain text",
    "caf\xc3\xa9",
    /* longer than one word, and a character of three bytes where the first one ends */
    "0123456789012345678901234567890123456789abcd\xe2\x82\xac and more text behind it",
};

START_TEST(text_becomes_encoded_words)
{
    struct strbuf out = strbuf_new(400), back = strbuf_new(400);
    struct slice rest;

    ck_assert(encoded_text_write(slice_of(plains[_i]), &out));
    ck_assert(encoded_word_decode(strbuf_slice(&out), &back));
    ck_assert_str_eq(strbuf_cstr(&back), plains[_i]);
    rest = strbuf_slice(&out);
    while (rest.len > 0)
        ck_assert_uint_le(slice_cut_after(&rest, '\n').len, 76 + 2);
    for (size_t i = 0; i < out.len; i++)
        ck_assert((unsigned char)out.ptr[i] < 0x80);
    strbuf_free(&out);
    strbuf_free(&back);
}
END_TEST

static const struct {
    enum transfer_encoding encoding;
    const char *in, *out;
} bodies[] = {
    {TRANSFER_IDENTITY, "a\r\nb", "a\r\nb"},
    {TRANSFER_BASE64, "SGVs\r\nbG8=\r\n", "Hello"},
    {TRANSFER_BASE64, "SGVsbG8", "Hello"},
    {TRANSFER_BASE64, "SGVs-bG8=ignored", "Hello"},
    {TRANSFER_QUOTED_PRINTABLE, "a=\r\nb", "ab"},
    {TRANSFER_QUOTED_PRINTABLE, "a  \r\nb\t\r\n", "a\r\nb\r\n"},
    {TRANSFER_QUOTED_PRINTABLE, "=C3=a4=\r\n", "\xc3\xa4"},
    {TRANSFER_QUOTED_PRINTABLE, "1=2 =zz =", "1=2 =zz "},
    {TRANSFER_QUOTED_PRINTABLE, "x=  \r\ny", "xy"},
    {TRANSFER_QUOTED_PRINTABLE, "x     \r\n   \t  y=  \t \r\n=3D      ", "x\r\n   \t  y="},
    {TRANSFER_QUOTED_PRINTABLE, "=C3=A4==C3=A4=\r\r\r\n= 4\r\r\r\r\n",
     "\xc3\xa4=\xc3\xa4= 4\r\r\r\r\n"},
};

START_TEST(bodies_are_decoded_whatever_the_pieces)
{
    size_t least = bodies[_i].encoding == TRANSFER_QUOTED_PRINTABLE ? 3 : 1;

    for (size_t piece = least; piece < 20; piece++) {
        struct transfer t = transfer_begin(bodies[_i].encoding);
        struct slice in = slice_of(bodies[_i].in);
        struct strbuf out = strbuf_new(200);

        while (transfer_next(&t, &in, piece, &out))
            ;
        ck_assert_str_eq(strbuf_cstr(&out), bodies[_i].out);
        strbuf_free(&out);
    }
}
END_TEST

START_TEST(encodings_are_found_by_name)
{
    ck_assert_int_eq(transfer_find(SLICE(" Base64 (x)\r\n")), TRANSFER_BASE64);
    ck_assert_int_eq(transfer_find(SLICE("QUOTED-PRINTABLE;")), TRANSFER_QUOTED_PRINTABLE);
    ck_assert_int_eq(transfer_find(SLICE("8bit")), TRANSFER_IDENTITY);
    ck_assert_int_eq(transfer_find(SLICE("x-uuencode")), TRANSFER_UNKNOWN);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("encoded_word");
    TCase *tc = tcase_create("encoded_word");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, encoded_words_become_utf8, 0, (int)ARRAY_LEN(words));
    tcase_add_loop_test(tc, text_becomes_encoded_words, 0, (int)ARRAY_LEN(plains));
    tcase_add_loop_test(tc, bodies_are_decoded_whatever_the_pieces, 0, (int)ARRAY_LEN(bodies));
    tcase_add_test(tc, encodings_are_found_by_name);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
