/*
 * t/unit/test_expand.c - lib/account/expand: where mail goes in the end.
 */
#include "t/unit/account_base.h"

#include "lib/account/expand.h"

/* Targets of one address in the order of their text: "M alice@d.test", "R x@far.test", "F 5.1.1";
 * with `passed` also mailboxes that keep nothing: "N alice@d.test". */
static const char *
expand_all(const char *address, bool passed)
{
    static char text[8000];
    struct expansion *x = expansion_new(&test_base, TEST_NOW_MS);
    const struct accountd_target *targets;
    uint32_t count;

    expansion_add(x, 7,
                  &(struct accountd_recipient){slice_of(address), SLICE(""), SLICE(""), false});
    targets = expansion_targets(x, &count);
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct accountd_target *t = &targets[i];
        struct slice shown = t->kind == ACCOUNTD_TO_FAILURE ? t->dsn : t->address;
        size_t len = strlen(text);

        ck_assert_uint_eq(t->source, 7);
        if ((t->kind == ACCOUNTD_TO_NOBODY && !passed) || t->kind == ACCOUNTD_SHOWN)
            continue;
        (void)snprintf(text + len, sizeof(text) - len, "%s%c %.*s", len > 0 ? " " : "",
                       "MRFN"[t->kind], (int)shown.len, shown.ptr);
    }
    expansion_free(&x);
    return text;
}

static const char *
expand(const char *address)
{
    return expand_all(address, false);
}

static void
populate(void)
{
    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_DOMAIN_ALIAS, "da.test", "domain", "d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "sales@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "team@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "inner@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "empty@d.test", NULL, NULL), 0);
    ck_assert_uint_eq(test_member("inner@d.test", "bob@d.test"), 0);
    ck_assert_uint_eq(test_member("inner@d.test", "x@far.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "alice@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "sales@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "inner@d.test"), 0);
    ck_assert_uint_eq(test_member("team@d.test", "x@far.test"), 0);
}

static const struct {
    const char *address, *targets;
} plain[] = {
    {"alice@d.test", "M alice@d.test"},
    {"Alice+tag@DA.test", "M alice@d.test"},
    {"sales@d.test", "M alice@d.test"},
    {"sales@da.test", "M alice@d.test"},
    {"X@far.test", "R X@far.test"},
    {"nobody@d.test", "F 5.1.1"},
    {"inner@d.test", "M bob@d.test R x@far.test"},
    {"team@d.test", "M alice@d.test M bob@d.test R x@far.test"},
    {"empty@d.test", "F 5.2.4"},
    {"", "R "},
};

START_TEST(aliases_and_groups_lead_to_each_target_once)
{
    populate();
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        ck_assert_str_eq(expand(plain[i].address), plain[i].targets);
    test_close();
}
END_TEST

static void
forward(const char *user, const char *to, bool keep)
{
    ck_assert_uint_eq(test_set(ACCOUNT_USER, user, "forward", to), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, user, "forward_keep", keep ? "yes" : "no"), 0);
}

START_TEST(forwarding_keeps_or_passes_on)
{
    populate();
    forward("alice@d.test", "bob@d.test;y@far.test", true);
    ck_assert_str_eq(expand("alice@d.test"), "M alice@d.test M bob@d.test R y@far.test");
    forward("alice@d.test", "bob@d.test;y@far.test", false);
    ck_assert_str_eq(expand("alice@d.test"), "M bob@d.test R y@far.test");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "forward", ""), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "may_forward", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "forward", "bob@d.test"), 3);
    test_close();
}
END_TEST

/* Whoever forwards and keeps nothing is named: the queue asks who reads along with a mailbox. */
START_TEST(forwarding_mailboxes_without_a_copy_are_named)
{
    populate();
    forward("alice@d.test", "y@far.test", false);
    ck_assert_str_eq(expand_all("sales@da.test", true), "R y@far.test N alice@d.test");
    forward("bob@d.test", "alice@d.test", false);
    ck_assert_str_eq(expand_all("inner@d.test", true),
                     "R y@far.test N alice@d.test N bob@d.test R x@far.test");
    forward("alice@d.test", "bob@d.test", false); /* back again: alice keeps it after all */
    ck_assert_str_eq(expand_all("alice@d.test", true), "M alice@d.test N bob@d.test");
    forward("alice@d.test", "y@far.test", true);
    ck_assert_str_eq(expand_all("alice@d.test", true), "M alice@d.test R y@far.test");
    test_close();
}
END_TEST

START_TEST(circles_of_forwards_lose_nothing)
{
    populate();
    forward("alice@d.test", "bob@d.test", false);
    forward("bob@d.test", "alice@d.test", false);
    ck_assert_str_eq(expand("alice@d.test"), "M alice@d.test");
    ck_assert_str_eq(expand("bob@d.test"), "M bob@d.test");
    forward("bob@d.test", "bob@d.test;y@far.test", false); /* to oneself: keeps a copy */
    ck_assert_str_eq(expand("bob@d.test"), "M bob@d.test R y@far.test");
    forward("bob@d.test", "team@d.test", true);
    ck_assert_str_eq(expand("team@d.test"), "M bob@d.test R x@far.test");
    forward("carol@d.test", "sales@d.test", false);
    forward("alice@d.test", "carol@d.test", false);
    ck_assert_str_eq(expand("carol@d.test"), "M carol@d.test");
    test_close();
}
END_TEST

START_TEST(one_target_by_two_ways_comes_once)
{
    populate();
    forward("alice@d.test", "carol@d.test", false);
    forward("bob@d.test", "carol@d.test", false);
    forward("carol@d.test", "z@far.test", false);
    ck_assert_str_eq(expand("team@d.test"), "R z@far.test R x@far.test");
    test_close();
}
END_TEST

/* A restored base may hold both: whoever may not forward gets the mail himself. */
START_TEST(a_forward_that_is_not_allowed_is_not_obeyed)
{
    populate();
    forward("alice@d.test", "y@far.test", false);
    test_edit.restoring = true;
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "may_forward", "no"), 0);
    ck_assert_str_eq(expand("alice@d.test"), "M alice@d.test");
    test_close();
}
END_TEST

START_TEST(a_way_that_is_too_long_ends)
{
    char to[32] = "bob@d.test", from[32];

    populate();
    for (unsigned i = 0; i <= EXPAND_DEPTH_MAX; i++) {
        (void)snprintf(from, sizeof(from), "u%u@d.test", i);
        ck_assert_uint_eq(test_add(ACCOUNT_USER, from, NULL, NULL), 0);
        forward(from, to, false);
        memcpy(to, from, sizeof(to));
    }
    ck_assert_str_eq(expand("u50@d.test"), "M bob@d.test");
    ck_assert_str_eq(expand(to), "F 5.4.6");
    test_close();
}
END_TEST

START_TEST(unknown_mailboxes_follow_the_domain)
{
    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", "deliver"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown_address", "carol@d.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", "deliver"), 0);
    ck_assert_str_eq(expand("nobody@d.test"), "M carol@d.test");
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown_address", "c@far.test"), 0);
    ck_assert_str_eq(expand("nobody@d.test"), "R c@far.test");
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown_address", "gone@d.test"), 0);
    ck_assert_str_eq(expand("nobody@d.test"), "F 5.1.1"); /* not round in circles */
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", "remote"), 0);
    ck_assert_str_eq(expand("NoBody@d.test"), "R NoBody@d.test");
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", "notify"), 1);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "admin_address", "boss@far.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", "notify"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "admin_address", ""), 1);
    ck_assert_str_eq(expand("nobody@d.test"), "F 5.1.1");
    test_close();
}
END_TEST

/* What the queue needs besides the address: who hears of it, and that it is a forward. */
START_TEST(unknown_mailboxes_leave_a_trace)
{
    struct expansion *x;
    const struct accountd_target *targets;
    uint32_t count;

    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "admin_address", "boss@far.test"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "unknown", _i == 0 ? "notify" : "remote"),
                      0);
    x = expansion_new(&test_base, TEST_NOW_MS);
    expansion_add(
        x, 0, &(struct accountd_recipient){SLICE("nobody@d.test"), SLICE(""), SLICE(""), false});
    targets = expansion_targets(x, &count);
    ck_assert_uint_eq(count, 1);
    if (_i == 0)
        ck_assert(slice_eq(targets[0].notice, SLICE("boss@far.test")));
    else
        ck_assert(slice_eq(targets[0].via, SLICE("unknown mailbox")));
    expansion_free(&x);
    test_close();
}
END_TEST

START_TEST(disabled_mailboxes_fail)
{
    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "status", "disabled"), 0);
    ck_assert_str_eq(expand("sales@d.test"), "F 5.2.1");
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "status", "suspended"), 0);
    ck_assert_str_eq(expand("sales@d.test"), "M alice@d.test");
    test_close();
}
END_TEST

/* DIR-29, whichever way the mail comes. */
static const struct {
    const char *address, *user, *sender;
    bool by_rule;
    const char *targets;
} received[] = {
    {"alice@d.test", "", "x@far.test", false, "F 5.7.1"},
    {"sales@d.test", "", "x@far.test", false, "F 5.7.1"},
    {"team@d.test", "", "x@far.test", false, "F 5.7.1 M bob@d.test R x@far.test"},
    {"carol@d.test", "", "x@far.test", false, "M carol@d.test F 5.7.1"},
    {"carol@d.test", "", "x@near.test", false, "M carol@d.test M alice@d.test"}, /* excepted */
    {"carol@d.test", "bob@d.test", "x@far.test", false, "M carol@d.test M alice@d.test"},
    {"carol@d.test", "", "bob@da.test", false, "M carol@d.test M alice@d.test"},
    {"carol@d.test", "", "", false, "M carol@d.test M alice@d.test"}, /* a bounce */
    {"team@d.test", "", "x@far.test", true, "M alice@d.test M bob@d.test R x@far.test"},
    {"postmaster@d.test", "", "x@far.test", false, "M alice@d.test"},
    {"news@d.test", "bob@d.test", "", false, "F 5.7.1"},      /* a public folder: by right, */
    {"news@d.test", "bob@d.test", "", true, "M news@d.test"}, /* or by a rule */
};

START_TEST(mailboxes_take_from_whom_they_say)
{
    struct expansion *x = expansion_new(&test_base, TEST_NOW_MS);
    const struct accountd_target *targets;
    struct strbuf told = strbuf_new(1000);
    uint32_t count;

    populate();
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "may_receive_remote", "no"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "receive_exceptions", "near.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "postmaster@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_PUBLIC, "news@d.test", NULL, NULL), 0);
    forward("carol@d.test", "alice@d.test", true);
    expansion_add(x, 0,
                  &(struct accountd_recipient){SLICE("alice@d.test"), SLICE(""),
                                               SLICE("before@far.test"), false});
    expansion_add(
        x, 1,
        &(struct accountd_recipient){slice_of(received[_i].address), slice_of(received[_i].user),
                                     slice_of(received[_i].sender), received[_i].by_rule});
    targets = expansion_targets(x, &count);
    for (uint32_t i = 1; i < count; i++) { /* behind that of the first source */
        struct slice shown =
            targets[i].kind == ACCOUNTD_TO_FAILURE ? targets[i].dsn : targets[i].address;

        (void)strbuf_printf(&told, "%s%c %.*s", told.len > 0 ? " " : "", "MRFN"[targets[i].kind],
                            (int)shown.len, shown.ptr);
    }
    ck_assert_str_eq(strbuf_cstr(&told), received[_i].targets);
    strbuf_free(&told);
    expansion_free(&x);
    test_close();
}
END_TEST

START_TEST(targets_tell_how_they_were_reached)
{
    struct expansion *x;
    const struct accountd_target *targets;
    uint32_t count;

    populate();
    x = expansion_new(&test_base, TEST_NOW_MS);
    expansion_add(x, 0,
                  &(struct accountd_recipient){SLICE("alice@d.test"), SLICE(""), SLICE(""), false});
    expansion_add(x, 1,
                  &(struct accountd_recipient){SLICE("sales@d.test"), SLICE(""), SLICE(""), false});
    expansion_add(x, 2,
                  &(struct accountd_recipient){SLICE("inner@d.test"), SLICE(""), SLICE(""), false});
    targets = expansion_targets(x, &count);
    ck_assert_uint_eq(count, 4);
    ck_assert(slice_eq(targets[0].via, SLICE("")));
    ck_assert(slice_eq(targets[0].path, SLICE("d.test/8e/alice")));
    ck_assert_uint_eq(targets[0].quota_bytes, 524288000);
    ck_assert_uint_eq(targets[0].warning_limit, 90);
    ck_assert(slice_eq(targets[1].via, SLICE("alias")));
    ck_assert(slice_eq(targets[2].via, SLICE("group inner@d.test")));
    ck_assert_uint_eq(targets[3].source, 2);
    expansion_free(&x);
    test_close();
}
END_TEST

START_TEST(a_large_group_comes_whole)
{
    struct expansion *x;
    char name[64];
    uint32_t count;

    populate();
    test_begin();
    ck_assert_int_eq(account_add(&test_edit, ACCOUNT_GROUP, SLICE("all@d.test"), NULL, 0), 0);
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(name, sizeof(name), "u%d@far.test", i);
        ck_assert_int_eq(account_member_add(&test_edit, SLICE("all@d.test"), slice_of(name)), 0);
    }
    ck_assert_uint_eq(test_end(0), 0);
    x = expansion_new(&test_base, TEST_NOW_MS);
    expansion_add(x, 0,
                  &(struct accountd_recipient){SLICE("all@d.test"), SLICE(""), SLICE(""), false});
    (void)expansion_targets(x, &count);
    ck_assert_uint_eq(count, 2000);
    expansion_free(&x);
    test_close();
}
END_TEST

/* What of mail from `sender` goes outside: with which sender. */
static const struct {
    const char *sender, *address;
    bool rewrites, rewritten;
} forwards[] = {
    {"bob@far.test", "fwd@d.test", true, true},
    {"bob@far.test", "inner@d.test", true, true},
    {"bob@far.test", "fwd@d.test", false, false},
    {"", "fwd@d.test", true, false},
    {"alice@d.test", "fwd@d.test", true, false},
    {"nobody@da.test", "fwd@d.test", true, false}, /* a domain of ours */
    {"bob@far.test", "x@far.test", true, false},   /* nobody's forward */
};

static struct srs_key srs_key;

static void
populate_with_srs(void)
{
    populate();
    ck_assert_uint_eq(test_add(ACCOUNT_USER, "fwd@d.test", "forward", "x@far.test"), 0);
    test_base.srs = &srs_key;
    test_base.srs_rewrites = true;
}

/* The sender of the first remote target, or the status of a failure. */
static struct slice
outcome_of(struct expansion *x, const char *sender, const char *address)
{
    const struct accountd_target *targets;
    uint32_t count;

    expansion_add(
        x, 0, &(struct accountd_recipient){slice_of(address), SLICE(""), slice_of(sender), false});
    targets = expansion_targets(x, &count);
    for (uint32_t i = 0; i < count; i++)
        if (targets[i].kind != ACCOUNTD_TO_MAILBOX)
            return targets[i].kind == ACCOUNTD_TO_FAILURE ? targets[i].dsn : targets[i].sender;
    return SLICE("none");
}

START_TEST(forwarded_mail_gets_a_sender_of_ours)
{
    struct strbuf back = strbuf_new(1000);
    struct expansion *x;
    struct slice sender;

    populate_with_srs();
    test_base.srs_rewrites = forwards[_i].rewrites;
    x = expansion_new(&test_base, TEST_NOW_MS);
    sender = outcome_of(x, forwards[_i].sender, forwards[_i].address);
    if (forwards[_i].rewritten) {
        ck_assert(slice_ends(sender, SLICE("=far.test=bob@d.test")));
        ck_assert_int_eq(srs_reverse(&srs_key, sender, TEST_NOW_MS, &back), SRS_GOOD);
        ck_assert_str_eq(strbuf_cstr(&back), forwards[_i].sender);
    } else {
        ck_assert_uint_eq(sender.len, 0);
    }
    expansion_free(&x);
    strbuf_free(&back);
    test_close();
}
END_TEST

START_TEST(bounces_and_nothing_else_go_on_to_the_sender)
{
    struct strbuf srs = strbuf_new(1000);
    struct expansion *x;

    populate_with_srs();
    x = expansion_new(&test_base, TEST_NOW_MS);
    ck_assert_int_eq(
        srs_forward(&srs_key, SLICE("Bob@far.test"), SLICE("da.test"), TEST_NOW_MS, &srs), 0);
    ck_assert_str_eq(expand(strbuf_cstr(&srs)), "R Bob@far.test");
    ck_assert(slice_eq(outcome_of(x, "spam@far.test", strbuf_cstr(&srs)), SLICE("5.1.1")));
    srs.ptr[6] = srs.ptr[6] == 'A' ? 'B' : 'A';
    ck_assert_str_eq(expand(strbuf_cstr(&srs)), "F 5.1.1");
    expansion_free(&x);
    strbuf_free(&srs);
    test_close();
}
END_TEST

/* "GROUP: MEMBER MEMBER ", for each that is to be shown by its members. */
static const char *
shown_for(const char *address)
{
    static char text[2000];
    struct expansion *x = expansion_new(&test_base, TEST_NOW_MS);
    const struct accountd_target *targets;
    uint32_t count;

    expansion_add(x, 0,
                  &(struct accountd_recipient){slice_of(address), SLICE(""), SLICE(""), false});
    targets = expansion_targets(x, &count);
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const struct accountd_target *t = &targets[i];
        size_t len = strlen(text);

        if (t->kind != ACCOUNTD_SHOWN)
            continue;
        (void)snprintf(text + len, sizeof(text) - len, "%.*s: %.*s", (int)t->address.len,
                       t->address.ptr, (int)t->text.len, t->text.ptr);
    }
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        *at = ' ';
    expansion_free(&x);
    return text;
}

START_TEST(groups_are_shown_by_their_members)
{
    populate();
    ck_assert_uint_eq(test_add(ACCOUNT_ALIAS, "crew@d.test", "mailbox", "alice@d.test"), 0);
    ck_assert_str_eq(shown_for("team@d.test"), "");
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "team@d.test", "show_members", "yes"), 0);
    ck_assert_str_eq(shown_for("team@d.test"),
                     "team@d.test: alice@d.test inner@d.test sales@d.test x@far.test ");
    ck_assert_str_eq(shown_for("Team@DA.test"),
                     "team@d.test: alice@d.test inner@d.test sales@d.test x@far.test "
                     "Team@DA.test: alice@d.test inner@d.test sales@d.test x@far.test ");
    ck_assert_str_eq(shown_for("inner@d.test"), "");
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "inner@d.test", "show_members", "yes"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_GROUP, "empty@d.test", "show_members", "yes"), 0);
    ck_assert_str_eq(shown_for("team@d.test"),
                     "inner@d.test: bob@d.test x@far.test "
                     "team@d.test: alice@d.test bob@d.test x@far.test sales@d.test x@far.test ");
    ck_assert_str_eq(shown_for("empty@d.test"), "");
    ck_assert_str_eq(expand("empty@d.test"), "F 5.2.4");
    test_close();
}
END_TEST

START_TEST(a_group_with_more_than_fits_is_shown_as_itself)
{
    char member[100];

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_GROUP, "many@d.test", "show_members", "yes"), 0);
    for (int i = 0; i < ACCOUNTD_SHOWN_MAX / 64; i++) {
        (void)snprintf(member, sizeof(member), "%054d@far.test", i); /* 63 bytes, and its LF */
        ck_assert_uint_eq(test_member("many@d.test", member), 0);
    }
    ck_assert_uint_eq(strlen(member), 63);
    ck_assert_str_ne(shown_for("many@d.test"), "");
    ck_assert_uint_eq(test_member("many@d.test", "z@far.test"), 0);
    ck_assert_str_eq(shown_for("many@d.test"), "");
    test_close();
}
END_TEST

int
main(void)
{
    TCase *tc = tcase_create("expand");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, aliases_and_groups_lead_to_each_target_once);
    tcase_add_test(tc, forwarding_keeps_or_passes_on);
    tcase_add_test(tc, forwarding_mailboxes_without_a_copy_are_named);
    tcase_add_test(tc, circles_of_forwards_lose_nothing);
    tcase_add_test(tc, one_target_by_two_ways_comes_once);
    tcase_add_test(tc, a_forward_that_is_not_allowed_is_not_obeyed);
    tcase_add_test(tc, a_way_that_is_too_long_ends);
    tcase_add_test(tc, unknown_mailboxes_follow_the_domain);
    tcase_add_loop_test(tc, unknown_mailboxes_leave_a_trace, 0, 2);
    tcase_add_test(tc, disabled_mailboxes_fail);
    tcase_add_loop_test(tc, mailboxes_take_from_whom_they_say, 0, (int)ARRAY_LEN(received));
    tcase_add_test(tc, targets_tell_how_they_were_reached);
    tcase_add_test(tc, a_large_group_comes_whole);
    tcase_add_loop_test(tc, forwarded_mail_gets_a_sender_of_ours, 0, (int)ARRAY_LEN(forwards));
    tcase_add_test(tc, bounces_and_nothing_else_go_on_to_the_sender);
    tcase_add_test(tc, groups_are_shown_by_their_members);
    tcase_add_test(tc, a_group_with_more_than_fits_is_shown_as_itself);
    return test_run(suite_create("expand"), tc);
}
