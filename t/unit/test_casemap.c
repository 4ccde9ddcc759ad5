/*
 * t/unit/test_casemap.c - lib/mail/casemap as SEARCH uses it; its order: test_sort_text.c.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/casemap.h"
#include "lib/mail/utf8.h"

static struct strbuf
text_of(const char *text)
{
    struct strbuf out = strbuf_new(1000);

    ck_assert(casemap_text(slice_of(text), &out));
    return out;
}

/* The substring operation of i;unicode-casemap (RFC 5051 section 2). */
static const struct {
    const char *text, *needle;
    bool found;
} searches[] = {
    {"Hello, World", "hello", true},
    {"Hello, World", "O, w", true},
    {"Hello, World", "hallo", false},
    {"GRÜẞE", "grüß", false}, /* title case of the sharp s is the small one: no upper one to it */
    {"Grüße", "GRÜß", true},
    {"Zu\u0308rich", "ZÜRICH", true}, /* decomposed and composed */
    {"Zürich", "zu\u0308r", true},
    {"Zürich", "zu", true}, /* what is decomposed begins with its base */
    {"Zürich", "zur", false},
    {"résumé", "RE\u0301SUME\u0301", true},
    {"ΟΔΥΣΣΕΥΣ", "οδυσσευς", true}, /* both sigmas */
    {"Άλφα", "άλφα", true},
    {"Ёлка", "ёЛКА", true},
    {"ԱՐՄԵՆ", "արմեն", true},                    /* Armenian */
    {"\U00010400", "\U00010428", true},          /* Deseret, beyond 16 bits */
    {"ｆｕｌｌ ｗｉｄｔｈ", "FULL WIDTH", true}, /* compatibility decompositions */
    {"eﬃcient ①", "efficient 1", true},
    {"ﾎﾟｽﾄ", "ホ\u309aスト", true}, /* half width */
    {"ポスト", "ホ\u309aスト", true},
    {"\u01c6", "D\u017e", true}, /* the example of section 2: U+01C6 by way of U+01C5 */
    {"\u212b", "å", true},       /* the sign for Angstrom */
    {"한국어", "국", true},
    {"한국어", "\u1100", false}, /* syllables stay whole: UnicodeData.txt says no more */
    {"中文邮件", "文邮", true},
    {"I", "ı", true}, /* the dotless i has I as its title case */
    {"İ", "i\u0307", true},
    {"naïve \xff caf\xc3", "NAÏVE \xff CAF\xc3", true}, /* no UTF-8 stays and is found */
    {"caf\xe9", "caf\xc9", false},                      /* without a case of its own */
};

START_TEST(texts_are_found)
{
    struct strbuf text = text_of(searches[_i].text), needle = text_of(searches[_i].needle);
    bool found = slice_find(strbuf_slice(&text), strbuf_slice(&needle)) < text.len;

    ck_assert_msg(found == searches[_i].found, "%s in %s", searches[_i].needle, searches[_i].text);
    strbuf_free(&text);
    strbuf_free(&needle);
}
END_TEST

/* One character: no longer than promised; done once it is done; the same between others. */
static bool
is_mapped_by_itself(struct slice c, struct strbuf *one, struct strbuf *again, struct strbuf *in,
                    struct strbuf *many)
{
    strbuf_clear(one);
    strbuf_clear(again);
    strbuf_clear(in);
    strbuf_clear(many);
    return casemap_text(c, one) && casemap_text(strbuf_slice(one), again) &&
           one->len <= c.len * CASEMAP_GROWTH && slice_eq(strbuf_slice(one), strbuf_slice(again)) &&
           strbuf_str(in, "A\u0301") && strbuf_append(in, c) && strbuf_str(in, "Z") &&
           casemap_text(strbuf_slice(in), many) &&
           slice_eq(slice_sub(strbuf_slice(many), 3, many->len - 1), strbuf_slice(one));
}

START_TEST(each_character_is_mapped_by_itself)
{
    struct strbuf one = strbuf_new(4 * CASEMAP_GROWTH), again = strbuf_new(4 * CASEMAP_GROWTH);
    struct strbuf in = strbuf_new(100), many = strbuf_new(200);
    bool reached = false;

    for (uint32_t code = 1; code < 0x110000; code++) {
        char bytes[4];
        struct slice c = slice_make(bytes, utf8_put(code, bytes));

        if (!is_mapped_by_itself(c, &one, &again, &in, &many))
            ck_abort_msg("U+%04x", code);
        reached |= one.len == c.len * CASEMAP_GROWTH;
    }
    ck_assert(reached); /* or the limit is too high */
    strbuf_free(&one);
    strbuf_free(&again);
    strbuf_free(&in);
    strbuf_free(&many);
}
END_TEST

START_TEST(what_does_not_fit_is_cut)
{
    struct strbuf out = strbuf_new(5);

    ck_assert(!casemap_text(SLICE("abcdefgh"), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "ABCDE");
    strbuf_clear(&out);
    ck_assert(!casemap_text(SLICE("abc中d"), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "ABC");
    strbuf_clear(&out);
    ck_assert(casemap_text(SLICE("abcde"), &out));
    ck_assert(casemap_text(SLICE(""), &out));
    ck_assert_str_eq(strbuf_cstr(&out), "ABCDE");
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("casemap");
    TCase *tc = tcase_create("casemap");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, texts_are_found, 0, (int)ARRAY_LEN(searches));
    tcase_add_test(tc, each_character_is_mapped_by_itself);
    tcase_add_test(tc, what_does_not_fit_is_cut);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
