/*
 * t/unit/test_account_visit.c - last visits as rows, and which mailbox they follow.
 */
#include "lib/account/visit.h"
#include "t/unit/account_base.h"

static const struct {
    const char *row;
    bool good;
} rows[] = {
    {"1800000000000 imap 192.0.2.7", true},
    {"0 smtp 2001:db8::1", true},
    {"", false},
    {"1800000000000", false},
    {"1800000000000 imap", false},
    {"1800000000000 imap ", false},
    {"1800000000000 imap 192.0.2.7 more", false},
    {"x imap 192.0.2.7", false},
    {"1 aservicewithalongname 192.0.2.7", false},
};

START_TEST(rows_are_read_as_they_are_written)
{
    struct strbuf row = strbuf_new(200);
    struct visit visit;

    ck_assert_int_eq(visit_parse(slice_of(rows[_i].row), &visit), rows[_i].good ? 0 : -1);
    if (rows[_i].good) {
        visit_print(&visit, &row);
        ck_assert_str_eq(strbuf_cstr(&row), rows[_i].row);
    }
    strbuf_free(&row);
}
END_TEST

static void
put(const char *user, const char *row)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);

    account_entry_key(slice_of(user), &key);
    test_begin();
    ck_assert_int_eq(
        account_db_put(test_base.db, ACCOUNT_TABLE_VISITS, strbuf_slice(&key), slice_of(row)), 0);
    (void)test_end(0);
    strbuf_free(&key);
}

static bool
has(const char *user, const char *row)
{
    struct strbuf key = strbuf_new(ACCOUNT_KEY_MAX);
    struct slice value;
    bool is_there;

    account_entry_key(slice_of(user), &key);
    is_there =
        account_db_get(test_base.db, ACCOUNT_TABLE_VISITS, strbuf_slice(&key), &value) == 0 &&
        slice_eq(value, slice_of(row));
    strbuf_free(&key);
    return is_there;
}

START_TEST(they_follow_the_mailbox_and_go_with_it)
{
    test_populate();
    put("alice@d.test", "1 imap ::1");
    put("bob@d.test", "2 pop3 ::2");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "full_name", "Alice"), 0);
    ck_assert(has("alice@d.test", "1 imap ::1"));
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "ann@d.test"), 0);
    ck_assert(has("ann@d.test", "1 imap ::1") && !has("alice@d.test", "1 imap ::1"));
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "e.test"), 0);
    ck_assert(has("ann@e.test", "1 imap ::1") && has("bob@e.test", "2 pop3 ::2"));
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "ann@e.test"), 0);
    ck_assert(!has("ann@e.test", "1 imap ::1") && has("bob@e.test", "2 pop3 ::2"));
    test_close();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("account_visit");
    TCase *tc = tcase_create("account_visit");

    tcase_add_loop_test(tc, rows_are_read_as_they_are_written, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tc, they_follow_the_mailbox_and_go_with_it);
    return test_run(s, tc);
}
