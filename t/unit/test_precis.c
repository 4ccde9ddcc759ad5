/*
 * t/unit/test_precis.c - names by PRECIS, and what is compared in addresses.
 */
#include "lib/account/precis.h"

#include "lib/account/canonical.h"
#include "lib/account/manages.h"
#include "lib/account/old_names.h"
#include "t/unit/account_base.h"

/* What is the same in comparison, and what a new name may be. */
static const struct {
    const char *given, *mapped;
    bool is_username;
} names[] = {
    /* RFC 8265 section 3.6 */
    {"juliet@example.com", "juliet@example.com", true},
    {"fussball", "fussball", true},
    {"fu\xc3\x9f"
     "ball",
     "fu\xc3\x9f"
     "ball",
     true},
    {"\xcf\x80", "\xcf\x80", true},
    {"\xce\xa3", "\xcf\x83", true}, /* a single capital sigma is no final one */
    {"\xcf\x83", "\xcf\x83", true},
    {"\xcf\x82", "\xcf\x82", true},
    {"foo bar", "foo bar", false},
    {"", "", false},
    {"henry\xe2\x85\xa3", "henry\xe2\x85\xb3", false},
    {"\xe2\x88\x9e", "\xe2\x88\x9e", false},
    /* case and form */
    {"B\xc3\x9cRO", "b\xc3\xbcro", true},
    {"bU\xcc\x88ro", "b\xc3\xbcro", true},                                          /* decomposed */
    {"\xd0\x98\xd0\x92\xd0\x90\xd0\x9d", "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd", true}, /* Cyrillic */
    {"\xe2\x84\xaa"
     "elvin",
     "kelvin", true},                         /* the Kelvin sign */
    {"\xef\xbd\x81\xef\xbc\xa2", "ab", true}, /* full width */
    {"\xef\xbd\xb1", "\xe3\x82\xa2", true},   /* half width Katakana */
    {"\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e", true},
    {"\xc7\x85", "\xc7\x86", false}, /* titlecase: in lower case still a compatibility character */
    /* characters that are none of the class */
    {"a\xe2\x80\xae"
     "b",
     "a\xe2\x80\xae"
     "b",
     false}, /* right-to-left override */
    {"a\xc2\xad"
     "b",
     "a\xc2\xad"
     "b",
     false},                                         /* soft hyphen */
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", false}, /* a face */
    {"\xe1\x84\x80", "\xe1\x84\x80", false},         /* old Hangul Jamo */
    {"\xd9\x80", "\xd9\x80", false},                 /* tatweel */
    {"a\xc2\xa0"
     "b",
     "a\xc2\xa0"
     "b",
     false},
    {"\xf3\xa0\x80\x81", "\xf3\xa0\x80\x81", false},
    /* contexts: RFC 5892 appendix A */
    {"l\xc2\xb7l", "l\xc2\xb7l", true},
    {"a\xc2\xb7l", "a\xc2\xb7l", false},
    {"\xcd\xb5\xce\xb1", "\xcd\xb5\xce\xb1", true},
    {"\xcd\xb5"
     "a",
     "\xcd\xb5"
     "a",
     false},
    {"\xe3\x82\xa2\xe3\x83\xbb", "\xe3\x82\xa2\xe3\x83\xbb", true},
    {"a\xe3\x83\xbb", "a\xe3\x83\xbb", false},
    {"\xd7\x90\xd7\xb3", "\xd7\x90\xd7\xb3", true},
    {"\xd7\xb3\xd7\x90", "\xd7\xb3\xd7\x90", false},
    {"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d", true},
    {"a\xe2\x80\x8d", "a\xe2\x80\x8d", false},
    {"\xd8\xa8\xe2\x80\x8c\xd8\xa8", "\xd8\xa8\xe2\x80\x8c\xd8\xa8", true},
    {"\xd8\xa8\xe2\x80\x8c", "\xd8\xa8\xe2\x80\x8c", false},
    {"\xd8\xa8\xd9\xa1", "\xd8\xa8\xd9\xa1", true},
    {"\xd8\xa8\xd9\xa1\xdb\xb1", "\xd8\xa8\xd9\xa1\xdb\xb1", false}, /* both kinds of digits */
    /* the Bidi Rule: RFC 5893 section 2 */
    {"\xd7\x90\xd7\x91", "\xd7\x90\xd7\x91", true},
    {"\xd7\x90\x31", "\xd7\x90\x31", true},
    {"\x31\xd7\x90", "\x31\xd7\x90", false},
    {"a\xd7\x90", "a\xd7\x90", false},
    {"\xd7\x90"
     "a\xd7\x91",
     "\xd7\x90"
     "a\xd7\x91",
     false},
    {"\xd7\x90-", "\xd7\x90-", false},
    {"\xd7\x90\xd6\xb7", "\xd7\x90\xd6\xb7", true}, /* ends with a mark */
};

START_TEST(names_are_mapped_and_judged)
{
    struct strbuf mapped = strbuf_new(200), again = strbuf_new(200);

    ck_assert_int_eq(precis_map(slice_of(names[_i].given), &mapped), 0);
    ck_assert_str_eq(strbuf_cstr(&mapped), names[_i].mapped);
    ck_assert_msg(precis_is_username(strbuf_slice(&mapped)) == names[_i].is_username, "%s",
                  names[_i].given);
    ck_assert_int_eq(precis_map(strbuf_slice(&mapped), &again), 0);
    ck_assert_str_eq(strbuf_cstr(&again), names[_i].mapped); /* and stays */
    strbuf_free(&mapped);
    strbuf_free(&again);
}
END_TEST

START_TEST(what_is_no_text_or_too_long_is_refused)
{
    static const char *const bad[] = {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf", "a\x80"};
    struct strbuf small = strbuf_new(3), out = strbuf_new(200);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_int_eq(precis_map(slice_of(bad[i]), &out), -1);
        ck_assert_uint_eq(out.len, 0);
    }
    ck_assert_int_eq(precis_map(SLICE("\xc3\xbc\xc3\xbc"), &small), -1);
    /* 32 letters of two octets, whose small ones have three */
    for (int i = 0; i < 32; i++)
        (void)strbuf_str(&out, "\xc8\xba");
    ck_assert_uint_eq(out.len, CANONICAL_LOCAL_MAX);
    strbuf_free(&small);
    small = strbuf_new(200);
    ck_assert_int_eq(canonical_local(strbuf_slice(&out), &small), -1);
    ck_assert_uint_eq(small.len, 0);
    strbuf_free(&small);
    strbuf_free(&out);
}
END_TEST

static const char *
owner(const char *address)
{
    static char text[400];
    struct account_hit hit = account_hit_new();
    enum account_found found = account_find(&test_base, slice_of(address), &hit);

    (void)snprintf(text, sizeof(text), "%s",
                   found == ACCOUNT_FOUND ? strbuf_cstr(&hit.address) : "");
    account_hit_free(&hit);
    return text;
}

#define BUERO "b\xc3\xbcro@d.test"

START_TEST(new_names_are_of_the_class)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "B\xc3\x9cRO@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "bU\xcc\x88ro@d.test", NULL, NULL), 2);
    ck_assert_str_eq(owner("B\xc3\xbcRO@D.TEST"), BUERO);
    ck_assert_str_eq(owner("BU\xcc\x88ro+tag@d.test"), BUERO);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "\xf0\x9f\x98\x80@d.test", NULL, NULL), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "a\xe2\x80\xae@d.test", "mailbox", BUERO), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "\xe2\x88\x9e", NULL, NULL), 1);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test",
                                  "a\xc2\xad"
                                  "b@d.test"),
                      1);
    test_edit.restoring = true; /* it was there: a copy of the base may bring it back */
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "\xf0\x9f\x98\x80@d.test", NULL, NULL), 0);
    ck_assert_str_eq(owner("\xf0\x9f\x98\x80@d.test"), "\xf0\x9f\x98\x80@d.test");
    test_close();
}
END_TEST

/* A row as it was kept before case was mapped: copied from one of today. */
static void
put_old(enum account_table table, const char *from, size_t from_len, const char *key, size_t len)
{
    char row[4096];
    struct slice bytes;

    ck_assert_int_eq(account_db_get(test_base.db, table, slice_make(from, from_len), &bytes), 0);
    memcpy(row, bytes.ptr, bytes.len);
    bytes.ptr = row;
    test_begin();
    ck_assert_int_eq(account_db_del(test_base.db, table, slice_make(from, from_len)), 0);
    ck_assert_int_eq(account_db_put(test_base.db, table, slice_make(key, len), bytes), 0);
    ck_assert_uint_eq(test_end(0), 0);
}
#define OLD_ENTRY(from, key)                                                                       \
    put_old(ACCOUNT_TABLE_ENTRIES, (from), sizeof(from) - 1, (key), sizeof(key) - 1)

START_TEST(old_names_move_with_all_that_follows)
{
    struct old_names result;
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", "forward", "bob@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "y@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "z", NULL, NULL), 0);
    OLD_ENTRY("d.test\0x", "d.test\0b\xc3\x9cro");
    put_old(ACCOUNT_TABLE_ADMINS, "z", 1, "\xc3\x9cli", 4);
    test_base.old_names = true;
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "forward", "b\xc3\x9cro@d.test"), 0);
    ck_assert_int_eq(account_old_names_move(&test_base, TEST_NOW_MS, &result), 0);
    ck_assert_uint_eq(result.moved, 2);
    ck_assert_uint_eq(result.left, 0);
    ck_assert(!test_base.old_names);
    ck_assert_str_eq(owner("B\xc3\x9cRO@d.test"), BUERO);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("bob@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(record_is(&hit.entry, USER_FORWARD, BUERO));
    ck_assert_uint_eq(test_set(ACCOUNT_ADMIN, "\xc3\x9cLI", "description", "found"), 0);
    ck_assert_int_eq(account_old_names_move(&test_base, TEST_NOW_MS, &result), 0);
    ck_assert_uint_eq(result.moved + result.left, 0);
    account_hit_free(&hit);
    test_close();
}
END_TEST

/* Two mailboxes that were two names: each keeps its own mail. */
START_TEST(names_that_meet_stay_apart)
{
    struct old_names result;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@d.test", NULL, NULL), 0);
    OLD_ENTRY("d.test\0x", "d.test\0b\xc3\x9cro");
    ck_assert_uint_eq(test_add(ACCOUNT_USER, BUERO, NULL, NULL), 0);
    ck_assert_int_eq(account_old_names_move(&test_base, TEST_NOW_MS, &result), 0);
    ck_assert_uint_eq(result.moved, 0);
    ck_assert_uint_eq(result.left, 1);
    ck_assert_str_eq(owner("B\xc3\x9cro@d.test"), "b\xc3\x9cro@d.test"); /* as it always was */
    ck_assert_str_eq(owner("B\xc3\xbcro@d.test"), BUERO);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "b\xc3\x9cro@d.test", "other@d.test"), 0);
    ck_assert_int_eq(account_old_names_move(&test_base, TEST_NOW_MS, &result), 0);
    ck_assert_uint_eq(result.left, 0);
    ck_assert_str_eq(owner("B\xc3\x9cro@d.test"), BUERO);
    test_close();
}
END_TEST

/* Nor does an administrator get the rights of another one. */
START_TEST(administrators_that_meet_stay_apart)
{
    struct account_actor actor = account_actor_new();
    struct old_names result;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "z", "description", "first"), 0);
    put_old(ACCOUNT_TABLE_ADMINS, "z", 1, "\xc3\x9cli", 4);
    ck_assert_uint_eq(test_add(ACCOUNT_ADMIN, "\xc3\xbcli", "description", "second"), 0);
    ck_assert_int_eq(account_old_names_move(&test_base, TEST_NOW_MS, &result), 0);
    ck_assert_uint_eq(result.moved, 0);
    ck_assert_uint_eq(result.left, 1);
    ck_assert_int_eq(account_actor_load(&test_base, SLICE("\xc3\xbcli"), &actor), 0);
    ck_assert(record_is(&actor.record, ADMIN_DESCRIPTION, "second"));
    account_actor_free(&actor);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("precis");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, names_are_mapped_and_judged, 0, (int)ARRAY_LEN(names));
    tcase_add_test(tc, what_is_no_text_or_too_long_is_refused);
    tcase_add_test(tc, new_names_are_of_the_class);
    tcase_add_test(tc, old_names_move_with_all_that_follows);
    tcase_add_test(tc, names_that_meet_stay_apart);
    tcase_add_test(tc, administrators_that_meet_stay_apart);
    return test_run(suite_create("precis"), tc);
}
