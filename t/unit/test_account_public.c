/*
 * t/unit/test_account_public.c - public folders: names, lists, who may do what, where mail goes.
 */
#include "t/unit/account_base.h"

#include "lib/account/expand.h"
#include "lib/account/public.h"
#include "lib/mail/imap_rights.h"

#define WRITES (RIGHT_SEEN | RIGHT_WRITE | RIGHT_INSERT | RIGHT_POST)
#define ALL_BUT_ADMIN (RIGHTS_ALL & ~(unsigned)RIGHT_ADMIN)

static uint32_t
grant(const char *folder, const char *list, const char *member)
{
    test_begin();
    return test_end(
        account_public_grant(&test_edit, slice_of(folder), slice_of(list), slice_of(member)));
}

static int
take_rights(void *arg, struct slice address, const struct record *folder)
{
    *(uint32_t *)arg = public_rights(folder, slice_of("alice@d.test"));
    ck_assert(slice_ends(address, SLICE(".test")));
    return 0;
}

/* Of alice in the only folder. */
static uint32_t
rights(void)
{
    uint32_t out = 0;

    ck_assert_int_eq(public_each(&test_base, take_rights, &out), 0);
    return out;
}

START_TEST(names_are_there_once_and_stay)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "News@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "news@d.test", NULL, NULL), 4);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "NEWS@e.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "news@d.test", NULL, NULL), 4);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "alice@d.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "a/b@d.test", NULL, NULL), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "a*b@d.test", NULL, NULL), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "x@far.test", NULL, NULL), 7);
    ck_assert_uint_eq(test_set(ACCOUNT_PUBLIC, "news@d.test", "folder", "Other"), 1);
    ck_assert_uint_eq(test_rename(ACCOUNT_PUBLIC, "news@d.test", "old@d.test"), 1);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "n@d.test", "mailbox", "news@d.test"), 2);
    ck_assert_uint_eq(test_del(ACCOUNT_PUBLIC, "news@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "NEWS@e.test", NULL, NULL), 0);
    test_close();
}
END_TEST

START_TEST(the_highest_list_counts)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "news@d.test", "read", "@d.test;bob@d.test"), 0);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY);
    ck_assert_uint_eq(grant("news@d.test", "write", "Alice@D.test"), 0);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY | WRITES);
    ck_assert_uint_eq(grant("news@d.test", "delete", "alice@d.test"), 0);
    ck_assert_uint_eq(rights(), ALL_BUT_ADMIN);
    ck_assert_uint_eq(grant("news@d.test", "read", "alice@d.test"), 0);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY);
    ck_assert_uint_eq(grant("news@d.test", "", "alice@d.test"), 0);
    ck_assert_uint_eq(grant("news@d.test", "", "alice@d.test"), 3);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY); /* @d.test is left */
    ck_assert_uint_eq(grant("news@d.test", "", "@d.test"), 0);
    ck_assert_uint_eq(rights(), 0);
    ck_assert_uint_eq(grant("news@d.test", "own", "alice@d.test"), 1);
    ck_assert_uint_eq(grant("news@d.test", "read", "nobody@d.test"), 3);
    ck_assert_uint_eq(grant("news@d.test", "read", "@far.test"), 3);
    ck_assert_uint_eq(grant("alice@d.test", "read", "bob@d.test"), 2);
    test_close();
}
END_TEST

START_TEST(lists_follow_and_forget)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "news@d.test", "write", "bob@d.test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "old@d.test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY | WRITES);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "x.test"), 0);
    ck_assert_uint_eq(rights(), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "x.test", "d.test"), 0);
    ck_assert_uint_eq(rights(), RIGHTS_READ_ONLY | WRITES);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "alice@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(rights(), 0);
    test_close();
}
END_TEST

static const struct {
    const char *auth_user;
    bool delivered;
} senders[] = {{"", false}, {"alice@d.test", false}, {"bob@d.test", true}, {"carol@d.test", true}};

START_TEST(mail_comes_from_writers)
{
    struct expansion *x;
    struct accountd_target *targets;
    uint32_t count;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "news@d.test", "read", "alice@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_PUBLIC, "news@d.test", "quota_messages", "7"), 0);
    ck_assert_uint_eq(grant("news@d.test", "write", "bob@d.test"), 0);
    ck_assert_uint_eq(grant("news@d.test", "delete", "carol@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "g@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("g@d.test", "news@d.test"), 0);
    x = expansion_new(&test_base, TEST_NOW_MS);
    expansion_add(x, 0,
                  &(struct accountd_recipient){SLICE("news+tag@d.test"),
                                               slice_of(senders[_i].auth_user), SLICE(""), false});
    expansion_add(x, 1,
                  &(struct accountd_recipient){SLICE("g@d.test"), slice_of(senders[_i].auth_user),
                                               SLICE(""), false});
    targets = expansion_targets(x, &count);
    ck_assert_uint_eq(count, 2);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(targets[i].kind,
                          senders[_i].delivered ? ACCOUNTD_TO_MAILBOX : ACCOUNTD_TO_FAILURE);
        if (senders[_i].delivered) {
            ck_assert(slice_ends(targets[i].path, SLICE("/@news")));
            ck_assert_uint_eq(targets[i].quota_messages, 7);
        } else {
            ck_assert(slice_eq(targets[i].dsn, SLICE("5.7.1")));
        }
    }
    expansion_free(&x);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("public");

    tcase_add_test(tc, names_are_there_once_and_stay);
    tcase_add_test(tc, the_highest_list_counts);
    tcase_add_test(tc, lists_follow_and_forget);
    tcase_add_loop_test(tc, mail_comes_from_writers, 0, (int)ARRAY_LEN(senders));
    return test_run(suite_create("account_public"), tc);
}
