/*
 * t/unit/test_policy.c - lib/auth/policy: what a new password has to be like.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/made_up.h"
#include "lib/auth/policy.h"

static const struct {
    struct policy policy;
    const char *user, *password, *why; /* why NULL: it is taken */
} cases[] = {
    {{0}, "alice@d.test", "x", NULL},
    {{0}, "alice@d.test", "", "not usable"},
    {{0}, "alice@d.test", "with\ttab", "not usable"},
    {{.min_length = 8}, "alice@d.test", "1234567", "8 characters"},
    {{.min_length = 8}, "alice@d.test", "12345678", NULL},
    /* Characters, not bytes: seven and eight of two bytes each. */
    {{.min_length = 8}, "alice@d.test", "äääääää", "8 characters"},
    {{.min_length = 8}, "alice@d.test", "ääääääää", NULL},
    {{.classes = 2}, "alice@d.test", "lowercase", "expected 2 of"},
    {{.classes = 2}, "alice@d.test", "lower7", NULL},
    {{.classes = 4}, "alice@d.test", "Lower7", "expected 4 of"},
    {{.classes = 4}, "alice@d.test", "Lower7!", NULL},
    {{.classes = 4}, "alice@d.test", "Lower7ä", NULL},
    {{.no_name = true}, "alice@d.test", "my-ALICE-9", "name"},
    {{.no_name = true}, "alice@d.test", "my-alic-e9", NULL},
    {{.no_name = true}, "\xc3\x84nne@d.test", "x\xc3\xa4NNEx", "name"},
    {{.no_name = false}, "alice@d.test", "alice", NULL},
    /* A short name is a part of many words: it may not be the whole password. */
    {{.no_name = true}, "al@d.test", "altogether", NULL},
    {{.no_name = true}, "al@d.test", "AL", "name"},
    {{.no_name = true}, "admin", "admin123", "name"},
};

START_TEST(a_password_is_judged_by_each_rule)
{
    struct strbuf why = strbuf_new(500);
    int rc = policy_check(&cases[_i].policy, slice_of(cases[_i].user), slice_of(cases[_i].password),
                          &why);

    ck_assert_msg(rc == (cases[_i].why == NULL ? 0 : -1), "%s", cases[_i].password);
    if (rc < 0)
        ck_assert_msg(strstr(strbuf_cstr(&why), cases[_i].why) != NULL, "%s", strbuf_cstr(&why));
    if (rc < 0 && strlen(cases[_i].password) > 4)
        ck_assert_ptr_null(strstr(strbuf_cstr(&why), cases[_i].password));
    strbuf_free(&why);
}
END_TEST

START_TEST(case_does_not_count_in_any_script)
{
    struct strbuf a = strbuf_new(100), b = strbuf_new(100);

    ck_assert_int_eq(policy_fold(SLICE("STRASSE-\xce\xa3"), &a), 0);
    ck_assert_int_eq(policy_fold(SLICE("stra\xc3\x9f"
                                       "e-\xcf\x82"),
                                 &b),
                     0);
    ck_assert(slice_eq(strbuf_slice(&a), strbuf_slice(&b)));
    ck_assert_int_eq(policy_fold(SLICE("\xff"), &a), -1);
    strbuf_free(&a);
    strbuf_free(&b);
}
END_TEST

static const struct {
    const char *history, *record;
    unsigned keep;
    const char *after;
} pushes[] = {
    {"", "{YESCRYPT}$y$1 {SCRAM-SHA-256}1,b,c,d", 2, "{YESCRYPT}$y$1"},
    {"{YESCRYPT}$y$1", "{YESCRYPT}$y$2", 2, "{YESCRYPT}$y$2 {YESCRYPT}$y$1"},
    {"{YESCRYPT}$y$2 {YESCRYPT}$y$1", "{YESCRYPT}$y$3", 2, "{YESCRYPT}$y$3 {YESCRYPT}$y$2"},
    {"{YESCRYPT}$y$2 {YESCRYPT}$y$1", "{YESCRYPT}$y$3", 0, ""},
    {"{YESCRYPT}$y$1", "", 3, "{YESCRYPT}$y$1"},
    /* Cleartext does not outlive the password. */
    {"{YESCRYPT}$y$1", "{PLAIN}the secret", 3, "{YESCRYPT}$y$1"},
    {"", "$6$salt$hash", 3, "$6$salt$hash"},
};

START_TEST(a_history_is_short_and_newest_first)
{
    struct strbuf out = strbuf_new(2048);

    policy_old_push(slice_of(pushes[_i].history), slice_of(pushes[_i].record), pushes[_i].keep,
                    &out);
    ck_assert_str_eq(strbuf_cstr(&out), pushes[_i].after);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_history_drops_the_oldest_where_there_is_no_room)
{
    struct strbuf out = strbuf_new(20);
    struct slice rest, record;

    policy_old_push(SLICE("{MD5}bbbb {MD5}cccc"), SLICE("{MD5}aaaa"), 16, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "{MD5}aaaa {MD5}bbbb");
    rest = strbuf_slice(&out);
    ck_assert(policy_old_next(&rest, &record) && slice_eq(record, SLICE("{MD5}aaaa")));
    ck_assert(policy_old_next(&rest, &record) && slice_eq(record, SLICE("{MD5}bbbb")));
    ck_assert(!policy_old_next(&rest, &record));
    strbuf_free(&out);
}
END_TEST

START_TEST(what_is_made_up_keeps_each_rule)
{
    static const unsigned lengths[] = {0, 8, MADE_UP_LEN, 33, POLICY_LENGTH_MAX};
    struct policy all = {.classes = POLICY_CLASSES, .no_name = true};
    struct strbuf made = strbuf_new(MADE_UP_MAX), before = strbuf_new(MADE_UP_MAX),
                  why = strbuf_new(500);

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        all.min_length = lengths[i];
        strbuf_clear(&made);
        made_up_password(lengths[i], &made);
        ck_assert_uint_eq(made.len, lengths[i] < MADE_UP_LEN ? MADE_UP_LEN : lengths[i]);
        ck_assert_int_eq(policy_check(&all, SLICE("alice@d.test"), strbuf_slice(&made), &why), 0);
        ck_assert(!slice_eq(strbuf_slice(&made), strbuf_slice(&before)));
        strbuf_clear(&before);
        (void)strbuf_append(&before, strbuf_slice(&made));
    }
    strbuf_free(&made);
    strbuf_free(&before);
    strbuf_free(&why);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("policy");
    TCase *tc = tcase_create("policy");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_loop_test(tc, a_password_is_judged_by_each_rule, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, case_does_not_count_in_any_script);
    tcase_add_loop_test(tc, a_history_is_short_and_newest_first, 0, (int)ARRAY_LEN(pushes));
    tcase_add_test(tc, a_history_drops_the_oldest_where_there_is_no_room);
    tcase_add_test(tc, what_is_made_up_keeps_each_rule);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
