/*
 * t/unit/test_fts_gram.c - lib/fts/gram: in every script, a part of a text is among its grams.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "lib/mail/casemap.h"
#include "lib/mail/text_walk.h"
#include "lib/mail/utf8.h"
#include "t/unit/gram_check.h"

static struct gram_set *
grams_of(enum gram_side side, struct slice text)
{
    struct gram_set *set = gram_set_new(side);
    struct strbuf folded = strbuf_new(65536);

    ck_assert(casemap_text(text, &folded));
    gram_set_feed(set, strbuf_slice(&folded));
    gram_set_gap(set);
    strbuf_free(&folded);
    return set;
}

static bool
covers(struct slice text, struct slice needle)
{
    struct gram_set *have = grams_of(GRAM_TEXT, text), *want = grams_of(GRAM_NEEDLE, needle);
    bool all = gram_check_covers(have, want);

    gram_set_free(&have);
    gram_set_free(&want);
    return all;
}

static const struct {
    const char *text;
    const char *other; /* a string that has grams, none of which the text has */
} scripts[] = {
    {"The quick brown fox, naïve café au lait", "zebra"},
    {"Straße, Größe und Übermut; ẞ groß", "Fenster"},
    {"İstanbul'da ılık ığdır IŞIK", "ankara"},
    {"Ελληνικά κείμενα, ΟΔΥΣΣΕΥΣ", "Ξένος"},
    {"Русский текст и ещё ЁЛКА", "письмо"},
    {"مرحبا بالعالم العربي", "رسالة"},
    {"שלום עולם בעברית", "מכתב"},
    {"ภาษาไทยไม่มีช่องว่าง", "จดหมาย"},
    {"हिन्दी में लिखा हुआ पाठ", "चिट्ठी"},
    {"服务器性能测试工具。請查收附件", "猫"},
    {"東京タワーとひらがな、カタカナ", "大阪"},
    {"한국어 메일 서버", "서울"},
    {"e\u0301te\u0301 na\u0308hme combining", "o\u0308l\u0308x"},
    {"emoji 😀👍🏽 und ❤️ zuletzt 🎉", "🚀"},
    {"ab中文cd 3号楼 x86架构 IPv6网络", "西文"},
    {"2026-11-26 10:00 order 4711-0815", "1234"},
};

/* From each character to each later one. */
START_TEST(no_part_of_a_text_is_missed)
{
    struct slice text = slice_of(scripts[_i].text);

    for (size_t from = 0; from < text.len; from++)
        for (size_t to = from + 1; to <= text.len; to++)
            ck_assert_msg(covers(text, slice_sub(text, from, to)), "%zu to %zu of %s", from, to,
                          scripts[_i].text);
}
END_TEST

START_TEST(what_is_not_there_is_told_apart)
{
    struct gram_set *other = grams_of(GRAM_NEEDLE, slice_of(scripts[_i].other));

    ck_assert_uint_gt(gram_set_count(other), 0);
    ck_assert(!covers(slice_of(scripts[_i].text), slice_of(scripts[_i].other)));
    gram_set_free(&other);
}
END_TEST

/* ---- how many grams: none means that the index cannot tell ---- */

static const struct {
    enum gram_side side;
    const char *text;
    uint32_t count;
} counts[] = {
    {GRAM_NEEDLE, "", 0},
    {GRAM_NEEDLE, "ab", 0},
    {GRAM_NEEDLE, "ab-cd, e. \xe4\xe4\xe4", 0}, /* no UTF-8: parts like punctuation */
    {GRAM_NEEDLE, "abc", 1},
    {GRAM_NEEDLE, "abcd", 1}, /* a long one; its short ones say no more */
    {GRAM_NEEDLE, "abcde", 2},
    {GRAM_NEEDLE, "шёл", 1}, /* of four: the dots count */
    {GRAM_NEEDLE, "äöü", 3},
    {GRAM_NEEDLE, "猫", 1},
    {GRAM_NEEDLE, "中文", 1},
    {GRAM_NEEDLE, "ab中cd", 1},
    {GRAM_TEXT, "中文", 2},
    {GRAM_TEXT, "猫", 1},
    {GRAM_TEXT, "abcd", 2},
    {GRAM_TEXT, "abc ABC aBc", 1},
    {GRAM_TEXT, "it is so", 0},
    {GRAM_TEXT, "、。！ — „“ -->", 0},
};

START_TEST(grams_are_counted_once)
{
    struct gram_set *set = grams_of(counts[_i].side, slice_of(counts[_i].text));

    ck_assert_uint_eq(gram_set_count(set), counts[_i].count);
    gram_set_free(&set);
}
END_TEST

START_TEST(a_run_goes_on_in_the_next_piece_but_not_over_a_gap)
{
    struct gram_set *set = gram_set_new(GRAM_TEXT);

    gram_set_feed(set, SLICE("ab"));
    gram_set_feed(set, SLICE("c"));
    gram_set_gap(set);
    ck_assert_uint_eq(gram_set_count(set), 1);
    gram_set_feed(set, SLICE("d"));
    gram_set_gap(set);
    ck_assert_uint_eq(gram_set_count(set), 1);
    gram_set_feed(set, SLICE("ef"));
    gram_set_clear(set);
    gram_set_feed(set, SLICE("g"));
    gram_set_gap(set);
    ck_assert_uint_eq(gram_set_count(set), 0);
    gram_set_free(&set);
}
END_TEST

/* Far more grams than mail has. */
START_TEST(a_large_text_keeps_all)
{
    struct gram_set *text = gram_set_new(GRAM_TEXT), *needle = gram_set_new(GRAM_NEEDLE);
    char bytes[4];

    for (uint32_t i = 0; i < 150000; i++)
        gram_set_feed(text, slice_make(bytes, utf8_put(0x4e00 + i * i % 20011, bytes)));
    gram_set_gap(text);
    for (uint32_t i = 149000; i < 149500; i++)
        gram_set_feed(needle, slice_make(bytes, utf8_put(0x4e00 + i * i % 20011, bytes)));
    gram_set_gap(needle);
    ck_assert_uint_gt(gram_set_count(text), 15000);
    ck_assert(gram_check_covers(text, needle));
    gram_set_clear(text);
    ck_assert(!gram_check_covers(text, needle));
    gram_set_free(&text);
    gram_set_free(&needle);
}
END_TEST

/* ---- an index that an older version has made must not be searched with other grams ---- */

static uint32_t
add_terms(uint32_t crc, struct gram_set *set, uint32_t code)
{
    char bytes[4];

    gram_set_clear(set);
    for (unsigned i = 0; i < 4; i++)
        gram_set_feed(set, slice_make(bytes, utf8_put(code, bytes)));
    gram_set_gap(set);
    for (uint32_t i = 0; i < gram_set_count(set); i++) {
        uint32_t number = gram_set_number(set, i);

        crc = crc32c(crc, slice_make(&number, sizeof(number)));
    }
    return crc32c(crc, slice_make(&code, sizeof(code)));
}

START_TEST(a_change_of_grams_raises_the_version)
{
    struct gram_set *set = gram_set_new(GRAM_TEXT);
    uint32_t crc = 0;

    for (uint32_t code = 1; code < 0x20100; code++)
        crc = add_terms(crc, set, code);
    gram_set_free(&set);
    ck_assert_msg(GRAM_VERSION == 1 && crc == 0x123871db,
                  "the grams have changed (0x%08x): raise GRAM_VERSION and write it down here",
                  crc);
}
END_TEST

START_TEST(a_change_of_folding_raises_the_version)
{
    struct strbuf folded = strbuf_new(4 * CASEMAP_GROWTH);
    uint32_t crc = 0;
    char bytes[4];

    for (uint32_t code = 1; code < 0x110000; code++) {
        strbuf_clear(&folded);
        (void)casemap_text(slice_make(bytes, utf8_put(code, bytes)), &folded); /* fits */
        crc = crc32c(crc, strbuf_slice(&folded));
    }
    strbuf_free(&folded);
    ck_assert_msg(TEXT_WALK_VERSION == 2 && crc == 0x40cd0282,
                  "folding has changed (0x%08x): raise TEXT_WALK_VERSION, write it down here", crc);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fts_gram");
    TCase *tc = tcase_create("fts_gram");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, no_part_of_a_text_is_missed, 0, (int)ARRAY_LEN(scripts));
    tcase_add_loop_test(tc, what_is_not_there_is_told_apart, 0, (int)ARRAY_LEN(scripts));
    tcase_add_loop_test(tc, grams_are_counted_once, 0, (int)ARRAY_LEN(counts));
    tcase_add_test(tc, a_run_goes_on_in_the_next_piece_but_not_over_a_gap);
    tcase_add_test(tc, a_large_text_keeps_all);
    tcase_add_test(tc, a_change_of_grams_raises_the_version);
    tcase_add_test(tc, a_change_of_folding_raises_the_version);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
