/*
 * t/unit/test_recipient_replace.c - lib/mail/recipient_replace, lib/mail/header_shown.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/mail/header_shown.h"

static const char groups[] = "team@d.test\nalice@d.test\nx@far.test\n\n"
                             "\"the board\"@d.test\nbob@d.test\n\n"
                             "empty@d.test\n\n"
                             "one@d.test\n\"c d\"@d.test\n\n";

static const struct {
    const char *header, *changed; /* NULL: nothing is to be done */
} cases[] = {
    {"To: team@d.test\r\n\r\n", "To: alice@d.test,\r\n\tx@far.test\r\n\r\n"},
    {"To: \"The team\" (all) <Team@D.test> (us)\r\n\r\n",
     "To: alice@d.test,\r\n\tx@far.test\r\n\r\n"},
    {"To: z@d.test, Team <team@d.test>,\r\n y@d.test\r\nCc: one@d.test\r\n\r\n",
     "To: z@d.test, alice@d.test,\r\n\tx@far.test,\r\n y@d.test\r\nCc: \"c d\"@d.test\r\n\r\n"},
    {"CC: friends: team@d.test, b@d.test;\r\n\r\n",
     "CC: friends: alice@d.test,\r\n\tx@far.test, b@d.test;\r\n\r\n"},
    {"To: team@d.test, team@d.test\r\nCc: team@d.test\r\n\r\n",
     "To: alice@d.test,\r\n\tx@far.test, team@d.test\r\nCc: team@d.test\r\n\r\n"},
    {"To: \"team@d.test\" <a@d.test>\r\n\r\n", NULL},
    {"From: team@d.test\r\nBcc: team@d.test\r\nReply-To: team@d.test\r\n\r\n", NULL},
    {"To: team, empty@d.test, team@d.testing, xteam@d.test\r\n\r\n", NULL},
    {"To: team@d.test", "To: alice@d.test,\r\n\tx@far.test"},
    {"", NULL},
};

START_TEST(members_stand_in_place_of_their_group)
{
    struct slice header = slice_of(cases[_i].header);
    struct strbuf out = strbuf_new(RECIPIENT_REPLACE_MAX(header.len, sizeof(groups)));

    ck_assert_int_eq(recipient_replace(header, slice_of(groups), &out), cases[_i].changed != NULL);
    ck_assert_str_eq(strbuf_cstr(&out), cases[_i].changed == NULL ? "" : cases[_i].changed);
    strbuf_free(&out);
}
END_TEST

static bool
find_alice(const void *arg, struct slice local, struct slice domain, struct slice *with)
{
    (void)arg;
    (void)domain;
    *with = SLICE("office@d.test");
    return slice_eq(local, SLICE("alice"));
}

START_TEST(both_kinds_are_shown_together)
{
    const struct sender_rules rules = {find_alice, NULL};
    const struct header_shown both = {&rules, slice_of(groups)}, senders = {&rules, SLICE("")},
                              none = {NULL, SLICE("")};
    struct slice header = SLICE("From: alice@d.test\r\nTo: one@d.test\r\n\r\n");
    struct strbuf out = strbuf_new(HEADER_SHOWN_MAX(header.len, sizeof(groups)));

    ck_assert(header_shown_make(&both, header, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "From: office@d.test\r\nTo: \"c d\"@d.test\r\n\r\n");
    strbuf_clear(&out);
    ck_assert(header_shown_make(&senders, header, &out));
    ck_assert_str_eq(strbuf_cstr(&out), "From: office@d.test\r\nTo: one@d.test\r\n\r\n");
    strbuf_clear(&out);
    ck_assert(!header_shown_make(&none, header, &out));
    ck_assert_uint_eq(out.len, 0);
    strbuf_free(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("recipient_replace");
    TCase *tc = tcase_create("recipient_replace");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, members_stand_in_place_of_their_group, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, both_kinds_are_shown_together);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
