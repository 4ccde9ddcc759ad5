/*
 * t/unit/test_account_password.c - lib/account: rules of passwords, their history and age, and the
 * dictionary.
 */
#include "t/unit/account_base.h"

#include "lib/account/dictionary.h"
#include "lib/account/password_rules.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct account_hit
alice(void)
{
    struct account_hit hit = account_hit_new();

    ck_assert_int_eq(account_find_exact(&test_base, SLICE("alice@d.test"), &hit), ACCOUNT_FOUND);
    return hit;
}

static uint32_t
passwd(const char *record)
{
    test_begin();
    return test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"), SLICE(""),
                                     slice_of(record)));
}

START_TEST(a_user_has_the_domains_rules_unless_there_are_own_ones)
{
    struct account_hit hit;
    struct password_rules rules;

    test_populate();
    hit = alice();
    rules = password_rules_of(&hit.domain, &hit.entry);
    ck_assert_uint_eq(rules.policy.min_length, 8);
    ck_assert(rules.policy.no_name && !rules.change_first);
    account_hit_free(&hit);

    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_min_length", "12"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_change_first", "yes"), 0);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password_no_name", "no"), 0);
    hit = alice(); /* at once, also for users who were there before */
    rules = password_rules_of(&hit.domain, &hit.entry);
    ck_assert_uint_eq(rules.policy.min_length, 12);
    ck_assert(!rules.policy.no_name && rules.change_first);
    account_hit_free(&hit);

    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password_min_length", "0"), 0);
    hit = alice();
    ck_assert_uint_eq(password_rules_of(&hit.domain, &hit.entry).policy.min_length, 0);
    account_hit_free(&hit);
    test_close();
}
END_TEST

START_TEST(old_passwords_are_kept_as_long_as_the_rule_says)
{
    struct account_hit hit;

    test_populate();
    ck_assert_uint_eq(passwd("{A}1"), 0);
    ck_assert_uint_eq(passwd("{MD5}aaaa"), 0);
    hit = alice();
    ck_assert_uint_eq(record_get(&hit.entry, USER_PASSWORD_OLD).len,
                      0); /* no history is asked for */
    account_hit_free(&hit);
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_history", "3"), 0);
    ck_assert_uint_eq(passwd("{MD5}bbbb"), 0);
    ck_assert_uint_eq(passwd("{MD5}cccc"), 0);
    ck_assert_uint_eq(passwd("{MD5}dddd"), 0);
    hit = alice(); /* three with the present one */
    ck_assert(slice_eq(record_get(&hit.entry, USER_PASSWORD_OLD), SLICE("{MD5}cccc {MD5}bbbb")));
    account_hit_free(&hit);
    /* A better record of the same password is no new password. */
    test_begin();
    ck_assert_uint_eq(test_end(account_password(&test_edit, ACCOUNT_USER, SLICE("alice@d.test"),
                                                SLICE("{MD5}dddd"), SLICE("{MD5}better"))),
                      0);
    hit = alice();
    ck_assert(slice_eq(record_get(&hit.entry, USER_PASSWORD_OLD), SLICE("{MD5}cccc {MD5}bbbb")));
    account_hit_free(&hit);
    test_close();
}
END_TEST

static enum password_state
state_after(unsigned days)
{
    struct account_hit hit = alice();
    enum password_state state =
        password_state_of(&hit.domain, &hit.entry, TEST_NOW_MS + days * DAY_MS);

    account_hit_free(&hit);
    return state;
}

START_TEST(a_password_gets_too_old)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_max_age", "30"), 0);
    ck_assert_int_eq(state_after(31), PASSWORD_STATE_GOOD); /* there is none */
    ck_assert_uint_eq(passwd("{MD5}aaaa"), 0);
    ck_assert_int_eq(state_after(29), PASSWORD_STATE_GOOD);
    ck_assert_int_eq(state_after(30), PASSWORD_STATE_OLD);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password_max_age", "0"), 0);
    ck_assert_int_eq(state_after(30), PASSWORD_STATE_GOOD);
    test_close();
}
END_TEST

START_TEST(an_administrators_choice_has_to_be_changed_the_users_not)
{
    test_populate();
    ck_assert_uint_eq(test_set(ACCOUNT_DOMAIN, "d.test", "password_change_first", "yes"), 0);
    ck_assert_uint_eq(passwd("{MD5}aaaa"), 0);
    ck_assert_int_eq(state_after(0), PASSWORD_STATE_DUE);
    test_edit.by_owner = true;
    ck_assert_uint_eq(passwd("{MD5}bbbb"), 0);
    ck_assert_int_eq(state_after(0), PASSWORD_STATE_GOOD);
    ck_assert_uint_eq(test_set(ACCOUNT_USER, "alice@d.test", "password_change_due", "yes"), 0);
    ck_assert_int_eq(state_after(0), PASSWORD_STATE_DUE);
    test_close();
}
END_TEST

/* ---- the dictionary ---- */

static uint32_t
import(const char *text, uint64_t *added)
{
    *added = 0;
    test_begin();
    return test_end(dictionary_import(&test_edit, slice_of(text), 7, added));
}

START_TEST(words_are_found_in_any_case)
{
    uint64_t added;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_WORD, "Letmein", NULL, NULL), 0);
    ck_assert_uint_eq(test_add(ACCOUNT_WORD, "LETMEIN", NULL, NULL), DICTIONARY_EXISTS);
    ck_assert_int_eq(dictionary_has(&test_base, SLICE("lEtMeIn")), 1);
    ck_assert_int_eq(dictionary_has(&test_base, SLICE("letmein1")), 0);
    ck_assert_uint_eq(import("one\r\n# two\n\nletmein\nthree", &added), 0);
    ck_assert_uint_eq(added, 2);
    ck_assert_int_eq(dictionary_has(&test_base, SLICE("Three")), 1);
    ck_assert_uint_eq(test_del(ACCOUNT_WORD, "letMEin"), 0);
    ck_assert_uint_eq(test_del(ACCOUNT_WORD, "letmein"), DICTIONARY_NO_SUCH);
    ck_assert_int_eq(dictionary_has(&test_base, SLICE("letmein")), 0);
    test_close();
}
END_TEST

START_TEST(a_bad_line_is_named_and_nothing_is_taken)
{
    uint64_t added;

    test_populate();
    ck_assert_uint_eq(import("fine\ntwo words\n", &added), ACCOUNT_BAD_PARAMETER);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&test_result.text), "line 8"));
    ck_assert_int_eq(dictionary_has(&test_base, SLICE("fine")), 0);
    test_close();
}
END_TEST

static int
count_word(void *arg, struct slice word)
{
    (void)word;
    *(unsigned *)arg += 1;
    return 0;
}

START_TEST(only_words_that_are_newer_are_tried)
{
    struct strbuf last = strbuf_new(200);
    unsigned count = 0;

    test_populate();
    ck_assert_uint_eq(test_add(ACCOUNT_WORD, "old", NULL, NULL), 0);
    test_edit.now_ms += DAY_MS;
    ck_assert_uint_eq(test_add(ACCOUNT_WORD, "new", NULL, NULL), 0);
    ck_assert_int_eq(dictionary_each_since(&test_base, SLICE(""), SLICE("2027-01-16T00:00:00Z"), 10,
                                           count_word, &count, &last),
                     0);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(
        dictionary_each_since(&test_base, SLICE(""), SLICE(""), 1, count_word, &count, &last), 1);
    ck_assert_str_eq(strbuf_cstr(&last), "new");
    ck_assert_int_eq(dictionary_each_since(&test_base, strbuf_slice(&last), SLICE(""), 10,
                                           count_word, &count, &last),
                     0);
    ck_assert_uint_eq(count, 3);
    strbuf_free(&last);
    test_close();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("account_password");
    TCase *tc = tcase_create("account_password");

    tcase_add_test(tc, a_user_has_the_domains_rules_unless_there_are_own_ones);
    tcase_add_test(tc, old_passwords_are_kept_as_long_as_the_rule_says);
    tcase_add_test(tc, a_password_gets_too_old);
    tcase_add_test(tc, an_administrators_choice_has_to_be_changed_the_users_not);
    tcase_add_test(tc, words_are_found_in_any_case);
    tcase_add_test(tc, a_bad_line_is_named_and_nothing_is_taken);
    tcase_add_test(tc, only_words_that_are_newer_are_tried);
    return test_run(s, tc);
}
