/*
 * t/unit/test_imap_parser.c - imapd/parser, seqset and the parsers of arguments.
 */
// LINK: imapd/parser.c
// LINK: imapd/seqset.c
// LINK: imapd/flag_list.c
// LINK: imapd/append_args.c
// LINK: imapd/fetch_args.c
// LINK: imapd/list_args.c
// LINK: imapd/mailbox_filter.c
// LINK: imapd/mailbox_name.c
// LINK: imapd/metadata_args.c
// LINK: imapd/partial_range.c
// LINK: imapd/search_args.c
// LINK: imapd/search_fuzzy.c
// LINK: imapd/select_args.c
// LINK: imapd/status_items.c
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "imapd/append_args.h"
#include "imapd/fetch_args.h"
#include "imapd/list_args.h"
#include "imapd/metadata_args.h"
#include "imapd/search_args.h"
#include "imapd/select_args.h"

static struct arena arena;

static struct parser
begin(const char *text)
{
    arena_free(&arena);
    return parser_begin(slice_of(text), &arena);
}

/* ---- tokens ---- */

static const struct {
    const char *text, *value; /* NULL: wrong */
} astrings[] = {
    {"abc", "abc"},
    {"a]b", "a]b"},
    {"\"\"", ""},
    {"\"a b\"", "a b"},
    {"\"a\\\"b\\\\\"", "a\"b\\"},
    {"\"\xc3\xa4\"", "\xc3\xa4"},
    {"{3}\r\na\nb", "a\nb"},
    {"{3+}\r\nabc", "abc"},
    {"{0}\r\n", ""},
    {"", NULL},
    {"(", NULL},
    {"a\"b", NULL},
    {"\"a", NULL},
    {"\"a\\", NULL},
    {"\"a\\x\"", NULL},
    {"\"a\r\nb\"", NULL},
    {"{4}\r\nabc", NULL},
    {"{3}abc", NULL},
    {"{-1}\r\n", NULL},
    {"{99999999999}\r\n", NULL},
    {"{3", NULL},
    {"\xc3\xa4", NULL},
    {"a%", NULL},
};

START_TEST(astrings_are_read)
{
    struct parser p = begin(astrings[_i].text);
    struct slice value;
    bool ok = parser_astring(&p, &value) && parser_end(&p);

    ck_assert_int_eq(ok, astrings[_i].value != NULL);
    if (ok)
        ck_assert(slice_eq(value, slice_of(astrings[_i].value)));
    else
        ck_assert_ptr_nonnull(p.error);
}
END_TEST

static const struct {
    const char *text, *name;
} mailboxes[] = {
    {"inbox", "INBOX"},        {"\"iNbOx\"", "INBOX"}, {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
    {"\"a b\"", "a b"},        {"R&-D", "R&D"},        {"a&b", NULL},
    {"{2}\r\n\xc3\xa4", NULL},
};

START_TEST(mailbox_names_are_decoded)
{
    struct parser p = begin(mailboxes[_i].text);
    struct slice name;
    bool ok = parser_mailbox(&p, &name);

    ck_assert_int_eq(ok, mailboxes[_i].name != NULL);
    if (ok)
        ck_assert(slice_eq(name, slice_of(mailboxes[_i].name)));
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t real_ms;
} date_times[] = {
    {"\"17-Jul-1996 02:44:25 -0700\"", true, 837596665000},
    {"\" 1-Jan-1970 00:00:00 +0000\"", true, 0},
    {"\"01-jan-1970 01:30:00 +0130\"", true, 0},
    {"\"1-Jan-1970 00:00:00 +0000\"", false, 0},
    {"\"01-Foo-1970 00:00:00 +0000\"", false, 0},
    {"\"00-Jan-1970 00:00:00 +0000\"", false, 0},
    {"\"01-Jan-1970 24:00:00 +0000\"", false, 0},
    {"\"01-Jan-1970 00:00:00 0000\"", false, 0},
    {"01-Jan-1970 00:00:00 +0000", false, 0},
};

START_TEST(date_times_are_read)
{
    struct parser p = begin(date_times[_i].text);
    int64_t real_ms = -1;
    bool ok = parser_date_time(&p, &real_ms) && parser_end(&p);

    ck_assert_int_eq(ok, date_times[_i].ok);
    if (ok)
        ck_assert_int_eq(real_ms, date_times[_i].real_ms);
}
END_TEST

static const struct {
    const char *line;
    bool found, non_sync;
    uint64_t size;
} literals[] = {
    {"a LOGIN {5}", true, false, 5},     {"a LOGIN {5+}", true, true, 5},
    {"a {0}", true, false, 0},           {"a LOGIN {5} ", false, false, 0},
    {"a {5-}", false, false, 0},         {"a {}", false, false, 0},
    {"a 5}", false, false, 0},           {"", false, false, 0},
    {"a {+}", false, false, 0},          {"a {4294967295}", true, false, 4294967295},
    {"a {4294967296}", false, false, 0},
};

START_TEST(announcements_of_literals_are_found)
{
    struct parser_literal literal = {.size = 77};

    ck_assert_int_eq(parser_literal_at_end(slice_of(literals[_i].line), &literal),
                     literals[_i].found);
    if (!literals[_i].found)
        return;
    ck_assert_uint_eq(literal.size, literals[_i].size);
    ck_assert_int_eq(literal.non_sync, literals[_i].non_sync);
}
END_TEST

/* ---- sets ---- */

static const struct {
    const char *text;
    uint32_t star;
    const char *set; /* NULL: wrong */
} sets[] = {
    /* RFC 3501 section 9 */
    {"2,4:7,9,12:*", 15, "2:2 4:7 9:9 12:15 "},
    {"*:4,5:7", 10, "4:10 "},
    {"4:2", 9, "2:4 "},
    {"3291:*", 12, "12:3291 "},
    {"*", 7, "7:7 "},
    {"1:3,2:5,6", 9, "1:6 "},
    {"5,1", 9, "1:1 5:5 "},
    {"*", 0, ""},
    {"1:*", 0, ""},
    {"4294967295,1", 9, "1:1 4294967295:4294967295 "},
    {"0", 9, NULL},
    {"1,", 9, NULL},
    {"1:", 9, NULL},
    {",1", 9, NULL},
    {"4294967296", 9, NULL},
    {"a", 9, NULL},
    {"", 9, NULL},
};

START_TEST(sets_are_resolved)
{
    struct parser p = begin(sets[_i].text);
    struct strbuf out = strbuf_new(1000);
    struct seqset set;
    bool ok = seqset_parse(&p, &set) && parser_end(&p);

    ck_assert_int_eq(ok, sets[_i].set != NULL);
    if (ok) {
        seqset_resolve(&set, sets[_i].star);
        for (size_t i = 0; i < set.count; i++) {
            ck_assert(strbuf_printf(&out, "%u:%u ", set.ranges[i].first, set.ranges[i].last));
            ck_assert(seqset_contains(&set, set.ranges[i].first));
            ck_assert(seqset_contains(&set, set.ranges[i].last));
            ck_assert(!seqset_contains(&set, set.ranges[i].first - 1));
        }
        ck_assert_str_eq(strbuf_cstr(&out), sets[_i].set);
    }
    strbuf_free(&out);
}
END_TEST

START_TEST(numbers_are_written_as_sets)
{
    static const uint32_t numbers[] = {304, 319, 320, 321, 7};
    struct strbuf out = strbuf_new(100);

    seqset_write(numbers, ARRAY_LEN(numbers), &out);
    ck_assert_str_eq(strbuf_cstr(&out), "304,319:321,7");
    strbuf_free(&out);
}
END_TEST

/* ---- arguments ---- */

static bool
parse_fetch(struct parser *p)
{
    struct fetch_args args;

    return fetch_args_parse(p, &args);
}

static bool
parse_search(struct parser *p)
{
    struct search_args args;

    return search_args_parse(p, &args);
}

static bool
parse_get(struct parser *p)
{
    struct metadata_want want;
    struct slice mailbox;

    return metadata_args_parse_get(p, &mailbox, &want);
}

static bool
parse_set(struct parser *p)
{
    struct annotation_change *changes;
    struct slice mailbox;
    size_t count;

    return metadata_args_parse_set(p, &mailbox, &changes, &count);
}

static bool
parse_list(struct parser *p)
{
    struct list_args args;

    return list_args_parse(p, true, &args);
}

static bool
parse_select(struct parser *p)
{
    struct select_args args;

    return select_args_parse(p, &args);
}

static bool
parse_append(struct parser *p)
{
    struct append_args args;

    return append_args_parse(p, &args);
}

static bool
parse_append_part(struct parser *p)
{
    enum append_part part;

    return append_args_parse_part(p, &part);
}

static const struct {
    bool (*parse)(struct parser *p);
    const char *text;
    bool ok;
} arguments[] = {
    {parse_select, " INBOX", true},
    {parse_select, " INBOX (CONDSTORE)", true},
    {parse_select, " INBOX (QRESYNC (1 2))", true},
    {parse_select, " INBOX (QRESYNC (1 2 3:4,9))", true},
    {parse_select, " INBOX (CONDSTORE QRESYNC (1 9223372036854775807 3 (1:2,5 3,6:7)))", true},
    {parse_select, " INBOX (QRESYNC (1 2 (1 3)))", true},
    {parse_select, " INBOX ()", false},
    {parse_select, " INBOX (CONDSTORE CONDSTORE)", false},
    {parse_select, " INBOX (QRESYNC (1))", false},
    {parse_select, " INBOX (QRESYNC (0 2))", false},
    {parse_select, " INBOX (QRESYNC (1 0))", false},
    {parse_select, " INBOX (QRESYNC (1 9223372036854775808))", false},
    {parse_select, " INBOX (QRESYNC (1 2 *))", false},
    {parse_select, " INBOX (QRESYNC (1 2 $))", false},
    {parse_select, " INBOX (QRESYNC (1 2 3 4))", false},
    {parse_select, " INBOX (QRESYNC (1 2 (1:2 3)))", false},
    {parse_select, " INBOX (QRESYNC (1 2 (2,1 3,4)))", false},
    {parse_select, " INBOX (QRESYNC (1 2 (1 3))", false},
    {parse_fetch, " 1 FLAGS (CHANGEDSINCE 1)", true},
    {parse_fetch, " 1 (FLAGS) (VANISHED CHANGEDSINCE 1)", true},
    {parse_fetch, " 1 FLAGS (PARTIAL -1:-4294967295)", true},
    {parse_fetch, " 1 (EMAILID THREADID SAVEDATE MODSEQ)", true},
    {parse_fetch, " 1 BODY[]<9223372036854775807.9223372036854775807>", true},
    {parse_fetch, " 1 FLAGS (CHANGEDSINCE 0)", true},
    {parse_fetch, " 1 FLAGS (VANISHED)", false},
    {parse_fetch, " 1 FLAGS ()", false},
    {parse_fetch, " 1 FLAGS (PARTIAL 1:-1)", false},
    {parse_fetch, " 1 BODY[]<0.9223372036854775808>", false},
    {parse_search, " MODSEQ 0", true},
    {parse_search, " MODSEQ \"/flags/\\\\Seen\" priv 1", true},
    {parse_search, " MODSEQ \"/flags/\" all 1", false},
    {parse_search, " MODSEQ \"/flags/x\" 1", false},
    {parse_search, " MODSEQ", false},
    {parse_fetch, " 1:* ALL", true},
    {parse_fetch, " 1 (FLAGS BODY.PEEK[HEADER.FIELDS (Date \"From\")])", true},
    {parse_fetch, " 1 BODY[]<0.2048>", true},
    {parse_fetch, " 1 BODY[1.2.HEADER.FIELDS.NOT (a)]", true},
    {parse_fetch, " 1 (UID RFC822.SIZE RFC822 RFC822.TEXT BODY BODYSTRUCTURE)", true},
    {parse_fetch, " 1 body.peek[1.mime]", true},
    {parse_fetch, " 1 BODY[MIME]", false},
    {parse_fetch, " 1 BODY[0]", false},
    {parse_fetch, " 1 BODY[1.]", false},
    {parse_fetch, " 1 BODY[1", false},
    {parse_fetch, " 1 BODY[]<0.0>", false},
    {parse_fetch, " 1 BODY[]<0>", false},
    {parse_fetch, " 1 BODY.PEEK", false},
    {parse_fetch, " 1 ()", false},
    {parse_fetch, " 1 (ALL)", false},
    {parse_fetch, " 1 FLAGS UID", false},
    {parse_fetch, " 1  FLAGS", false},
    {parse_fetch, " 1 BODY[HEADER.FIELDS ()]", false},
    {parse_search, " ALL", true},
    {parse_search, " CHARSET utf-8 TEXT {2}\r\nab", true},
    {parse_search, " FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"", true},
    {parse_search, " OR (SEEN 1:3) NOT (UID 4:* KEYWORD $Junk)", true},
    {parse_search, " HEADER Message-ID <a@b>", true},
    {parse_search, " ON \"1-Feb-1994\" LARGER 0 NEW OLD UNKEYWORD x", true},
    {parse_search, "", false},
    {parse_search, " ", false},
    {parse_search, " ()", false},
    {parse_search, " OR SEEN", false},
    {parse_search, " NOT", false},
    {parse_search, " SINCE yesterday", false},
    {parse_search, " CHARSET klingon ALL", false},
    {parse_search, " (SEEN", false},
    {parse_search, " SEENX", false},
    {parse_list, " \"\" *", true},
    {parse_list, " \"\" %", true},
    {parse_list, " a/ \"b%\"", true},
    {parse_list, " (SUBSCRIBED RECURSIVEMATCH) \"\" (\"INBOX\" \"Sent/%\") RETURN (CHILDREN)",
     true},
    {parse_list, " () \"\" * RETURN (STATUS (MESSAGES UNSEEN) SUBSCRIBED)", true},
    {parse_list, " (RECURSIVEMATCH) \"\" *", false},
    {parse_list, " (RECURSIVEMATCH REMOTE) \"\" *", false},
    {parse_list, " (FOO) \"\" *", false},
    {parse_list, " (SUBSCRIBED ) \"\" *", false},
    {parse_list, " (SUBSCRIBED  REMOTE) \"\" *", false},
    {parse_list, " \"\" * RETURN ()", true},
    {parse_list, " \"\" * RETURN (CHILDREN )", false},
    {parse_list, " \"\" * RETURN (STATUS)", false},
    {parse_list, " \"\" * return (status (messages) children)", true},
    {parse_list, " \"\" * RETURN (FOO)", false},
    {parse_list, " \"\" * RETURN (STATUS ())", false},
    {parse_list, " \"\"", false},
    {parse_list, " \"\" % RETURN (METADATA (/shared/a \"/private/b\") CHILDREN)", true},
    {parse_list, " \"\" % RETURN (METADATA (/shared/a /private))", false},
    {parse_list, " \"\" % RETURN (METADATA /shared/a)", false},
    {parse_get, " \"\" /shared/comment", true},
    {parse_get, " (MAXSIZE 1024 DEPTH infinity) INBOX (/shared/a /private/b)", true},
    {parse_get, " INBOX (depth 1) (/shared \"/private/vendor\")", true},
    {parse_get, " INBOX (DEPTH 0) /shared/vendor/a/b", true},
    {parse_get, " (DEPTH 1) INBOX (MAXSIZE 4294967295) {9}\r\n/shared/a", true},
    {parse_get, " INBOX /shared/a /shared/b", true},
    {parse_get, " INBOX /shared/vendor/a", false},
    {parse_get, " INBOX (MAXSIZE 4294967296) /shared/a", false},
    {parse_get, " INBOX (DEPTH 1)(/shared/a)", false},
    {parse_get, " INBOX (/shared/a)(/shared/b)", false},
    {parse_get, " INBOX (/shared/a ) ", false},
    {parse_get, " INBOX (/sharedx/a)", false},
    {parse_get, " INBOX (shared/a)", false},
    {parse_get, " INBOX /", false},
    {parse_set, " \"\" (/private/a NIL)", true},
    {parse_set, " x (/private/a \"\" /private/b {0}\r\n /private/c ~{2+}\r\n\r\n)", true},
    {parse_set, " x (/private/a {4}\r\na\r\nb)", true},
    {parse_set, " x (/private/a ~NIL)", false},
    {parse_set, " x (/private/a ~\"a\")", false},
    {parse_set, " x (/private/a b)", false},
    {parse_set, " x (/private/a NILX)", false},
    {parse_set, " x (/private/a {5}\r\na\r\nb)", false},
    {parse_set, " x (/private NIL)", false},
    {parse_set, " x (/private/a NIL ", false},
    {parse_search, " FILTER a", false}, /* there are none here */
    {parse_append, " {10}", true},
    {parse_append, " (\\Seen kw) \"17-Jul-1996 02:44:25 -0700\" {10+}", true},
    {parse_append, " () ~{10}", true},
    {parse_append, " \"17-Jul-1996 02:44:25 -0700\" UTF8 (~{10}", true},
    {parse_append, " CATENATE (URL x", true},
    {parse_append, " CATENATE URL", false},
    {parse_append, " UTF8 ~{10}", false},
    {parse_append, " (\\Recent) {10}", false},
    {parse_append, "{10}", false},
    {parse_append_part, "URL \"/x/;UID=1\"", true},
    {parse_append_part, "text {5}", true},
    {parse_append_part, "UTF8 (~{5}", true},
    {parse_append_part, "UTF8 ~{5}", false},
    {parse_append_part, "TEXTS {5}", false},
};

START_TEST(arguments_follow_the_grammar)
{
    struct parser p = begin(arguments[_i].text);

    ck_assert_msg(arguments[_i].parse(&p) == arguments[_i].ok, "%s", arguments[_i].text);
}
END_TEST

/* "x" stands for itself twice, "end" for ALL, "many" for 60 of those, "n5" for "n4" and so on. */
static bool
find_filter(void *arg, struct slice name, struct arena *to, struct slice *criteria)
{
    char text[30];

    ++*(unsigned *)arg;
    if (slice_eq(name, SLICE("x")))
        *criteria = SLICE("FILTER x FILTER x");
    else if (slice_eq(name, SLICE("end")))
        *criteria = SLICE("ALL");
    else if (slice_eq(name, SLICE("many"))) {
        struct strbuf many = strbuf_new(1000);

        for (unsigned i = 0; i < 60; i++)
            (void)strbuf_str(&many, i == 0 ? "FILTER end" : " FILTER end");
        *criteria = arena_copy(to, strbuf_slice(&many));
        strbuf_free(&many);
    } else if (slice_eq(name, SLICE("n1")))
        *criteria = SLICE("FILTER end");
    else if (slice_eq(name, SLICE("half")))
        *criteria = SLICE("OR SMALLER 5");
    else if (name.len == 2 && name.ptr[0] == 'n') {
        (void)snprintf(text, sizeof(text), "NOT FILTER n%c", name.ptr[1] - 1);
        *criteria = arena_copy(to, slice_of(text));
    } else
        return false;
    return true;
}

static const struct {
    const char *text;
    bool ok;
    const char *undefined; /* NULL: none */
    bool charset;
} filters[] = {
    {" FILTER n3", true, NULL, false},
    {" CHARSET us-ascii OR FILTER n6 (FILTER n7)", true, NULL, false},
    {" FILTER n8", false, "end", false},
    {" FILTER n9", false, "n1", false},
    {" FILTER many", true, NULL, false},
    {" FILTER many FILTER many", false, "end", false},
    {" SEEN FILTER nothing", false, "nothing", false},
    {" FILTER x", false, "x", false},
    {" FILTER half", false, NULL, false},
    {" CHARSET iso-8859-1 FILTER n1", false, NULL, true},
    {" FILTER n1/", false, NULL, false},
    {" FILTER \"n1\"", false, NULL, false},
};

START_TEST(filters_stand_for_their_criteria)
{
    unsigned asked = 0;
    const struct filter_source source = {.find = find_filter, .arg = &asked};
    struct parser p = begin(filters[_i].text);
    struct search_args args;

    p.filters = &source;
    ck_assert_msg(search_args_parse(&p, &args) == filters[_i].ok, "%s: %s", filters[_i].text,
                  p.error);
    ck_assert_int_eq(args.filter_charset, filters[_i].charset);
    ck_assert(slice_eq(args.undefined_filter, slice_of(filters[_i].undefined)));
    ck_assert_uint_le(asked, SEARCH_FILTERS_MAX);
}
END_TEST

START_TEST(search_nesting_is_limited)
{
    struct strbuf text = strbuf_new(100000);
    struct parser p;

    for (int i = 0; i < SEARCH_DEPTH_MAX - 1; i++)
        ck_assert(strbuf_str(&text, " NOT"));
    ck_assert(strbuf_str(&text, " SEEN"));
    p = begin(strbuf_cstr(&text));
    ck_assert(parse_search(&p));
    strbuf_clear(&text);
    for (int i = 0; i < 10000; i++)
        ck_assert(strbuf_str(&text, i == 0 ? " (" : "("));
    p = begin(strbuf_cstr(&text));
    ck_assert(!parse_search(&p));
    strbuf_free(&text);
}
END_TEST

START_TEST(the_message_of_an_append_is_told_from_other_literals)
{
    arena_free(&arena);
    ck_assert(append_args_end_in_message(SLICE("a append INBOX {5}"), false, false, &arena));
    ck_assert(
        append_args_end_in_message(SLICE("a APPEND {1}\r\nx (\\Seen) {5+}"), false, false, &arena));
    ck_assert(!append_args_end_in_message(SLICE("a APPEND {5}"), false, false, &arena));
    ck_assert(append_args_end_in_message(SLICE("a uid replace * x {5}"), true, false, &arena));
    ck_assert(
        append_args_end_in_message(SLICE("a REPLACE 4 x CATENATE (URL {5}"), true, false, &arena));
    ck_assert(!append_args_end_in_message(SLICE("a REPLACE 4 x {5}"), false, false, &arena));
    ck_assert(!append_args_end_in_message(SLICE("a REPLACE 4 {5}"), true, false, &arena));
    ck_assert(!append_args_end_in_message(SLICE("a LOGIN INBOX {5}"), false, false, &arena));
}
END_TEST

START_TEST(two_requests_become_one)
{
    struct parser p = begin("(uid body[1.2] body.peek[header.fields (a b)] rfc822.text)"), q;
    struct fetch_args all = {.items = 0}, first, second;
    size_t sections = 0;

    ck_assert(fetch_args_parse_list(&p, &first) && parser_end(&p));
    q = parser_begin(
        SLICE("(flags body[1.3] body[1.2]<0.5> body[header.fields (A B)] body.peek[1.2])"), &arena);
    ck_assert(fetch_args_parse_list(&q, &second) && parser_end(&q));
    fetch_args_add(&all, &first, &arena);
    fetch_args_add(&all, &second, &arena);
    ck_assert_uint_eq(all.items, FETCH_UID | FETCH_FLAGS);
    for (const struct fetch_section *x = all.sections; x != NULL; x = x->next)
        sections++;
    ck_assert_uint_eq(sections, 5);
    ck_assert(all.sets_seen);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("imap_parser");
    TCase *tc = tcase_create("imap_parser");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, astrings_are_read, 0, (int)ARRAY_LEN(astrings));
    tcase_add_loop_test(tc, mailbox_names_are_decoded, 0, (int)ARRAY_LEN(mailboxes));
    tcase_add_loop_test(tc, date_times_are_read, 0, (int)ARRAY_LEN(date_times));
    tcase_add_loop_test(tc, announcements_of_literals_are_found, 0, (int)ARRAY_LEN(literals));
    tcase_add_loop_test(tc, sets_are_resolved, 0, (int)ARRAY_LEN(sets));
    tcase_add_test(tc, numbers_are_written_as_sets);
    tcase_add_loop_test(tc, arguments_follow_the_grammar, 0, (int)ARRAY_LEN(arguments));
    tcase_add_loop_test(tc, filters_stand_for_their_criteria, 0, (int)ARRAY_LEN(filters));
    tcase_add_test(tc, search_nesting_is_limited);
    tcase_add_test(tc, the_message_of_an_append_is_told_from_other_literals);
    tcase_add_test(tc, two_requests_become_one);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
