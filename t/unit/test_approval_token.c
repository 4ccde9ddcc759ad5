/* lib/queue/approval_token: a token comes back, and no other one is genuine. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/queue/approval_token.h"

static const char key[APPROVAL_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const char other[APPROVAL_KEY_SIZE] = "0123456789abcdef0123456789abcdf";

static void
make(char out[APPROVAL_TOKEN_MAX + 1], bool approve, unsigned approver)
{
    struct approval_token t = {
        .approve = approve, .id = "0gT3kQm1aXb9ZyR", .approver = approver, .expires_s = 1795750000};

    ck_assert_int_eq(approval_token_make(&t, key, out), 0);
}

START_TEST(tokens_come_back)
{
    char text[APPROVAL_TOKEN_MAX + 1];
    struct approval_token t;

    make(text, _i % 2 == 0, (unsigned)_i);
    ck_assert_uint_le(strlen(text), 64);
    ck_assert_int_eq(approval_token_parse(slice_of(text), &t), 0);
    ck_assert(t.approve == (_i % 2 == 0));
    ck_assert_str_eq(t.id, "0gT3kQm1aXb9ZyR");
    ck_assert_uint_eq(t.approver, (unsigned)_i);
    ck_assert_int_eq(t.expires_s, 1795750000);
    ck_assert(approval_token_is_genuine(slice_of(text), key));
    ck_assert(!approval_token_is_genuine(slice_of(text), other));
}
END_TEST

/* Whichever character is another one. */
START_TEST(no_other_text_is_genuine)
{
    char text[APPROVAL_TOKEN_MAX + 1];

    make(text, true, 3);
    for (size_t i = 0; i < strlen(text); i++) {
        char was = text[i];

        text[i] = was == '1' ? '2' : '1';
        ck_assert(!approval_token_is_genuine(slice_of(text), key));
        text[i] = was;
    }
    ck_assert(!approval_token_is_genuine(slice_make(text, strlen(text) - 1), key));
    make(text, false, 3);
    memcpy(text, "approv", 6); /* as long as "refuse": no longer a verdict, and not signed */
    ck_assert(!approval_token_is_genuine(slice_of(text), key));
}
END_TEST

#define MAC "pk0q7Fh2m0mJcV1v3b_N-w"
static const struct {
    const char *text;
    bool right;
} forms[] = {
    {"approve.0gT3kQm1aXb9ZyR.2.6928a1f0." MAC, true},
    {"refuse.a.99.00000000." MAC, true},
    {"approve.0gT3kQm1aXb9ZyR.02.6928a1f0." MAC, false},
    {"approve.0gT3kQm1aXb9ZyR.100.6928a1f0." MAC, false},
    {"approve.0gT3kQm1aXb9ZyR.2.6928A1F0." MAC, false},
    {"approve.0gT3kQm1aXb9ZyR.2.928a1f0." MAC, false},
    {"approve.a.2.6928a1f06928a1f06928a1f0." MAC, false},
    {"approve..2.6928a1f0." MAC, false},
    {"approve.../x.2.6928a1f0." MAC, false},
    {"Approve.0gT3kQm1aXb9ZyR.2.6928a1f0." MAC, false},
    {"approve.0gT3kQm1aXb9ZyR.2.6928a1f0." MAC "x", false},
    {"approve.0gT3kQm1aXb9ZyR.2.6928a1f0." MAC ".x", false},
    {"approve.0gT3kQm1aXb9ZyR.2.6928a1f0.pk0q7Fh2m0mJcV1v3b+N-w", false},
    {"approve", false},
    {"", false},
};

START_TEST(forms_are_checked)
{
    struct approval_token t;

    ck_assert_int_eq(approval_token_parse(slice_of(forms[_i].text), &t), forms[_i].right ? 0 : -1);
}
END_TEST

START_TEST(addresses_have_our_host)
{
    struct slice text;

    ck_assert(approval_token_in_address(SLICE("refuse.a.9.00000000." MAC "@Mail.d.test"),
                                        "mail.d.test", &text));
    ck_assert(slice_eq(text, SLICE("refuse.a.9.00000000." MAC)));
    ck_assert(!approval_token_in_address(SLICE("refuse.a.9.00000000." MAC "@d.test"), "mail.d.test",
                                         &text));
    ck_assert(!approval_token_in_address(SLICE("bob@mail.d.test"), "mail.d.test", &text));
    ck_assert(!approval_token_in_address(SLICE("postmaster"), "mail.d.test", &text));
}
END_TEST

START_TEST(a_long_id_has_no_token)
{
    struct approval_token t = {.id = "0123456789012345678901234567890"};
    char text[APPROVAL_TOKEN_MAX + 1];

    ck_assert_int_eq(approval_token_make(&t, key, text), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("approval_token");
    TCase *tc = tcase_create("approval_token");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, tokens_come_back, 0, 16);
    tcase_add_test(tc, no_other_text_is_genuine);
    tcase_add_loop_test(tc, forms_are_checked, 0, (int)ARRAY_LEN(forms));
    tcase_add_test(tc, addresses_have_our_host);
    tcase_add_test(tc, a_long_id_has_no_token);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
