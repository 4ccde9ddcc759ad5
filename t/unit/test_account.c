/*
 * t/unit/test_account.c - lib/account: finding and changing accounts.
 */
#include "t/unit/account_base.h"

#include "lib/account/jobs.h"
#include "lib/ipc/accountd.h"

static enum account_found
find(const char *address, char *owner, size_t size)
{
    struct account_hit hit = account_hit_new();
    enum account_found found = account_find(&test_base, slice_of(address), &hit);

    (void)snprintf(owner, size, "%s", found == ACCOUNT_FOUND ? strbuf_cstr(&hit.address) : "");
    account_hit_free(&hit);
    return found;
}

static const struct {
    const char *address;
    enum account_found found;
    const char *owner;
} finds[] = {
    {"alice@d.test", ACCOUNT_FOUND, "alice@d.test"},
    {"ALICE@D.Test", ACCOUNT_FOUND, "alice@d.test"},
    {"\"alice\"@d.test", ACCOUNT_FOUND, "alice@d.test"},
    {"alice+list@d.test", ACCOUNT_FOUND, "alice@d.test"},
    {"alice+a+b@d.test", ACCOUNT_FOUND, "alice@d.test"},
    {"+x@d.test", ACCOUNT_UNKNOWN, ""},
    {"alice@e.test", ACCOUNT_FOUND, "alice@d.test"},
    {"nobody@d.test", ACCOUNT_UNKNOWN, ""},
    {"nobody+x@d.test", ACCOUNT_UNKNOWN, ""},
    {"alice@f.test", ACCOUNT_FOREIGN, ""},
    {"alice@[192.0.2.1]", ACCOUNT_FOREIGN, ""},
    {"alice", ACCOUNT_FOREIGN, ""},
    {"", ACCOUNT_FOREIGN, ""},
    {"@d.test", ACCOUNT_UNKNOWN, ""},
    {"Postmaster", ACCOUNT_FOUND, "postmaster@d.test"},
    {"postmaster@d.test", ACCOUNT_FOUND, "postmaster@d.test"},
    {"PostMaster@common.test", ACCOUNT_FOUND, "postmaster@d.test"},
    {"postmaster@e.test", ACCOUNT_FOUND, "postmaster@d.test"},
    {"postmaster@f.test", ACCOUNT_FOREIGN, ""},
    {"b\xc3\xbcro@d.test", ACCOUNT_FOUND, "b\xc3\xbcro@d.test"},
    {"bu\xcc\x88ro@d.test", ACCOUNT_FOUND, "b\xc3\xbcro@d.test"}, /* the same letter, decomposed */
    {"alice@b\xc3\xbc"
     "cher.test",
     ACCOUNT_FOUND, "alice@xn--bcher-kva.test"},
    {"alice@xn--bcher-kva.test", ACCOUNT_FOUND, "alice@xn--bcher-kva.test"},
};

START_TEST(addresses_lead_to_their_entry)
{
    char owner[400];

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "e.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "common.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN,
                               "b\xc3\xbc"
                               "cher.test",
                               NULL, NULL),
                      0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER,
                               "alice@b\xc3\xbc"
                               "cher.test",
                               NULL, NULL),
                      0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "postmaster@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "b\xc3\xbcro@d.test", NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(finds); i++) {
        ck_assert_msg(find(finds[i].address, owner, sizeof(owner)) == finds[i].found, "%s",
                      finds[i].address);
        ck_assert_str_eq(owner, finds[i].owner);
    }
    test_close();
}
END_TEST

START_TEST(login_names_lead_to_users)
{
    static const struct {
        const char *name, *user;
    } names[] = {
        {"alice", "alice@d.test"},
        {"alice@d.test", "alice@d.test"},
        {"ALICE@E.test", "alice@d.test"},
        {"sales@d.test", "alice@d.test"},
        {"sales", "alice@d.test"},
        {"carl@common.test", "carl@common.test"},
        {"carl", ""},
        {"team@d.test", ""},
        {"alice+x@d.test", ""},
        {"", ""},
        {"@", ""},
        {"alice@far.test", ""},
    };
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "e.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "common.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "carl@common.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        bool found = account_find_login(&test_base, slice_of(names[i].name), &hit) == ACCOUNT_FOUND;

        ck_assert_msg(found == (names[i].user[0] != '\0'), "%s", names[i].name);
        if (found)
            ck_assert_str_eq(strbuf_cstr(&hit.address), names[i].user);
    }
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(one_name_space_per_domain)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    /* ADM-23: 2 mailbox, 3 group, 4 alias, 7 no domain; ADM-35: 2, 3, 4, 5; ADM-34: 2 */
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "Alice@d.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "team@d.test", NULL, NULL), 3);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "sales@d.test", NULL, NULL), 4);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "x@no.test", NULL, NULL), 7);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "alice@d.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 3);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "sales@d.test", NULL, NULL), 4);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "g@no.test", NULL, NULL), 5);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "alice@d.test", "mailbox", "bob@d.test"), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "a@d.test", "mailbox", "nobody@d.test"), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "a@d.test", "mailbox", "x@far.test"), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "a@d.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "d.test", NULL, NULL), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "d.test", "domain", "d.test"), 2);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "e.test", "domain", "no.test"), 2);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "nobody@d.test"), 2);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "team@d.test"), 2);
    ck_assert_uint_eq(test_del(ACCOUNT_ALIAS, "alice@d.test"), 2);
    ck_assert_uint_eq(test_del(ACCOUNT_GROUP, "nobody@d.test"), 2);
    test_close();
}
END_TEST

START_TEST(names_that_no_mailbox_can_have)
{
    static const char *const names[] = {
        "",
        "x",
        "@d.test",
        "a b@d.test",
        "a..b@d.test",
        ".a@d.test",
        "a.@d.test",
        "\"a\"b@d.test",
        "a@d.test@d.test",
        "a\x01@d.test",
        "a@d_test",
        "a@d..test",
        "0123456789012345678901234567890123456789012345678901234567890123x@d.test",
        "\xff@d.test",
        "a<b@d.test",
        "\"a b\"@d.test",
        "\"a..b\"@d.test",
        "\"a<b\"@d.test",
        "\"a@b\"@d.test",
        "\"a\\\x01\"@d.test",
    };

    test_populate();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_msg(test_add(ACCOUNT_USER, names[i], NULL, NULL) != 0, "%s", names[i]);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "a.b-c_d+e=f/g'h@d.test", NULL, NULL), 0);
    test_close();
}
END_TEST

START_TEST(an_alias_names_one_mailbox)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_ne(test_add(ACCOUNT_ALIAS, "crew@d.test", "mailbox", "team@d.test"), 0);
    ck_assert_uint_ne(test_add(ACCOUNT_ALIAS, "out@d.test", "mailbox", "x@far.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "shop@d.test", "mailbox", "sales@d.test"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("shop@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, ALIAS_TARGET), SLICE("alice@d.test")));
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(the_primary_domain_stays)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "e.test", NULL, NULL), 0);
    ck_assert_str_eq(strbuf_cstr(&test_base.primary), "d.test");
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "d.test"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "type", "common"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "e.test", "type", "primary"), 0);
    ck_assert_str_eq(strbuf_cstr(&test_base.primary), "e.test");
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "e.test", "description", "still"), 0);
    ck_assert_str_eq(strbuf_cstr(&test_base.primary), "e.test");
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "d.test"), 1); /* it holds mailboxes */
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "bob@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "carol@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "da.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_DOMAIN, "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "da.test", NULL, NULL), 0); /* the alias went too */
    test_close();
}
END_TEST

START_TEST(deleting_a_user_takes_aliases_and_memberships_along)
{
    char owner[400];

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "sales@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "bob@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@d.test"), 0);
    ck_assert_int_eq(find("sales@d.test", owner, sizeof(owner)), ACCOUNT_UNKNOWN);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "alice@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "sales@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0); /* was no member any more */
    ck_assert_uint_eq(test_member("team@d.test", "sales@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "bob@d.test"), 3); /* still is one */
    test_close();
}
END_TEST

START_TEST(new_mailboxes_have_the_domains_defaults)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_expires", "2027-06-30"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "n1@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "n2@d.test", "expires", "2028-01-01"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "n3@d.test", "expires", ""), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_quota_bytes", "5M"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_quota_messages", "70"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_mailbox_path", "a/b"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "default_mailbox_path", "disk2"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "n4@d.test", NULL, NULL), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("n4@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_uint_eq(record_u64(&hit.entry, USER_QUOTA_BYTES), 5u << 20);
    ck_assert_uint_eq(record_u64(&hit.entry, USER_QUOTA_MESSAGES), 70);
    ck_assert(record_is(&hit.entry, USER_MAILBOX_PATH, "disk2"));
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("n1@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, USER_EXPIRES), SLICE("2027-06-30")));
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("n2@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, USER_EXPIRES), SLICE("2028-01-01")));
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("n3@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_uint_eq(record_get(&hit.entry, USER_EXPIRES).len, 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_uint_eq(record_get(&hit.entry, USER_EXPIRES).len, 0);
    account_hit_free(&hit);
    test_close();
}
END_TEST

struct seen_jobs {
    char text[1000];
};

static int
note_job(void *arg, const struct account_job *job)
{
    struct seen_jobs *seen = arg;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%d %.*s %.*s\n", job->op,
                   (int)job->path.len, job->path.ptr, (int)job->new_path.len, job->new_path.ptr);
    return 0;
}

START_TEST(a_renamed_domain_takes_everything_along)
{
    struct account_hit hit = account_hit_new();
    struct seen_jobs seen = {""};
    char owner[400];

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN, "o.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "olaf@o.test", "forward", "alice@d.test;x@far.test"),
                      0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@o.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "olaf@o.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "da.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "no.test", "new.test"), 1);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "o.test"), 2);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "new.test"), 0);
    test_reopen();
    ck_assert_str_eq(strbuf_cstr(&test_base.primary), "new.test");
    ck_assert_int_eq(find("alice@d.test", owner, sizeof(owner)), ACCOUNT_FOREIGN);
    ck_assert_int_eq(find("alice@new.test", owner, sizeof(owner)), ACCOUNT_FOUND);
    ck_assert_int_eq(find("alice@da.test", owner, sizeof(owner)), ACCOUNT_FOUND);
    ck_assert_str_eq(owner, "alice@new.test");
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("olaf@o.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, USER_FORWARD), SLICE("alice@new.test x@far.test")));
    ck_assert_int_eq(account_find_login(&test_base, SLICE("sales@o.test"), &hit), ACCOUNT_FOUND);
    ck_assert_str_eq(strbuf_cstr(&hit.address), "alice@new.test");
    ck_assert_uint_eq(test_member("team@new.test", "alice@new.test"), 3);
    ck_assert_uint_eq(test_member("team@new.test", "olaf@o.test"), 3);
    ck_assert_int_eq(account_jobs_each(&test_base, 4, note_job, &seen), 0);
    ck_assert_ptr_nonnull(strstr(seen.text, "3 d.test/8e/alice new.test/8e/alice\n"));
    /* What leads to alice goes with her: the index followed the rename. */
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@new.test"), 0);
    ck_assert_int_eq(find("sales@o.test", owner, sizeof(owner)), ACCOUNT_UNKNOWN);
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(a_renamed_mailbox_keeps_its_own)
{
    struct account_hit hit = account_hit_new();
    char owner[400];

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "da.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "forward",
                               "alice@d.test;Alice@d.test;alice@DA.test;alice@far.test"),
                      0);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "bob@d.test"), 2);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "alice@d.test", "Al@d.test"), 0);
    ck_assert_int_eq(find("alice@d.test", owner, sizeof(owner)), ACCOUNT_UNKNOWN);
    ck_assert_int_eq(account_find_login(&test_base, SLICE("sales"), &hit), ACCOUNT_FOUND);
    ck_assert_str_eq(strbuf_cstr(&hit.address), "al@d.test");
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("bob@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, USER_FORWARD),
                       SLICE("al@d.test al@d.test al@d.test alice@far.test")));
    account_hit_free(&hit);
    test_close();
}
END_TEST

static const struct {
    const char *property, *value;
    enum account_state state;
} states[] = {
    {"status", "normal", ACCOUNT_NORMAL},        {"status", "disabled", ACCOUNT_DISABLED},
    {"status", "pending", ACCOUNT_DISABLED},     {"status", "suspended", ACCOUNT_SUSPENDED},
    {"expires", "2027-01-14", ACCOUNT_DISABLED}, {"expires", "2027-01-15", ACCOUNT_NORMAL},
    {"expires", "2099-01-01", ACCOUNT_NORMAL},   {"expires", "", ACCOUNT_NORMAL},
};

START_TEST(status_and_expiry_decide)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", states[_i].property, states[_i].value),
                      0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_int_eq(account_user_state(&hit.entry, TEST_NOW_MS), states[_i].state);
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(whoever_sets_the_status_has_the_last_word)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "sync_disabled", "yes"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "full_name", "Bob"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("bob@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(record_bool(&hit.entry, USER_SYNC_DISABLED));
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "bob@d.test", "status", "disabled"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("bob@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(!record_bool(&hit.entry, USER_SYNC_DISABLED));
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(values_are_checked)
{
    static const struct {
        const char *property, *value, *stored; /* NULL: refused */
    } values[] = {
        {"quota_bytes", "10M", "10485760"},
        {"quota_bytes", "-1", NULL},
        {"quota_bytes", "", "524288000"},
        {"quota_messages", "7", "7"},
        {"status", "odd", NULL},
        {"expires", "2027-02-29", NULL},
        {"expires", "2028-02-29", "2028-02-29"},
        {"expires", "2027-13-01", NULL},
        {"expires", "tomorrow", NULL},
        {"forward", "A@B.test, c@d.test;e@f.test", "A@b.test c@d.test e@f.test"},
        {"forward", "nobody", NULL},
        {"forward_keep", "No", "no"},
        {"full_name", "a\nb", NULL},
        {"password", "plain", NULL},
        {"password", "{PLAIN}x y", "{PLAIN}x y"},
        {"created", "2027-01-01T00:00:00Z", NULL},
        {"colour", "red", NULL},
    };
    struct account_hit hit = account_hit_new();
    const char *near;

    test_populate();
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        bool taken =
            test_set(ACCOUNT_USER, "alice@d.test", values[i].property, values[i].value) == 0;
        int id = account_property_find(ACCOUNT_USER, slice_of(values[i].property), &near);

        ck_assert_msg(taken == (values[i].stored != NULL), "%s=%s", values[i].property,
                      values[i].value);
        if (!taken)
            continue;
        ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit),
                         ACCOUNT_FOUND);
        ck_assert(slice_eq(record_get(&hit.entry, (enum account_property)id),
                           slice_of(values[i].stored)));
    }
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(jobs_stay_until_they_are_done)
{
    struct seen_jobs seen = {""};

    test_populate();
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "alice@d.test"), 0);
    test_reopen();
    ck_assert_int_eq(account_job_done(&test_base, 1), 0);
    ck_assert_int_eq(account_job_done(&test_base, 1), 0); /* once more does no harm */
    test_reopen();
    ck_assert_int_eq(account_jobs_each(&test_base, 0, note_job, &seen), 0);
    ck_assert_str_eq(seen.text, "1 d.test/d4/bob \n1 d.test/ef/carol \n2 d.test/8e/alice \n");
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "dora@d.test", NULL, NULL), 0);
    seen.text[0] = '\0';
    ck_assert_int_eq(account_jobs_each(&test_base, 4, note_job, &seen), 0);
    ck_assert_ptr_nonnull(strstr(seen.text, "/dora"));
    test_close();
}
END_TEST

START_TEST(store_paths_are_safe)
{
    static const struct {
        const char *address, *user;
    } paths[] = {
        {"alice@d.test", "alice"}, {"a/b@d.test", "a%2fb"},       {".x@d.test", "%2ex"},
        {"%41@d.test", "%2541"},   {"\xc3\xbc@d.test", "%c3%bc"},
    };
    struct strbuf path = strbuf_new(ACCOUNT_PATH_MAX), back = strbuf_new(ACCOUNT_ADDRESS_MAX);
    struct slice rest, part;

    account_store_path(slice_of(paths[_i].address), &path);
    rest = strbuf_slice(&path);
    part = slice_split(&rest, '/');
    ck_assert(slice_eq(part, SLICE("d.test")));
    part = slice_split(&rest, '/');
    ck_assert_uint_eq(part.len, 2);
    ck_assert(slice_eq(rest, slice_of(paths[_i].user)));
    ck_assert_int_eq(account_path_address(strbuf_slice(&path), &back), 0);
    ck_assert_str_eq(strbuf_cstr(&back), paths[_i].address);
    ck_assert_int_eq(account_path_address(SLICE("d.test/00/@news"), &back), -1);
    strbuf_free(&path);
    strbuf_free(&back);
}
END_TEST

START_TEST(passwords_change_under_condition)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password", "{OLD}1"), 0);
    test_begin();
    ck_assert_uint_eq(test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"),
                                                SLICE("{OLD}2"), SLICE("{NEW}1"))),
                      4);
    test_begin();
    ck_assert_uint_eq(test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"),
                                                SLICE("{OLD}1"), SLICE("{NEW}1"))),
                      0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert(slice_eq(record_get(&hit.entry, USER_PASSWORD), SLICE("{NEW}1")));
    test_begin();
    ck_assert_uint_eq(test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"),
                                                SLICE(""), SLICE(""))),
                      1);
    account_hit_free(&hit);
    test_close();
}
END_TEST

/* By its time a session knows whether its password is still the one: each way of setting one gives
 * another, also within a second, and a new hash of the same does not. */
START_TEST(a_new_password_has_a_time_of_its_own)
{
    static const char *const expected[] = {"2026-11-26T10:00:00.001Z", "2026-11-26T10:00:00.002Z",
                                           "2026-11-26T10:00:00.002Z"};
    struct account_hit hit = account_hit_new();
    const struct object_field field = {SLICE("password"), SLICE("{NEW}1")};

    test_populate();
    for (int i = 0; i < 3; i++) {
        test_begin();
        test_edit.now_ms = 1795687200001 + i;
        if (i == 0)
            ck_assert_uint_eq(
                test_end(account_set(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"), &field, 1)),
                0);
        else
            ck_assert_uint_eq(
                test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"),
                                          i == 1 ? SLICE("") : SLICE("{NEW}2"), SLICE("{NEW}2"))),
                0);
        ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit),
                         ACCOUNT_FOUND);
        ck_assert_msg(
            slice_eq(record_get(&hit.entry, USER_PASSWORD_CHANGED), slice_of(expected[i])),
            "%d: %.*s", i, (int)record_get(&hit.entry, USER_PASSWORD_CHANGED).len,
            record_get(&hit.entry, USER_PASSWORD_CHANGED).ptr);
    }
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(somebody_always_gets_mail_for_postmaster)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "postmaster@d.test", "mailbox", "bob@d.test"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_ALIAS, "postmaster@d.test"), 2);
    ck_assert_uint_eq(test_rename(ACCOUNT_ALIAS, "postmaster@d.test", "pm@d.test"), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_USER, "bob@d.test"), 3);
    ck_assert_uint_eq(test_rename(ACCOUNT_USER, "bob@d.test", "rob@d.test"), 0);
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "d.test", "n.test"), 0); /* bare name: follows */
    test_base.postmaster = "Postmaster@N.test";
    ck_assert_uint_eq(test_rename(ACCOUNT_DOMAIN, "n.test", "o.test"), 1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&test_result.text), "smtp.postmaster"));
    ck_assert_uint_eq(test_del(ACCOUNT_ALIAS, "postmaster@n.test"), 2);
    test_close();
}
END_TEST

START_TEST(rights_are_bits)
{
    struct account_hit hit = account_hit_new();

    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "pop3", "no"), 0);
    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    ck_assert_uint_eq(account_user_rights(&hit.entry) & ACCOUNTD_MAY_POP3, 0);
    ck_assert_uint_ne(account_user_rights(&hit.entry) & ACCOUNTD_MAY_IMAP, 0);
    account_hit_free(&hit);
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("account");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, addresses_lead_to_their_entry);
    tcase_add_test(tc, login_names_lead_to_users);
    tcase_add_test(tc, one_name_space_per_domain);
    tcase_add_test(tc, names_that_no_mailbox_can_have);
    tcase_add_test(tc, an_alias_names_one_mailbox);
    tcase_add_test(tc, the_primary_domain_stays);
    tcase_add_test(tc, deleting_a_user_takes_aliases_and_memberships_along);
    tcase_add_test(tc, new_mailboxes_have_the_domains_defaults);
    tcase_add_test(tc, a_renamed_domain_takes_everything_along);
    tcase_add_test(tc, a_renamed_mailbox_keeps_its_own);
    tcase_add_loop_test(tc, status_and_expiry_decide, 0, (int)ARRAY_LEN(states));
    tcase_add_test(tc, whoever_sets_the_status_has_the_last_word);
    tcase_add_test(tc, values_are_checked);
    tcase_add_test(tc, jobs_stay_until_they_are_done);
    tcase_add_loop_test(tc, store_paths_are_safe, 0, 5);
    tcase_add_test(tc, passwords_change_under_condition);
    tcase_add_test(tc, a_new_password_has_a_time_of_its_own);
    tcase_add_test(tc, somebody_always_gets_mail_for_postmaster);
    tcase_add_test(tc, rights_are_bits);
    return test_run(suite_create("account"), tc);
}
