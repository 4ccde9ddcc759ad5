/*
 * t/unit/test_mechanisms.c - lib/auth/mechanisms: what a connection is offered.
 */
#include <check.h>
#include <stdlib.h>

#include "lib/auth/mechanisms.h"

static const struct {
    const char *conf;
    bool tls, binding, plain_allowed;
    const char *offered;
    bool login;
} cases[] = {
    {"", false, false, false, "SCRAM-SHA-256 SCRAM-SHA-1", false},
    {"", false, true, false, "SCRAM-SHA-256 SCRAM-SHA-1", false},
    {"", false, false, true, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", true},
    {"", true, false, false, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", true},
    {"", true, true, false, "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", true},
    {"[auth]\nmechanisms = PLAIN, SCRAM-SHA-256\n", true, true, false, "PLAIN SCRAM-SHA-256", true},
    {"[auth]\nmechanisms = PLAIN\n", false, false, false, "", false},
    {"[auth]\nmechanisms = SCRAM-SHA-256-PLUS\n", true, false, true, "", false},
    {"[auth]\nmechanisms = LOGIN\n", true, true, true, "LOGIN", false},
    {"[auth]\nmechanisms =\n", true, true, true, "", false},
};

static struct mechanisms *
mechanisms_of(const char *text)
{
    struct strbuf errors = strbuf_new(1000);
    struct conf *conf = conf_parse(slice_of(text), "x", &errors);
    struct mechanisms *m;

    ck_assert_msg(conf != NULL, "%s", strbuf_cstr(&errors));
    m = mechanisms_new(conf);
    conf_free(&conf);
    strbuf_free(&errors);
    return m;
}

START_TEST(a_connection_is_offered_what_it_can_carry)
{
    struct mechanisms *m = mechanisms_of(cases[_i].conf);

    ck_assert_str_eq(
        mechanisms_offered(m, cases[_i].tls, cases[_i].binding, cases[_i].plain_allowed),
        cases[_i].offered);
    ck_assert_int_eq(mechanisms_login_allowed(m, cases[_i].tls, cases[_i].plain_allowed),
                     cases[_i].login);
    mechanisms_free(&m);
}
END_TEST

START_TEST(only_what_is_listed_is_on)
{
    struct mechanisms *m = mechanisms_of("[auth]\nmechanisms = SCRAM-SHA-256 LOGIN\n");

    ck_assert(mechanisms_enabled(m, SLICE("login")));
    ck_assert(mechanisms_enabled(m, SLICE("SCRAM-SHA-256")));
    ck_assert(!mechanisms_enabled(m, SLICE("SCRAM-SHA-256-PLUS")));
    ck_assert(!mechanisms_enabled(m, SLICE("PLAIN")));
    ck_assert(!mechanisms_enabled(m, SLICE("")));
    mechanisms_free(&m);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("mechanisms");
    TCase *tc = tcase_create("mechanisms");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, a_connection_is_offered_what_it_can_carry, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tc, only_what_is_listed_is_on);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
