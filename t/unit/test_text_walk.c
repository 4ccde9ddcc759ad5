/*
 * t/unit/test_text_walk.c - lib/mail/text_walk gives all that lib/mail/text_search looks at.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"
#include "lib/base/parse.h"
#include "lib/mail/casemap.h"
#include "lib/mail/text_search.h"
#include "lib/mail/text_walk.h"
#include "t/unit/search_messages.h"

enum { TEXT_MAX = 4 << 20 };

#define GAP "\001" /* in no test message */

static bool
append_piece(void *arg, struct slice folded)
{
    ck_assert(strbuf_append(arg, folded));
    return true;
}

static void
append_gap(void *arg)
{
    ck_assert(strbuf_str(arg, GAP));
}

static struct strbuf
text_of(struct slice message, bool with_header)
{
    struct strbuf text = strbuf_new(TEXT_MAX);
    const struct text_sink sink = {append_piece, append_gap, &text};
    struct mime m;

    mime_parse(message, &m);
    text_walk_message(&m, with_header, &sink);
    mime_free(&m);
    return text;
}

static bool
holds(const struct strbuf *text, const char *needle)
{
    return slice_find(strbuf_slice(text), slice_of(needle)) < text->len;
}

/* Every stretch between gaps is found by the search, and no stretch goes over a gap. */
START_TEST(the_text_is_what_a_search_sees)
{
    struct slice message = slice_of(search_messages[_i].text);

    for (int with_header = 0; with_header < 2; with_header++) {
        struct strbuf text = text_of(message, with_header != 0);
        struct slice rest = strbuf_slice(&text);
        struct mime m;

        mime_parse(message, &m);
        while (rest.len > 0)
            ck_assert(text_search_message(&m, slice_split(&rest, GAP[0]), with_header != 0) ||
                      search_messages[_i].has_names);
        mime_free(&m);
        strbuf_free(&text);
    }
}
END_TEST

/* The other way round: what the search finds is in the text. */
START_TEST(what_a_search_finds_is_in_the_text)
{
    struct slice message = slice_of(search_messages[_i].text);
    struct strbuf text = text_of(message, true), needle = strbuf_new(2000);
    struct mime m;

    mime_parse(message, &m);
    for (size_t i = 0; i < ARRAY_LEN(search_needles); i++) {
        strbuf_clear(&needle);
        ck_assert(casemap_text(slice_of(search_needles[i]), &needle));
        if (text_search_message(&m, strbuf_slice(&needle), true))
            ck_assert_msg(holds(&text, strbuf_cstr(&needle)), "%s", search_needles[i]);
    }
    mime_free(&m);
    strbuf_free(&text);
    strbuf_free(&needle);
}
END_TEST

START_TEST(names_of_attachments_are_unescaped)
{
    struct strbuf text = text_of(slice_of(search_messages[SEARCH_NAMES].text), false);

    ck_assert(holds(&text, "RECHNUNG FU\u0308R MA\u0308RZ.PDF"));
    ck_assert(holds(&text, "服务器.TXT"));
    ck_assert(holds(&text, "LANG UND LA\u0308NGER.DOC"));
    ck_assert(!holds(&text, "NOT SHOWN"));
    strbuf_free(&text);
}
END_TEST

/* Pieces end between characters, wherever the borders of the decoded pieces lie. */
START_TEST(no_piece_cuts_a_character)
{
    struct strbuf message = strbuf_new(1 << 20), text;

    ck_assert(strbuf_str(&message, "Content-Type: text/plain; charset=utf-8\r\n\r\nX"));
    while (message.len < 100000)
        ck_assert(strbuf_str(&message, "中"));
    text = text_of(strbuf_slice(&message), false);
    ck_assert_int_eq(parse_is_utf8(slice_sub(strbuf_slice(&text), 0, text.len - 1)), true);
    ck_assert(slice_ends(strbuf_slice(&message), slice_sub(strbuf_slice(&text), 0, text.len - 1)));
    strbuf_free(&message);
    strbuf_free(&text);
}
END_TEST

/* What was indexed before a change of decoding would be looked up by another text. */
START_TEST(a_change_of_text_raises_the_version)
{
    uint32_t crc = 0;

    for (size_t i = 0; i < ARRAY_LEN(search_messages); i++) {
        struct strbuf text = text_of(slice_of(search_messages[i].text), true);

        crc = crc32c(crc, strbuf_slice(&text));
        strbuf_free(&text);
    }
    ck_assert_msg(TEXT_WALK_VERSION == 2 && crc == 0xf08281fe,
                  "texts have changed (0x%08x): raise TEXT_WALK_VERSION, write it down here", crc);
}
END_TEST

static bool
stop_at_once(void *arg, struct slice folded)
{
    (void)folded;
    ++*(unsigned *)arg;
    return false;
}

static void
count_gap(void *arg)
{
    *(unsigned *)arg += 100;
}

START_TEST(enough_is_enough)
{
    unsigned calls = 0;
    const struct text_sink sink = {stop_at_once, count_gap, &calls};
    struct mime m;

    mime_parse(slice_of(search_messages[0].text), &m);
    text_walk_message(&m, true, &sink);
    ck_assert_uint_eq(calls, 1);
    mime_free(&m);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("text_walk");
    TCase *tc = tcase_create("text_walk");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, the_text_is_what_a_search_sees, 0, (int)ARRAY_LEN(search_messages));
    tcase_add_loop_test(tc, what_a_search_finds_is_in_the_text, 0, (int)ARRAY_LEN(search_messages));
    tcase_add_test(tc, names_of_attachments_are_unescaped);
    tcase_add_test(tc, no_piece_cuts_a_character);
    tcase_add_test(tc, a_change_of_text_raises_the_version);
    tcase_add_test(tc, enough_is_enough);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
