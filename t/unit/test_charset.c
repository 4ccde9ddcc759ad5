/*
 * t/unit/test_charset.c - lib/mail/charset.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/charset.h"

static const struct {
    const char *name, *in, *out;
} texts[] = {
    {"", "a\xe4", "a\xe4"},
    {"UTF-8", "\xc3\xa4\xff", "\xc3\xa4\xff"},
    {"iso-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac"},
    {"ISO-8859-15", "\xa4", "\xe2\x82\xac"},
    {"iso-8859-2", "\xb1", "\xc4\x85"},
    {"ISO_8859-5:1988", "\xd0", "\xd0\xb0"},
    {"windows-1251", "\xcf\xf0\xe8", "\xd0\x9f\xd1\x80\xd0\xb8"},
    {"cp1251", "\xe0", "\xd0\xb0"},
    {"koi8-u", "\xa4", "\xd1\x94"},
    {"big5", "\xa4\xa4", "\xe4\xb8\xad"},
    {"gb18030", "\x94\x39\xda\x33", "\xf0\x9f\x92\xa9"}, /* beyond the first plane */
    {"iso-8859-9", "\xfd", "\xc4\xb1"},
    {"tis-620", "\xa1", "\xe0\xb8\x81"},
    {"iso-8859-8-i", "\xe0", "\xd7\x90"},
    {"x-mac-cyrillic", "\x80", "\xd0\x90"},
    {"utf-7", "+AOQ-", "\xc3\xa4"},
    {"utf-16", "\xfe\xff\x20\xac", "\xe2\x82\xac"},
    {"shift_jis", "\x93\xfa\x96", "\xe6\x97\xa5\xef\xbf\xbd"}, /* cut off */
    {"euc-jp", "\xff.", "\xef\xbf\xbd."},                      /* not in the set */
    {"x-unknown", "\xe4", "\xe4"},
    {"../../etc/passwd", "x", "x"},
};

START_TEST(text_becomes_utf8)
{
    struct strbuf out = strbuf_new(100);

    ck_assert(charset_convert_all(slice_of(texts[_i].name), slice_of(texts[_i].in), &out));
    ck_assert_str_eq(strbuf_cstr(&out), texts[_i].out);
    strbuf_free(&out);
}
END_TEST

/* Whatever the pieces, the text is the same. */
START_TEST(characters_may_be_cut_anywhere)
{
    struct slice in = slice_of(texts[_i].in);
    struct charset *cs = charset_open(slice_of(texts[_i].name));
    struct strbuf out = strbuf_new(100);

    for (size_t i = 0; i < in.len; i++)
        ck_assert(charset_convert(cs, slice_sub(in, i, i + 1), false, &out));
    ck_assert(charset_convert(cs, SLICE(""), true, &out));
    ck_assert_str_eq(strbuf_cstr(&out), texts[_i].out);
    charset_close(&cs);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_long_text_is_converted_whole)
{
    enum { LEN = 100000 };
    struct strbuf out = strbuf_new((size_t)LEN * CHARSET_UTF8_PER_BYTE);
    char *in = xmalloc(LEN);

    memset(in, 0xd0, LEN);
    ck_assert(charset_convert_all(SLICE("iso-8859-5"), slice_make(in, LEN), &out));
    ck_assert_uint_eq(out.len, 2 * LEN);
    for (size_t i = 0; i < out.len; i += 2)
        ck_assert(memcmp(out.ptr + i, "\xd0\xb0", 2) == 0);
    strbuf_free(&out);
    out = strbuf_new(100);
    ck_assert(!charset_convert_all(SLICE("iso-8859-5"), slice_make(in, LEN), &out));
    strbuf_free(&out);
    xfree(&in);
}
END_TEST

START_TEST(what_is_announced_is_known)
{
    for (size_t i = 0; charset_names[i] != NULL; i++) {
        struct charset *cs = charset_open(slice_of(charset_names[i]));

        ck_assert_msg(charset_is_known(cs), "%s", charset_names[i]);
        charset_close(&cs);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("charset");
    TCase *tc = tcase_create("charset");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, text_becomes_utf8, 0, (int)ARRAY_LEN(texts));
    tcase_add_loop_test(tc, characters_may_be_cut_anywhere, 0, (int)ARRAY_LEN(texts));
    tcase_add_test(tc, a_long_text_is_converted_whole);
    tcase_add_test(tc, what_is_announced_is_known);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
