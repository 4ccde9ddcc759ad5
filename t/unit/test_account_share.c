/*
 * t/unit/test_account_share.c - lib/account/share: who gave whom which rights on which folder.
 */
#include "t/unit/account_base.h"

#include "lib/account/share.h"
#include "lib/mail/imap_rights.h"

static uint32_t
set(const char *owner, const char *folder, const char *who, uint32_t rights)
{
    test_begin();
    return test_end(
        account_share_set(&test_edit, slice_of(owner), slice_of(folder), slice_of(who), rights));
}

static int
list_share(void *arg, const struct share *share)
{
    struct strbuf *out = arg;

    (void)strbuf_append(out, share->owner);
    (void)strbuf_char(out, ':');
    (void)strbuf_append(out, share->folder);
    (void)strbuf_char(out, ':');
    (void)strbuf_append(out, share->grantee);
    (void)strbuf_char(out, ':');
    imap_rights_write(share->rights, out);
    (void)strbuf_char(out, ';');
    return 0;
}

static void
check_to(const char *grantee, const char *expected)
{
    struct strbuf out = strbuf_new(10000);

    ck_assert_int_eq(share_each_of_grantee(&test_base, slice_of(grantee), list_share, &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    strbuf_free(&out);
}

static void
check_of(const char *owner, const char *folder, const char *expected)
{
    struct strbuf out = strbuf_new(10000);
    struct slice name = folder == NULL ? slice_make(NULL, 0) : slice_of(folder);

    ck_assert_int_eq(share_each_of_folder(&test_base, slice_of(owner), name, list_share, &out), 0);
    ck_assert_str_eq(strbuf_cstr(&out), expected);
    strbuf_free(&out);
}

START_TEST(rights_are_given_and_taken)
{
    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "Bob@D.test", 3), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "@d.test", 1), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work/x@y", "anyone", 3), 0);
    check_of("alice@d.test", "Work",
             "alice@d.test:Work:@d.test:l;alice@d.test:Work:bob@d.test:lr;");
    check_to("bob@d.test", "alice@d.test:Work:bob@d.test:lr;");
    check_to("anyone", "alice@d.test:Work/x@y:anyone:lr;");
    check_to("ob@d.test", "");
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", 1), 0);
    check_to("bob@d.test", "alice@d.test:Work:bob@d.test:l;");
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", 0), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", 0), 0);
    check_to("bob@d.test", "");
    check_of("alice@d.test", "Work", "alice@d.test:Work:@d.test:l;");
    test_close();
}
END_TEST

static const struct {
    const char *folder, *who;
    uint32_t rights, code;
} refused[] = {
    {"Work", "-alice@d.test", 3, 3},
    {"Work", "-nobody@d.test", 3, 3},
    {"Work", "-", 3, 3},
    {"INBOX", "bob@d.test", 3, 3},
    {"inbox", "bob@d.test", 3, 3},
    {"Work", "alice@d.test", 3, 3},
    {"Work", "nobody@d.test", 3, 3},
    {"Work", "@far.test", 3, 3},
    {"Work", "bob@d.test", RIGHTS_ALL + 1, 1},
    {"a//b", "bob@d.test", 3, 1},
    {"../x", "bob@d.test", 3, 1},
    {"", "bob@d.test", 3, 1},
};

START_TEST(rights_add_up)
{
    uint32_t rights = 1;

    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", RIGHT_READ), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "@d.test", RIGHT_LOOKUP), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "anyone", RIGHT_INSERT), 0);
    ck_assert_uint_eq(set("alice@d.test", "Works", "bob@d.test", RIGHT_ADMIN), 0);
    ck_assert_int_eq(share_rights(&test_base, SLICE("alice@d.test"), SLICE("Work"),
                                  SLICE("bob@d.test"), &rights),
                     0);
    ck_assert_uint_eq(rights, RIGHT_READ | RIGHT_LOOKUP | RIGHT_INSERT);
    ck_assert_int_eq(
        share_rights(&test_base, SLICE("alice@d.test"), SLICE("Work"), SLICE("x@e.test"), &rights),
        0);
    ck_assert_uint_eq(rights, RIGHT_INSERT);
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", RIGHTS_ALL), 0);
    check_to("bob@d.test",
             "alice@d.test:Work:bob@d.test:lrswipkxtea;alice@d.test:Works:bob@d.test:a;");
    test_close();
}
END_TEST

/* RFC 4314 section 2, "negative rights" */
START_TEST(rights_are_denied)
{
    static const struct {
        const char *who;
        uint32_t rights;
    } expected[] = {{"bob@d.test", RIGHT_LOOKUP}, {"carol@d.test", 7}, {"x@e.test", RIGHT_READ}};
    uint32_t rights;

    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "@d.test", 7), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "anyone", RIGHT_READ | RIGHT_INSERT), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "-Bob@D.test", RIGHT_READ | RIGHT_SEEN), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "-anyone", RIGHT_INSERT), 0);
    check_of("alice@d.test", "Work",
             "alice@d.test:Work:-anyone:i;alice@d.test:Work:-bob@d.test:rs;"
             "alice@d.test:Work:@d.test:lrs;alice@d.test:Work:anyone:ri;");
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_int_eq(share_rights(&test_base, SLICE("alice@d.test"), SLICE("Work"),
                                      slice_of(expected[i].who), &rights),
                         0);
        ck_assert_uint_eq(rights, expected[i].rights);
    }
    check_to("bob@d.test", "alice@d.test:Work:-bob@d.test:rs;");
    ck_assert_uint_eq(set("alice@d.test", "Work", "-@d.test", 1), 0);
    check_to("@d.test", "alice@d.test:Work:-@d.test:l;alice@d.test:Work:@d.test:lrs;");
    ck_assert_uint_eq(set("alice@d.test", "Work", "-@d.test", 0), 0);
    check_to("@d.test", "alice@d.test:Work:@d.test:lrs;");
    test_close();
}
END_TEST

START_TEST(denied_rights_follow_folders_and_accounts)
{
    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "anyone", 7), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "-bob@d.test", RIGHT_SEEN), 0);
    test_begin();
    ck_assert_uint_eq(
        test_end(account_share_inherit(&test_edit, SLICE("alice@d.test"), SLICE("Work/New"))), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "rob@d.test"), 0);
    check_to("rob@d.test", "alice@d.test:Work:-rob@d.test:s;alice@d.test:Work/New:-rob@d.test:s;");
    check_to("bob@d.test", "");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "rob@d.test", "-rob@d.test"), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "rob@d.test"), 0);
    check_of("alice@d.test", "Work", "alice@d.test:Work:anyone:lrs;");
    test_close();
}
END_TEST

/* RFC 4314 section 4, CREATE */
START_TEST(a_new_folder_inherits)
{
    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", 3), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work", "anyone", RIGHT_INSERT), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work/New", "carol@d.test", 3), 0); /* an older one */
    test_begin();
    ck_assert_uint_eq(
        test_end(account_share_inherit(&test_edit, SLICE("alice@d.test"), SLICE("Work/New"))), 0);
    check_of("alice@d.test", "Work/New",
             "alice@d.test:Work/New:anyone:i;alice@d.test:Work/New:bob@d.test:lr;");
    test_begin();
    ck_assert_uint_eq(
        test_end(account_share_inherit(&test_edit, SLICE("alice@d.test"), SLICE("Work"))), 0);
    check_of("alice@d.test", "Work", "");
    test_close();
}
END_TEST

START_TEST(what_is_refused)
{
    test_populate();
    ck_assert_uint_eq(set("alice@d.test", refused[_i].folder, refused[_i].who, refused[_i].rights),
                      refused[_i].code);
    check_of("alice@d.test", NULL, "");
    test_close();
}
END_TEST

START_TEST(shares_follow_folders)
{
    test_populate();
    ck_assert_uint_eq(set("alice@d.test", "Work", "bob@d.test", 3), 0);
    ck_assert_uint_eq(set("alice@d.test", "Work/Old", "bob@d.test", 1), 0);
    ck_assert_uint_eq(set("alice@d.test", "Works", "bob@d.test", 1), 0);
    ck_assert_uint_eq(set("alice@d.test", "Done/Old", "carol@d.test", 3), 0);
    test_begin();
    ck_assert_uint_eq(test_end(account_share_rename(&test_edit, SLICE("alice@d.test"),
                                                    SLICE("Work"), SLICE("Done"))),
                      0);
    check_to("bob@d.test", "alice@d.test:Done:bob@d.test:lr;alice@d.test:Done/Old:bob@d.test:l;"
                           "alice@d.test:Works:bob@d.test:l;");
    check_to("carol@d.test", ""); /* an older folder of that name */
    test_begin();
    ck_assert_uint_eq(
        test_end(account_share_drop(&test_edit, SLICE("alice@d.test"), SLICE("Done"))), 0);
    check_to("bob@d.test", "alice@d.test:Done/Old:bob@d.test:l;alice@d.test:Works:bob@d.test:l;");
    test_close();
}
END_TEST

START_TEST(shares_follow_accounts)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_uint_eq(set("alice@d.test", "W@rk", "bob@d.test", 3), 0);
    ck_assert_uint_eq(set("alice@d.test", "W@rk", "@e.test", 3), 0);
    ck_assert_uint_eq(set("bob@d.test", "Mine", "carol@d.test", 3), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "ann@e.test"), 0);
    check_to("bob@d.test", "ann@e.test:W@rk:bob@d.test:lr;");
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "e.test", "f.test"), 0);
    check_to("@f.test", "ann@f.test:W@rk:@f.test:lr;");
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "rob@d.test"), 0);
    check_to("rob@d.test", "ann@f.test:W@rk:rob@d.test:lr;");
    check_to("carol@d.test", "rob@d.test:Mine:carol@d.test:lr;");
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "rob@d.test"), 0);
    check_to("carol@d.test", "");
    check_of("ann@f.test", NULL, "ann@f.test:W@rk:@f.test:lr;");
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "ann@f.test"), 0);
    check_to("@f.test", "");
    ck_assert_uint_eq(set("carol@d.test", "X", "@f.test", 3), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "f.test"), 0);
    check_of("carol@d.test", NULL, "");
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("share");

    tcase_add_test(tc, rights_are_given_and_taken);
    tcase_add_loop_test(tc, what_is_refused, 0, (int)ARRAY_LEN(refused));
    tcase_add_test(tc, rights_add_up);
    tcase_add_test(tc, rights_are_denied);
    tcase_add_test(tc, denied_rights_follow_folders_and_accounts);
    tcase_add_test(tc, a_new_folder_inherits);
    tcase_add_test(tc, shares_follow_folders);
    tcase_add_test(tc, shares_follow_accounts);
    return test_run(suite_create("account_share"), tc);
}
