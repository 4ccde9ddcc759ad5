/*
 * t/unit/test_tls_roles.c - keyd/tls_roles: to whom an old port gives signatures of old handshakes.
 */
// LINK: keyd/tls_roles.c
#include <check.h>
#include <stdlib.h>

#include "keyd/tls_roles.h"
#include "lib/base/mem.h"
#include "lib/base/strbuf.h"

static struct conf *
conf_with(const char *ports)
{
    struct strbuf text = strbuf_new(1000), errors = strbuf_new(1000);
    struct conf *conf;

    (void)strbuf_printf(&text, "[tls]\nold_ports = %s\n", ports);
    conf = conf_parse(strbuf_slice(&text), "f", &errors);
    ck_assert_msg(conf != NULL, "%s", strbuf_cstr(&errors));
    strbuf_free(&text);
    strbuf_free(&errors);
    return conf;
}

static const struct {
    const char *ports;
    bool old[TLS_ROLES]; /* smtp, mail, admin, ldap, metrics */
} cases[] = {
    {"smtp", {true}},
    {"submission", {true}},
    {"smtps", {true}},
    {"lmtp odmr", {true}},
    {"imap", {false, true}},
    {"imaps", {false, true}},
    {"pop3", {false, true}},
    {"pop3s", {false, true}},
    {"admin", {false, false, true}},
    {"ldap", {false, false, false, true}},
    {"ldaps", {false, false, false, true}},
    {"metrics", {false, false, false, false, true}},
    {"smtps pop3", {true, true}},
};

START_TEST(an_exception_is_for_the_user_of_its_port_alone)
{
    struct conf *conf = conf_with(cases[_i].ports);

    for (size_t i = 0; i < TLS_ROLES; i++)
        ck_assert_msg(tls_role_speaks_old(conf, tls_roles[i]) == cases[_i].old[i], "%s: %zu",
                      cases[_i].ports, i);
    conf_free(&conf);
}
END_TEST

/* Each label that the setting takes belongs to somebody. */
START_TEST(no_port_is_forgotten)
{
    const char *choices = conf_settings[TLS_OLD_PORTS].choices;
    struct slice rest = slice_of(choices);

    while (rest.len > 0) {
        struct strbuf label = strbuf_new(100);
        struct conf *conf;
        unsigned owners = 0;

        (void)strbuf_append(&label, slice_split(&rest, '|'));
        conf = conf_with(strbuf_cstr(&label));
        for (size_t i = 0; i < TLS_ROLES; i++)
            owners += tls_role_speaks_old(conf, tls_roles[i]);
        ck_assert_msg(owners == 1, "%s", strbuf_cstr(&label));
        conf_free(&conf);
        strbuf_free(&label);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls_roles");
    TCase *tc = tcase_create("core");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tc, an_exception_is_for_the_user_of_its_port_alone, 0,
                        (int)ARRAY_LEN(cases));
    tcase_add_test(tc, no_port_is_forgotten);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
