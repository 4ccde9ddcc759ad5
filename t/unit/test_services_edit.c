/*
 * t/unit/test_services_edit.c - one line of services.conf is changed, and nothing else.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/conf/services_edit.h"

#define FILE_TEXT                                                                                  \
    "# services\n\n[pop3]\nprogram = pop3d\nlisten = pop3:110  # plain\n\n# "                      \
    "next\n[imap]\nprogram = imapd\n"

static const struct {
    const char *text, *section, *key, *value, *after; /* NULL: refused */
} cases[] = {
    {FILE_TEXT, "pop3", "listen", "pop3:111",
     "# services\n\n[pop3]\nprogram = pop3d\nlisten = pop3:111  # plain\n\n# next\n[imap]\nprogram "
     "= "
     "imapd\n"},
    {FILE_TEXT, "pop3", "startup", "disabled",
     "# services\n\n[pop3]\nprogram = pop3d\nlisten = pop3:110  # plain\nstartup = disabled\n\n# "
     "next\n[imap]\nprogram = imapd\n"},
    {FILE_TEXT, "pop3", "listen", "",
     "# services\n\n[pop3]\nprogram = pop3d\n\n# next\n[imap]\nprogram = imapd\n"},
    {FILE_TEXT, "pop3", "startup", "", FILE_TEXT},
    {"[imap]", "imap", "startup", "always", "[imap]\nstartup = always\n"},
    {"[imap]\nbind = a", "imap", "bind", "b # c", "[imap]\nbind = \"b # c\"\n"},
    {FILE_TEXT, "ldap", "startup", "always", NULL},
    {FILE_TEXT, "imap", "startup", "always\nprogram = sh", NULL},
    {FILE_TEXT, "imap", "startup", "al\rways", NULL},
};

START_TEST(one_line_changes_and_the_rest_stays)
{
    struct strbuf text = strbuf_new(4096), errors = strbuf_new(4096);
    int rc;

    (void)strbuf_str(&text, cases[_i].text);
    rc = services_edit(&text, cases[_i].section, cases[_i].key, slice_of(cases[_i].value), &errors);
    ck_assert_int_eq(rc, cases[_i].after == NULL ? -1 : 0);
    ck_assert_str_eq(strbuf_cstr(&text),
                     cases[_i].after == NULL ? cases[_i].text : cases[_i].after);
    ck_assert_int_eq(errors.len > 0, cases[_i].after == NULL);
    strbuf_free(&text);
    strbuf_free(&errors);
}
END_TEST

START_TEST(a_text_that_grows_too_long_is_refused)
{
    struct strbuf text = strbuf_new(30), errors = strbuf_new(4096);

    (void)strbuf_str(&text, "[imap]\nprogram = imapd\n");
    ck_assert_int_eq(services_edit(&text, "imap", "startup", SLICE("automatic-and-more"), &errors),
                     -1);
    strbuf_free(&text);
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("services_edit");
    TCase *tc = tcase_create("services_edit");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, one_line_changes_and_the_rest_stays, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tc, a_text_that_grows_too_long_is_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
