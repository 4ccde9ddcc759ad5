/*
 * t/unit/test_mime.c - lib/mail/mime, mime_section, imap_structure.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/parse.h"
#include "lib/mail/imap_structure.h"
#include "lib/mail/mime_section.h"

/* The message whose part numbers RFC 3501 section 6.4.5 lists. */
static const char example[] = "Subject: complex\r\n"
                              "Content-Type: multipart/mixed; boundary=\"outer\"\r\n"
                              "\r\n"
                              "preamble\r\n"
                              "--outer\r\n"
                              "\r\n"
                              "one\r\n"
                              "--outer\r\n"
                              "Content-Type: application/octet-stream\r\n"
                              "\r\n"
                              "two\r\n"
                              "--outer\r\n"
                              "Content-Type: message/rfc822\r\n"
                              "\r\n"
                              "Subject: three\r\n"
                              "Content-Type: multipart/mixed; boundary=inner3\r\n"
                              "\r\n"
                              "--inner3\r\n"
                              "\r\n"
                              "three.one\r\n"
                              "--inner3\r\n"
                              "Content-Type: application/octet-stream\r\n"
                              "\r\n"
                              "three.two\r\n"
                              "--inner3--\r\n"
                              "\r\n"
                              "--outer  \r\n"
                              "Content-Type: multipart/mixed; boundary=inner4\r\n"
                              "\r\n"
                              "--inner4\r\n"
                              "Content-Type: image/gif\r\n"
                              "\r\n"
                              "four.one\r\n"
                              "--inner4\r\n"
                              "Content-Type: message/rfc822\r\n"
                              "\r\n"
                              "Subject: four.two\r\n"
                              "\r\n"
                              "four.two text\r\n"
                              "--inner4--\r\n"
                              "--outer--\r\n"
                              "epilogue\r\n";

static const struct {
    const char *numbers;
    enum mime_section section;
    const char *text; /* NULL: there is no such section */
} sections[] = {
    {"", MIME_SECTION_BODY, example},
    {"", MIME_SECTION_HEADER,
     "Subject: complex\r\nContent-Type: multipart/mixed; boundary=\"outer\"\r\n\r\n"},
    {"1", MIME_SECTION_BODY, "one"},
    {"1", MIME_SECTION_MIME, "\r\n"},
    {"1", MIME_SECTION_HEADER, NULL},
    {"1.1", MIME_SECTION_BODY, NULL},
    {"2", MIME_SECTION_BODY, "two"},
    {"2", MIME_SECTION_MIME, "Content-Type: application/octet-stream\r\n\r\n"},
    {"3", MIME_SECTION_HEADER,
     "Subject: three\r\nContent-Type: multipart/mixed; boundary=inner3\r\n\r\n"},
    {"3", MIME_SECTION_TEXT,
     "--inner3\r\n\r\nthree.one\r\n--inner3\r\nContent-Type: application/octet-stream\r\n\r\n"
     "three.two\r\n--inner3--\r\n"},
    {"3", MIME_SECTION_MIME, "Content-Type: message/rfc822\r\n\r\n"},
    {"3.1", MIME_SECTION_BODY, "three.one"},
    {"3.2", MIME_SECTION_BODY, "three.two"},
    {"3.3", MIME_SECTION_BODY, NULL},
    {"4.1", MIME_SECTION_BODY, "four.one"},
    {"4.1", MIME_SECTION_MIME, "Content-Type: image/gif\r\n\r\n"},
    {"4.2", MIME_SECTION_HEADER, "Subject: four.two\r\n\r\n"},
    {"4.2", MIME_SECTION_TEXT, "four.two text"},
    {"4.2.1", MIME_SECTION_BODY, "four.two text"},
    {"4.2.1", MIME_SECTION_MIME, "Subject: four.two\r\n\r\n"},
    {"4.2.2", MIME_SECTION_BODY, NULL},
    {"5", MIME_SECTION_BODY, NULL},
    {"0", MIME_SECTION_BODY, NULL},
    {"", MIME_SECTION_MIME, NULL},
};

static size_t
parse_numbers(const char *text, uint32_t *numbers)
{
    struct slice rest = slice_of(text);
    size_t count = 0;
    uint64_t n;

    while (rest.len > 0 && parse_u64(slice_split(&rest, '.'), 100, &n) == 0)
        numbers[count++] = (uint32_t)n;
    return count;
}

START_TEST(sections_are_found)
{
    struct mime m;
    uint32_t numbers[8];
    size_t count = parse_numbers(sections[_i].numbers, numbers);
    struct slice found = {NULL, 0};
    bool ok;

    mime_parse(slice_of(example), &m);
    ok = mime_section_find(&m, numbers, count, sections[_i].section, &found);
    if (sections[_i].section == MIME_SECTION_MIME && count == 0)
        ok = false;
    ck_assert_int_eq(ok, sections[_i].text != NULL);
    if (ok)
        ck_assert(slice_eq(found, slice_of(sections[_i].text)));
    mime_free(&m);
}
END_TEST

static const struct {
    const char *message, *body, *structure;
} structures[] = {
    {"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\na\r\nb\r\n",
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 6 2)",
     "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 6 2 NIL NIL NIL NIL)"},
    {"\r\nx", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)", NULL},
    {"", "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)", NULL},
    {"Content-Type: text\r\n\r\n",
     "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)", NULL},
    {"Content-Type: text/html\r\nContent-ID: <i@d>\r\nContent-Description: what\r\n it is\r\n"
     "Content-Transfer-Encoding: Quoted-Printable (c)\r\nContent-MD5: m==\r\n"
     "Content-Disposition: attachment; filename*0=\"a b\"; filename*1=c.txt; size=3\r\n"
     "Content-Language: en, de (German)\r\nContent-Location: http://x/\r\n\r\nz\r\n",
     "(\"text\" \"html\" (\"charset\" \"us-ascii\") \"<i@d>\" \"what it is\" \"Quoted-Printable\" "
     "3 1)",
     "(\"text\" \"html\" (\"charset\" \"us-ascii\") \"<i@d>\" \"what it is\" \"Quoted-Printable\" "
     "3 1 \"m==\" "
     "(\"attachment\" (\"filename\" \"a bc.txt\" \"size\" \"3\")) (\"en\" \"de\") \"http://x/\")"},
    /* RFC 2231 section 4.1 */
    {"Content-Type: application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n"
     " title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"\r\n\r\n",
     "(\"application\" \"x-stuff\" (\"title*\" "
     "\"us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!\") "
     "NIL NIL \"7bit\" 0)",
     NULL},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b\r\n"
     "Content-Type: image/png; name=\"x\\\"y.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
     "AAAA\r\n--b--\r\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)"
     "(\"image\" \"png\" (\"name\" \"x\\\"y.png\") NIL NIL \"base64\" 4) \"mixed\")",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL NIL NIL)"
     "(\"image\" \"png\" (\"name\" \"x\\\"y.png\") NIL NIL \"base64\" 4 NIL NIL NIL NIL) "
     "\"mixed\" (\"boundary\" \"b\") NIL NIL NIL)"},
    {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: "
     "s\r\n\r\nt\r\n--b--\r\n",
     "((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 "
     "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL) "
     "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) 2) \"digest\")",
     NULL},
    /* no part: an empty one stands in */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")", NULL},
    {"Content-Type: multipart/mixed; boundary=b\r\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")", NULL},
    /* no boundary: text, RFC 2045 section 5.2 */
    {"Content-Type: multipart/mixed\r\n\r\nx",
     "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0)", NULL},
    /* RFC 2045 section 6.4 forbids to encode these */
    {"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA",
     "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 4)", NULL},
    /* an inner multipart that is never closed */
    {"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
     "Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\na\r\n--o\r\n\r\nb\r\n--o--",
     "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"mixed\")"
     "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"mixed\")",
     NULL},
    /* a boundary that is the beginning of another one */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
     "Content-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\na\r\n--bb--\r\n--b--\r\n",
     "(((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"alternative\") "
     "\"mixed\")",
     NULL},
    /* after the closing delimiter nothing is a delimiter any more */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n--b\r\n\r\nc\r\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0) \"mixed\")", NULL},
    /* bare LFs, as other programs leave them in a Maildir */
    {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\na\nb\n--b--\n",
     "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1) \"mixed\")", NULL},
    /* the header of a part runs into the delimiter */
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n",
     "((\"text\" \"html\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) \"mixed\")", NULL},
    {"Content-Type: text/plain; name=\"\xc3\xa4\"\r\n\r\n",
     "(\"text\" \"plain\" (\"name\" {2}\r\n\xc3\xa4 \"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 "
     "0)",
     NULL},
    {"Content-Type: text/plain; ; =x; name; charset=utf-8 (c); name=a;b\r\n\r\n",
     "(\"text\" \"plain\" (\"charset\" \"utf-8\" \"name\" \"a\") NIL NIL \"7bit\" 0 0)", NULL},
};

START_TEST(structures_are_written)
{
    struct strbuf out = strbuf_new(10000);
    struct mime m;

    mime_parse(slice_of(structures[_i].message), &m);
    imap_structure(&m, false, &out);
    ck_assert_str_eq(strbuf_cstr(&out), structures[_i].body);
    strbuf_clear(&out);
    imap_structure(&m, true, &out);
    if (structures[_i].structure != NULL)
        ck_assert_str_eq(strbuf_cstr(&out), structures[_i].structure);
    mime_free(&m);
    strbuf_free(&out);
}
END_TEST

START_TEST(header_fields_are_selected)
{
    struct slice header = SLICE("From: a\r\nTO : b\r\n c\r\njunk\r\nSubject: s\r\n\r\n");
    struct slice names[] = {SLICE("to"), SLICE("Subject"), SLICE("X")};
    struct strbuf out = strbuf_new(1000);

    ck_assert(mime_section_fields(header, names, 3, false, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "TO : b\r\n c\r\nSubject: s\r\n\r\n");
    strbuf_clear(&out);
    ck_assert(mime_section_fields(header, names, 3, true, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "From: a\r\n\r\n");
    strbuf_clear(&out);
    header.len -= 2;
    ck_assert(mime_section_fields(header, names, 1, false, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "TO : b\r\n c\r\n");
    strbuf_free(&out);
}
END_TEST

START_TEST(nesting_is_limited)
{
    struct strbuf text = strbuf_new(1 << 20), out = strbuf_new(1 << 20);
    struct mime m;
    size_t depth = 0;

    for (int i = 0; i < 1000; i++)
        ck_assert(strbuf_printf(&text,
                                i % 2 == 0 ? "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
                                             "--b%d\r\n"
                                           : "Content-Type: message/rfc822\r\nX: %d %d\r\n\r\n",
                                i, i));
    mime_parse(strbuf_slice(&text), &m);
    for (uint32_t i = m.count - 1; m.parts[i].parent != MIME_NONE; i = m.parts[i].parent)
        depth++;
    ck_assert_uint_eq(depth, MIME_DEPTH);
    ck_assert(m.limits_matter);
    imap_structure(&m, true, &out);
    ck_assert(!out.overflow);
    mime_free(&m);
    strbuf_free(&text);
    strbuf_free(&out);
}
END_TEST

START_TEST(parts_are_limited)
{
    struct strbuf text = strbuf_new(1 << 20);
    struct mime m;

    ck_assert(strbuf_str(&text, "Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 3 * MIME_PARTS; i++)
        ck_assert(strbuf_str(&text, "--b\r\n\r\n"));
    mime_parse(strbuf_slice(&text), &m);
    ck_assert_uint_eq(m.count, MIME_PARTS);
    ck_assert(m.limits_matter);
    ck_assert_uint_eq(m.parts[m.count - 1].end, text.len);
    mime_free(&m);
    strbuf_free(&text);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("mime");
    TCase *tc = tcase_create("mime");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, sections_are_found, 0, (int)ARRAY_LEN(sections));
    tcase_add_loop_test(tc, structures_are_written, 0, (int)ARRAY_LEN(structures));
    tcase_add_test(tc, header_fields_are_selected);
    tcase_add_test(tc, nesting_is_limited);
    tcase_add_test(tc, parts_are_limited);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
