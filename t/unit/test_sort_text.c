/*
 * t/unit/test_sort_text.c - what SORT and THREAD compare: base subjects, collation keys,
 * identifiers, sent dates.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/base_subject.h"
#include "lib/mail/casemap.h"
#include "lib/mail/date.h"
#include "lib/mail/message_id.h"
#include "lib/mail/sort_text.h"

/* ---- RFC 5256 section 2.1 ---- */

static const struct {
    const char *subject, *base;
    bool is_reply;
} subjects[] = {
    {"hello", "hello", false},
    {"", "", false},
    {"   \t ", "", false},
    {"Re: hello", "hello", true},
    {"RE:hello", "hello", true},
    {"re :  hello \t world ", "hello world", true},
    {"Re: Re: Fwd: FW: hello", "hello", true},
    {"Re[2]: hello", "hello", true},
    {"Re [2] : hello", "hello", true},
    {"[list] hello", "hello", false},
    {"[list] Re: [list] hello", "hello", true},
    {"Re: [a][b] [c] hello", "hello", true},
    {"[a] [b]", "[b]", false},
    {"[a]", "[a]", false},
    {"Re: [a]", "[a]", true},
    {"[a] Re: [b]", "[b]", true},
    {"hello (fwd)", "hello", true},
    {"hello (FWD) (fwd) ", "hello", true},
    {"(fwd)", "", true},
    {"Re:", "", true},
    {"[fwd: hello]", "hello", true},
    {"[Fwd: Re: [x] hello (fwd)]", "hello", true},
    {"Re: [fwd: [fwd: hello]]", "hello", true},
    {"[fwd:]", "", true},
    {"[fwd: hello", "[fwd: hello", false},
    {"[fwd hello]", "[fwd hello]", false},
    {"[a [b] c] hello", "[a [b] c] hello", false},
    {"Reply: hello", "Reply: hello", false},
    {"Refwd: hello", "Refwd: hello", false},
    {"fwdx: hello", "fwdx: hello", false},
    {"Fw[x][y]: hello", "Fw[x][y]: hello", false},
    {"hello\r\n\tworld", "hello world", false},
    {"re", "re", false},
    {"[open", "[open", false},
};

START_TEST(subjects_have_a_base)
{
    struct strbuf text = strbuf_new(1000);
    bool is_reply;

    ck_assert(strbuf_str(&text, subjects[_i].subject));
    is_reply = base_subject(&text);
    ck_assert_str_eq(strbuf_cstr(&text), subjects[_i].base);
    ck_assert_msg(is_reply == subjects[_i].is_reply, "%s", subjects[_i].subject);
    /* once more changes nothing */
    ck_assert(!base_subject(&text));
    ck_assert_str_eq(strbuf_cstr(&text), subjects[_i].base);
    strbuf_free(&text);
}
END_TEST

START_TEST(a_long_subject_is_quick)
{
    enum { COUNT = 200000 };
    struct strbuf text = strbuf_new((size_t)COUNT * 4);

    for (int i = 0; i < COUNT; i++)
        ck_assert(strbuf_str(&text, i % 2 ? "[b]" : "re:"));
    for (int i = 0; i < COUNT / 2; i++)
        ck_assert(strbuf_str(&text, "[]"));
    (void)base_subject(&text);
    ck_assert_str_eq(strbuf_cstr(&text), "[]");
    strbuf_free(&text);
}
END_TEST

/* ---- RFC 5051 ---- */

/* In their order; the same text in a pair with the next row where `equal`. */
static const struct {
    const char *text;
    bool equal;
} texts[] = {
    {"", false},
    {"a", true},
    {"A", false},
    {"ab", false},
    {"apple", true},
    {"aPPle", false},
    {"o\xcc\x88", true}, /* o and a combining diaeresis */
    {"\xc3\xb6", true},  /* ö */
    {"\xc3\x96", false}, /* Ö */
    {"zebra", false},
    {"\xc7\x84", true},                          /* U+01C4: "DŽ" as one, by way of U+01C5 */
    {"\xc7\x86", false},                         /* U+01C6: "dž" */
    {"\xce\xb1", true},                          /* alpha */
    {"\xce\x91", false},                         /* Alpha */
    {"\xd0\x90\xd0\xbb\xd0\xb5\xd0\xba", false}, /* the examples of RFC 5255 section 4.6 */
    {"\xd1\x81\xd0\x95\xd0\xa0", false},
    {"\xed\x95\x9c", false},     /* a Hangul syllable stays as it is */
    {"\xd0\x92\xff\xb9", false}, /* no UTF-8 */
    {"\xd0\xc0\xd0\xbd", false},
};

START_TEST(keys_are_ordered)
{
    struct strbuf a = strbuf_new(100), b = strbuf_new(100);
    int order;

    ck_assert(casemap_key(slice_of(texts[_i].text), &a));
    ck_assert(casemap_key(slice_of(texts[_i + 1].text), &b));
    order = slice_cmp(strbuf_slice(&a), strbuf_slice(&b));
    if (texts[_i].equal)
        ck_assert_int_eq(order, 0);
    else if (strcmp(texts[_i].text, "zebra") != 0) /* decomposed, U+01C4 begins with D */
        ck_assert_msg(order < 0, "row %d", _i);
    strbuf_free(&a);
    strbuf_free(&b);
}
END_TEST

START_TEST(a_key_is_titlecased_and_decomposed)
{
    struct strbuf key = strbuf_new(100);

    ck_assert(casemap_key(SLICE("\xc7\x86"), &key)); /* RFC 5051 section 2 */
    ck_assert_str_eq(strbuf_cstr(&key), "DZ\xcc\x8c");
    strbuf_clear(&key);
    ck_assert(casemap_key(SLICE("\xef\xac\x81 \xef\xbc\xa1"), &key)); /* a ligature, a wide A */
    ck_assert_str_eq(strbuf_cstr(&key), "FI A");
    strbuf_free(&key);
}
END_TEST

/* ---- identifiers and dates ---- */

static const struct {
    const char *body, *ids; /* separated by '|' */
} id_lists[] = {
    {"<a@b>", "a@b|"},
    {" <a@b>\r\n <c@d> ", "a@b|c@d|"},
    {"<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", "01KF8JCEOCBS0045PS@xxx.yyy.com|"},
    {"<\"a\\\"b\"@c>", "a\"b@c|"},
    {"<a@[1.2.3.4]>", "a@[1.2.3.4]|"},
    {"Your message of Monday <x@y> from <bob@z.test>", "x@y|bob@z.test|"},
    {"<no-at> <a@b>", "a@b|"},
    {"<<a@b>", "a@b|"},
    {"<a@b <c@d>", "c@d|"},
    {"<@b><a@><a@b", ""},
    {"<\"open@b>", ""},
    {"<a @\r\n b>", "a@b|"},
    {"", ""},
};

START_TEST(identifiers_are_found)
{
    struct strbuf id = strbuf_new(MESSAGE_ID_MAX), all = strbuf_new(1000);
    struct slice body = slice_of(id_lists[_i].body);

    while (message_id_next(&body, &id))
        ck_assert(strbuf_printf(&all, "%s|", strbuf_cstr(&id)));
    ck_assert_str_eq(strbuf_cstr(&all), id_lists[_i].ids);
    strbuf_free(&id);
    strbuf_free(&all);
}
END_TEST

static const struct {
    const char *text;
    int rc;
    int64_t unix_s;
} dates[] = {
    {"31 Dec 2000 16:01:33 -0800", 0, 978307293}, /* RFC 5256 section 2.2 */
    {"1 Jan 2001 00:01:33 +0000", 0, 978307293},
    {"Sun, 31 Dec 2000 16:01 PST", 0, 978307260},
    {"1 Jan 2001 00:01:33", 0, 978307293},
    {"1 Jan 2001 00:01:33 +99", 0, 978307293},
    {"1 Jan 2001 25:99", 0, 978307200},
    {"1 Jan 2001", 0, 978307200},
    {"Jan 2001", -1, 0},
    {"", -1, 0},
};

START_TEST(sent_dates)
{
    int64_t unix_s = 0;

    ck_assert_int_eq(date_parse_sent(slice_of(dates[_i].text), &unix_s), dates[_i].rc);
    ck_assert_int_eq(unix_s, dates[_i].unix_s);
}
END_TEST

/* ---- the texts ---- */

START_TEST(what_a_header_gives)
{
    const char *header =
        "Date: 1 Jan 2001 00:01:33 +0000\r\n"
        "Subject: =?utf-8?q?Re=3A_Gr=C3=BC=C3=9Fe?=\r\n"
        "From: =?utf-8?q?J=C3=B6rg?= <joe@a.test>, second@a.test\r\n"
        "To: friends: a@b, c@d;\r\nCc:\r\nCc: \"\" <third@a.test>\r\n\r\nFrom: body";
    struct strbuf text = strbuf_new(SORT_TEXT_MAX);
    struct sort_text got;

    sort_text_write(slice_of(header), &text);
    ck_assert(sort_text_read(strbuf_slice(&text), &got));
    ck_assert(got.has_sent && got.is_reply);
    ck_assert_int_eq(got.sent_s, 978307293);
    ck_assert(slice_eq(got.fields[SORT_TEXT_SUBJECT], SLICE("GRU\xcc\x88\xc3\x9f"
                                                            "E")));
    ck_assert(slice_eq(got.fields[SORT_TEXT_FROM], SLICE("JOE")));
    ck_assert(slice_eq(got.fields[SORT_TEXT_DISPLAY_FROM], SLICE("JO\xcc\x88RG")));
    ck_assert(slice_eq(got.fields[SORT_TEXT_TO], SLICE("FRIENDS")));
    ck_assert(slice_eq(got.fields[SORT_TEXT_DISPLAY_TO], SLICE("FRIENDS")));
    ck_assert(slice_eq(got.fields[SORT_TEXT_CC], SLICE("THIRD")));
    strbuf_clear(&text);
    sort_text_write(SLICE("\r\n"), &text);
    ck_assert(sort_text_read(strbuf_slice(&text), &got));
    ck_assert(!got.has_sent && !got.is_reply && got.fields[SORT_TEXT_CC].len == 0);
    ck_assert(!sort_text_read(SLICE("s"), &got));
    ck_assert(!sort_text_read(SLICE(""), &got));
    strbuf_free(&text);
}
END_TEST

static const struct {
    const char *header, *ids;
} headers[] = {
    {"Message-ID: <1@a>\r\nReferences: <2@a> <3@a>\r\nIn-Reply-To: <4@a>\r\n\r\n", "1@a|2@a|3@a|"},
    {"Message-ID: <1@a>\r\nReferences: none\r\nIn-Reply-To: <4@a> <5@a>\r\n\r\n", "1@a|4@a|"},
    {"In-Reply-To: <4@a>\r\n\r\n", "|4@a|"},
    {"Subject: x\r\n\r\n", "|"},
};

START_TEST(references_of_a_header)
{
    struct strbuf text = strbuf_new(SORT_TEXT_MAX), all = strbuf_new(1000);
    struct slice rest, id;

    sort_text_write_ids(slice_of(headers[_i].header), &text);
    rest = strbuf_slice(&text);
    ck_assert(sort_text_ids_begin(&rest));
    while (sort_text_ids_next(&rest, &id))
        ck_assert(strbuf_append(&all, id) && strbuf_char(&all, '|'));
    ck_assert_str_eq(strbuf_cstr(&all), headers[_i].ids);
    rest = SLICE("x");
    ck_assert(!sort_text_ids_begin(&rest));
    strbuf_free(&text);
    strbuf_free(&all);
}
END_TEST

START_TEST(everything_has_room)
{
    static const char *const names[] = {"From: ", "To: ", "Cc: ", "Subject: "};
    struct strbuf header = strbuf_new((size_t)4 << 20), text = strbuf_new(SORT_TEXT_MAX);
    struct sort_text got;
    struct slice rest, id;
    unsigned count = 0;

    (void)strbuf_str(&header, "References:");
    for (int i = 0; i < 40000; i++)
        (void)strbuf_printf(&header, " <%d@a>\r\n", i);
    for (int field = 0; field < 4; field++) {
        (void)strbuf_str(&header, names[field]);
        for (int i = 0; i < 100000; i++)
            (void)strbuf_str(&header, "\xc3\xb6");
        (void)strbuf_str(&header, "\r\n");
    }
    sort_text_write(strbuf_slice(&header), &text);
    ck_assert(!text.overflow);
    ck_assert(sort_text_read(strbuf_slice(&text), &got));
    strbuf_clear(&text);
    sort_text_write_ids(strbuf_slice(&header), &text);
    ck_assert(!text.overflow);
    rest = strbuf_slice(&text);
    ck_assert(sort_text_ids_begin(&rest));
    while (sort_text_ids_next(&rest, &id))
        count++;
    ck_assert_uint_eq(count, 1 + SORT_TEXT_REFERENCES_MAX);
    strbuf_free(&header);
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("sort_text");
    TCase *tc = tcase_create("sort_text");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, subjects_have_a_base, 0, (int)ARRAY_LEN(subjects));
    tcase_add_test(tc, a_long_subject_is_quick);
    tcase_add_loop_test(tc, keys_are_ordered, 0, (int)ARRAY_LEN(texts) - 1);
    tcase_add_test(tc, a_key_is_titlecased_and_decomposed);
    tcase_add_loop_test(tc, identifiers_are_found, 0, (int)ARRAY_LEN(id_lists));
    tcase_add_loop_test(tc, sent_dates, 0, (int)ARRAY_LEN(dates));
    tcase_add_test(tc, what_a_header_gives);
    tcase_add_loop_test(tc, references_of_a_header, 0, (int)ARRAY_LEN(headers));
    tcase_add_test(tc, everything_has_room);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
