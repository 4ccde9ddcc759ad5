/*
 * t/unit/test_ldap_filter.c - names of entries, values of attributes, folding; filters have three
 * values and limits (lib/ldap).
 */
#include <check.h>
#include <stdlib.h>

#include "lib/ldap/dn.h"
#include "lib/ldap/filter.h"
#include "lib/ldap/fold.h"
#include "lib/ldap/value.h"

/* ---- names ---- */

static const struct {
    const char *text;
    int count; /* -1: it is none */
    const char *first;
} names[] = {
    {"", 0, ""},
    {"o=posthorn", 1, "posthorn"},
    {" uid = a , ou=b,o=c", 3, "a"},
    {"uid=a\\,b,o=c", 2, "a,b"},
    {"uid=\\20a\\ ,o=c", 2, " a "},
    {"OID.2.5.4.3=x", 1, "x"},
    {"uid=a+cn=b,o=c", -1, NULL},
    {"uid=a,", -1, NULL},
    {",o=c", -1, NULL},
    {"uid", -1, NULL},
    {"uid=", -1, NULL},
    {"uid=#04024869", -1, NULL},
    {"uid=\"a\"", -1, NULL},
    {"uid=\\zz", -1, NULL},
    {"uid=a\\", -1, NULL},
    {"uid=\\ff", -1, NULL},
    {"o=0,o=1,o=2,o=3,o=4,o=5,o=6,o=7,o=8,o=9,o=0,o=1,o=2,o=3,o=4,o=5,o=6,o=7,o=8,o=9,o=0,o=1,o=2,"
     "o=3,o=4,o=5,o=6,o=7,o=8,o=9,o=0,o=1,o=2",
     -1, NULL},
};

START_TEST(names_are_parsed)
{
    struct ldap_dn dn = ldap_dn_new();
    int rc = ldap_dn_parse(slice_of(names[_i].text), &dn);

    ck_assert_int_eq(rc, names[_i].count < 0 ? -1 : 0);
    if (rc == 0) {
        ck_assert_uint_eq(dn.count, (size_t)names[_i].count);
        if (dn.count > 0)
            ck_assert(slice_eq(dn.rdns[0].value, slice_of(names[_i].first)));
    }
    ldap_dn_free(&dn);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    static const char *const values[] = {"plain", "a,b",        " both ",
                                         "#hash", "q\"+\\;<>=", "\xc3\xa4"};
    struct ldap_dn dn = ldap_dn_new(), base = ldap_dn_new();
    struct strbuf text = strbuf_new(1000);
    size_t above;

    ck_assert_int_eq(ldap_dn_parse(SLICE("O=C,dc=Net"), &base), 0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        strbuf_clear(&text);
        ldap_dn_put_rdn(&text, "uid", slice_of(values[i]));
        (void)strbuf_str(&text, ",o=c , DC=net");
        ck_assert_int_eq(ldap_dn_parse(strbuf_slice(&text), &dn), 0);
        ck_assert(slice_eq(dn.rdns[0].value, slice_of(values[i])));
        ck_assert(ldap_dn_is_within(&dn, &base, &above));
        ck_assert_uint_eq(above, 1);
    }
    ck_assert(!ldap_dn_is_within(&base, &dn, &above));
    ldap_dn_free(&dn);
    ldap_dn_free(&base);
    strbuf_free(&text);
}
END_TEST

/* ---- folding ---- */

static const struct {
    enum ldap_match match;
    bool is_part;
    const char *value, *folded;
} folds[] = {
    {LDAP_MATCH_TEXT, false, "  John   Smith ", "JOHN SMITH"},
    {LDAP_MATCH_TEXT, true, " a ", " A "},
    {LDAP_MATCH_TEXT, false, "   ", ""},
    {LDAP_MATCH_PHONE, false, "+49 30-1 2", "+493012"},
    {LDAP_MATCH_EXACT, false, " a ", " a "},
};

START_TEST(values_are_folded)
{
    struct strbuf out = strbuf_new(100);

    ck_assert(ldap_fold(folds[_i].match, folds[_i].is_part, slice_of(folds[_i].value), &out));
    ck_assert_str_eq(strbuf_cstr(&out), folds[_i].folded);
    strbuf_free(&out);
}
END_TEST

/* ---- what clients assert ---- */

static const struct {
    enum ldap_match match;
    const char *value, *ours; /* NULL: not of the syntax */
} asserted[] = {
    {LDAP_MATCH_TEXT, "J\xc3\xb6rg  x", "J\xc3\xb6rg  x"},
    {LDAP_MATCH_TEXT, "J\xc3", NULL},
    {LDAP_MATCH_PHONE, "\xff", NULL},
    {LDAP_MATCH_OID, "INETORGPERSON", "inetOrgPerson"},
    {LDAP_MATCH_OID, "2.5.6.6", "person"},
    {LDAP_MATCH_OID, "2.5.6.66", "2.5.6.66"},
    {LDAP_MATCH_OID, "nonsense", NULL},
    {LDAP_MATCH_OID, "2.05.6", NULL},
    {LDAP_MATCH_OID, "2..5", NULL},
    {LDAP_MATCH_OID, "25", NULL},
    {LDAP_MATCH_DN, "UserId=a\\2cb , 2.5.4.11 = x", "uid=a\\,b,ou=x"},
    {LDAP_MATCH_DN, "x=y,o=z", "?=y,o=z"},
    {LDAP_MATCH_DN, "Acme", NULL},
    {LDAP_MATCH_DN, "uid=a+uid=b", NULL},
    {LDAP_MATCH_TIME, "20261123100000Z", "20261123100000Z"},
    {LDAP_MATCH_TIME, "2026112310Z", "20261123100000Z"},
    {LDAP_MATCH_TIME, "202611231030.50Z", "20261123103030Z"},
    {LDAP_MATCH_TIME, "2026112310,25Z", "20261123101500Z"},
    {LDAP_MATCH_TIME, "20261123100000.500+0130", "20261123083000.5Z"},
    {LDAP_MATCH_TIME, "20261123233000-01", "20261124003000Z"},
    {LDAP_MATCH_TIME, "20240229000000Z", "20240229000000Z"},
    {LDAP_MATCH_TIME, "20161231235960Z", "20170101000000Z"},
    {LDAP_MATCH_TIME, "20230229000000Z", NULL},
    {LDAP_MATCH_TIME, "20261123100000", NULL},
    {LDAP_MATCH_TIME, "20261123100000.Z", NULL},
    {LDAP_MATCH_TIME, "20261123100000+", NULL},
    {LDAP_MATCH_TIME, "20261123100000+2400", NULL},
    {LDAP_MATCH_TIME, "20261323100000Z", NULL},
    {LDAP_MATCH_TIME, "2026112324Z", NULL},
    {LDAP_MATCH_TIME, "yesterday", NULL},
    {LDAP_MATCH_TIME, "", NULL},
};

START_TEST(assertions_are_brought_to_our_form)
{
    struct strbuf out = strbuf_new(100);
    bool is = ldap_value_put(asserted[_i].match, slice_of(asserted[_i].value), &out);

    ck_assert(is == (asserted[_i].ours != NULL));
    if (is)
        ck_assert_str_eq(strbuf_cstr(&out), asserted[_i].ours);
    strbuf_free(&out);
}
END_TEST

/* ---- truth ---- */

static struct ldap_filter *filter;
static struct strbuf fields;
static struct ldap_entry entry;

static void
setup(void)
{
    filter = ldap_filter_new();
    fields = strbuf_new(LDAP_FIELDS_BYTES_MAX);
    ck_assert(ldap_fields_add(&fields, LDAP_FIELD_FULL_NAME, SLICE("John Smith")));
    ck_assert(ldap_fields_add(&fields, LDAP_FIELD_ADDRESSES, SLICE("j@x.test s@y.test")));
    entry = (struct ldap_entry){LDAP_ENTRY_CONTACT, SLICE("d.test"), SLICE("smith"),
                                strbuf_slice(&fields)};
}

static void
teardown(void)
{
    ldap_filter_free(&filter);
    strbuf_free(&fields);
}

static void
equal(int attribute, const char *value)
{
    ck_assert_int_ge(ldap_filter_open(filter, LDAP_FILTER_EQUAL, attribute), 0);
    ck_assert_int_eq(ldap_filter_part(filter, LDAP_PART_WHOLE, slice_of(value)), 0);
}

/* T: true, F: false, U: undefined; & | with two operands, ! with one, in preorder. */
static unsigned
build(const char **text)
{
    char c = *(*text)++;
    enum ldap_filter_op op = c == '&'   ? LDAP_FILTER_AND
                             : c == '|' ? LDAP_FILTER_OR
                                        : LDAP_FILTER_NOT;
    unsigned children = c == '!' ? 1 : 2;
    int index;

    if (c == 'T' || c == 'F' || c == 'U') {
        equal(c == 'U' ? LDAP_ATTR_UNKNOWN : LDAP_ATTR_SN, c == 'T' ? "SMITH" : "jones");
        return 1;
    }
    index = ldap_filter_open(filter, op, LDAP_ATTR_UNKNOWN);
    for (unsigned i = 0; i < children; i++)
        (void)build(text);
    ldap_filter_close(filter, index, children);
    return 1;
}

static const struct {
    const char *text;
    enum ldap_truth truth;
} truths[] = {
    {"T", LDAP_TRUE},        {"F", LDAP_FALSE},       {"U", LDAP_UNDEFINED},   {"!T", LDAP_FALSE},
    {"!F", LDAP_TRUE},       {"!U", LDAP_UNDEFINED},  {"&TT", LDAP_TRUE},      {"&TF", LDAP_FALSE},
    {"&UF", LDAP_FALSE},     {"&FU", LDAP_FALSE},     {"&UT", LDAP_UNDEFINED}, {"|TU", LDAP_TRUE},
    {"|UT", LDAP_TRUE},      {"|FU", LDAP_UNDEFINED}, {"|FF", LDAP_FALSE},     {"!&UF", LDAP_TRUE},
    {"&|UT!&FT", LDAP_TRUE},
};

START_TEST(filters_have_three_values)
{
    const char *text = truths[_i].text;

    (void)build(&text);
    ck_assert_int_eq(ldap_filter_fold(filter), 0);
    ck_assert_int_eq(ldap_filter_match(filter, &entry), truths[_i].truth);
}
END_TEST

static int
count_value(void *arg, struct slice value)
{
    ck_assert(value.len > 0);
    ++*(int *)arg;
    return 0;
}

START_TEST(attributes_have_their_values)
{
    int count = 0;

    (void)ldap_entry_values(&entry, LDAP_ATTR_MAIL, count_value, &count);
    ck_assert_int_eq(count, 2);
    (void)ldap_entry_values(&entry, LDAP_ATTR_L, count_value, &count);
    ck_assert_int_eq(count, 2);
    (void)ldap_entry_values(&entry, LDAP_ATTR_OBJECT_CLASS, count_value, &count);
    ck_assert_int_eq(count, 7);
    ck_assert_int_eq(ldap_attribute_find(SLICE("SURNAME")), LDAP_ATTR_SN);
    ck_assert_int_eq(ldap_attribute_find(SLICE("2.5.4.4")), LDAP_ATTR_SN);
    ck_assert_int_eq(ldap_attribute_find(SLICE("sn;lang-de")), -1);
}
END_TEST

/* ---- the wire ---- */

static int
decode(const struct strbuf *frame)
{
    struct ldap_filter *got = ldap_filter_new();
    struct reader r = reader_begin(slice_sub(strbuf_slice(frame), FRAME_HEADER, frame->len));
    int rc = ldap_filter_decode(&r, got);

    ldap_filter_free(&got);
    return rc;
}

/* One node as fields: op, attribute + 2, match, flags, children, parts. */
static void
put_node(struct writer *w, uint8_t op, uint16_t attribute, uint16_t children, uint16_t parts)
{
    writer_u8(w, op);
    writer_u16(w, attribute);
    writer_u8(w, LDAP_MATCH_TEXT);
    writer_u8(w, 0);
    writer_u16(w, children);
    writer_u16(w, parts);
    for (uint16_t i = 0; i < parts; i++) {
        writer_u8(w, LDAP_PART_WHOLE);
        writer_bytes(w, SLICE("x"));
    }
}

static const struct {
    uint16_t count;
    struct {
        uint8_t op;
        uint16_t attribute, children, parts;
    } nodes[3];
    int rc;
} trees[] = {
    {1, {{LDAP_FILTER_EQUAL, 3, 0, 1}}, 0},
    {2, {{LDAP_FILTER_NOT, 1, 1, 0}, {LDAP_FILTER_EQUAL, 3, 0, 1}}, 0},
    {1, {{LDAP_FILTER_AND, 1, 0, 0}}, 0},
    {0, {{0, 0, 0, 0}}, -1},
    {1, {{LDAP_FILTER_EQUAL, 3, 0, 0}}, -1}, /* no value */
    {1, {{LDAP_FILTER_EQUAL, 3, 1, 1}}, -1}, /* a leaf with children */
    {1, {{LDAP_FILTER_AND, 1, 2, 0}}, -1},   /* children that are not there */
    {2, {{LDAP_FILTER_NOT, 1, 2, 0}, {LDAP_FILTER_EQUAL, 3, 0, 1}}, -1},   /* NOT of two */
    {2, {{LDAP_FILTER_EQUAL, 3, 0, 1}, {LDAP_FILTER_EQUAL, 3, 0, 1}}, -1}, /* two trees */
    {1, {{LDAP_FILTER_OPS, 3, 0, 1}}, -1},
    {1, {{LDAP_FILTER_EQUAL, LDAP_ATTR_COUNT + 2, 0, 1}}, -1},
};

START_TEST(damaged_filters_are_refused)
{
    struct strbuf frame = strbuf_new(4096);
    struct writer w = frame_begin(&frame, 1, 0);

    writer_u16(&w, trees[_i].count);
    for (uint16_t i = 0; i < trees[_i].count; i++)
        put_node(&w, trees[_i].nodes[i].op, trees[_i].nodes[i].attribute,
                 trees[_i].nodes[i].children, trees[_i].nodes[i].parts);
    ck_assert_int_eq(frame_end(&w), 0);
    ck_assert_int_eq(decode(&frame), trees[_i].rc);
    strbuf_free(&frame);
}
END_TEST

START_TEST(depth_and_numbers_are_limited)
{
    struct strbuf frame = strbuf_new(65536);
    struct writer w = frame_begin(&frame, 1, 0);

    writer_u16(&w, LDAP_FILTER_DEPTH_MAX + 1);
    for (int i = 0; i < LDAP_FILTER_DEPTH_MAX; i++)
        put_node(&w, LDAP_FILTER_NOT, 1, 1, 0);
    put_node(&w, LDAP_FILTER_EQUAL, 3, 0, 1);
    ck_assert_int_eq(frame_end(&w), 0);
    ck_assert_int_eq(decode(&frame), -1);
    strbuf_free(&frame);
    for (int i = 0; i < LDAP_FILTER_NODES_MAX; i++)
        ck_assert_int_eq(ldap_filter_open(filter, LDAP_FILTER_PRESENT, LDAP_ATTR_CN), i);
    ck_assert_int_eq(ldap_filter_open(filter, LDAP_FILTER_PRESENT, LDAP_ATTR_CN), -1);
    for (int i = 0; i < LDAP_FILTER_PARTS_MAX; i++)
        ck_assert_int_eq(ldap_filter_part(filter, LDAP_PART_ANY, SLICE("x")), 0);
    ck_assert_int_eq(ldap_filter_part(filter, LDAP_PART_ANY, SLICE("x")), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("ldap_filter");
    TCase *tc = tcase_create("ldap_filter");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, names_are_parsed, 0, (int)ARRAY_LEN(names));
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_loop_test(tc, assertions_are_brought_to_our_form, 0, (int)ARRAY_LEN(asserted));
    tcase_add_loop_test(tc, values_are_folded, 0, (int)ARRAY_LEN(folds));
    tcase_add_loop_test(tc, filters_have_three_values, 0, (int)ARRAY_LEN(truths));
    tcase_add_test(tc, attributes_have_their_values);
    tcase_add_loop_test(tc, damaged_filters_are_refused, 0, (int)ARRAY_LEN(trees));
    tcase_add_test(tc, depth_and_numbers_are_limited);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
