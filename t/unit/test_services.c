/*
 * t/unit/test_services.c - lib/conf/services: the built-in table, and what is refused.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/services.h"

START_TEST(the_built_in_table_names_every_service)
{
    static const char *const names[] = {
        "log",   "dns",    "key",  "local", "account", "auth",    "queue", "remote",
        "sts",   "filter", "smtp", "imap",  "pop3",    "archive", "ldap",  "directory",
        "admin", "acme",   "sync", "alert", "figures", "metrics", "block"};
    struct strbuf errors = strbuf_new(4096);
    struct services *s = services_parse(slice_of(services_default_text), "services.conf", &errors);
    const struct service_row *smtp;

    ck_assert_str_eq(strbuf_cstr(&errors), "");
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->count, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_ptr_nonnull(services_find(s, names[i]));
    smtp = services_find(s, "smtp");
    ck_assert_str_eq(smtp->program, "smtpd");
    ck_assert_uint_eq(smtp->listen_count, 3);
    ck_assert_str_eq(smtp->listens[1].label, "submission");
    ck_assert_uint_eq(smtp->listens[1].port, 587);
    ck_assert(smtp->overlap);
    ck_assert(smtp->automatic);
    ck_assert(services_find(s, "log")->socket.is_datagram);
    ck_assert(services_find(s, "admin")->always && services_find(s, "admin")->automatic);
    ck_assert(!smtp->always);
    services_free(&s);
    strbuf_free(&errors);
}
END_TEST

START_TEST(every_key_is_read)
{
    static const char text[] = "[x]\nprogram = xd\nuser = mail\nstartup = disabled\n"
                               "listen = a:1, b:65535\nbind = 192.0.2.1 ::1\n"
                               "socket = x.sock 0660 group=queue\ndatagrams = y.sock 0600\n"
                               "overlap = yes\n";
    struct strbuf errors = strbuf_new(4096);
    struct services *s = services_parse(slice_of(text), "s", &errors);
    struct conf *conf = conf_load(NULL, &errors);
    const struct service_row *x;
    const char *binds[4];

    ck_assert_str_eq(strbuf_cstr(&errors), "");
    x = services_find(s, "x");
    ck_assert_int_eq(x->user, USERS_MAIL);
    ck_assert(!x->automatic);
    ck_assert_uint_eq(x->listens[1].port, 65535);
    ck_assert_uint_eq(x->socket.mode, 0660);
    ck_assert_int_eq(x->socket.group, USERS_QUEUE);
    ck_assert(!x->socket.is_datagram);
    ck_assert(x->datagrams.is_datagram);
    ck_assert_str_eq(x->datagrams.name, "y.sock");
    ck_assert_uint_eq(service_binds(x, conf, binds, 4), 2);
    ck_assert_str_eq(binds[1], "::1");
    conf_free(&conf);
    services_free(&s);
    strbuf_free(&errors);
}
END_TEST

static const struct {
    const char *text, *error; /* what the message begins with */
} broken[] = {
    {"program = x\n", "s:1: expected a [service]"},
    {"[a]\n", "s:1: [a] has no program"},
    {"[a]\nprogram = x\n[a]\nprogram = y\n", "s:3: [a] is there twice"},
    {"[A]\nprogram = x\n", "s:1: expected a section's name"},
    {"[a]\nprogram = ../x\n", "s:2: '../x': expected a name"},
    {"[a]\nprogram = x\nprogram = y\n", "s:3: 'program' is there twice"},
    {"[a]\nprogram = x\nuser = nobody\n", "s:3: 'nobody': expected the name of a setting"},
    {"[a]\nprogram = x\nstartup = manual\n", "s:3: startup: expected"},
    {"[a]\nprogram = x\nlisten = a:0\n", "s:3: listen: expected"},
    {"[a]\nprogram = x\nlisten = a:65536\n", "s:3: listen: expected"},
    {"[a]\nprogram = x\nlisten = 25\n", "s:3: listen: expected"},
    {"[a]\nprogram = x\nlisten = lmtp:24 lmtp:25\n", "s:3: listen: LMTP must not be on port 25"},
    {"[a]\nprogram = x\nbind = localhost\n", "s:3: bind: expected"},
    {"[a]\nprogram = x\nsocket = a.sock\n", "s:3: socket: expected an octal mode"},
    {"[a]\nprogram = x\nsocket = a.sock 0800\n", "s:3: socket: expected an octal mode"},
    {"[a]\nprogram = x\nsocket = a.sock 0600 stream\n", "s:3: socket: expected NAME MODE"},
    {"[a]\nprogram = x\noverlap = perhaps\n", "s:3: overlap: expected yes or no"},
    {"[a]\nprogram = x\ncolour = red\n", "s:3: 'colour': expected program"},
    {"[a]\nprogram = x\nsocket = a.sock 0600\n[b]\nprogram = y\nsocket = a.sock 0600\n",
     "s:4: [b] has the same socket as [a]"},
};

START_TEST(errors_name_file_line_and_what_was_expected)
{
    struct strbuf errors = strbuf_new(4096);

    ck_assert_ptr_null(services_parse(slice_of(broken[_i].text), "s", &errors));
    ck_assert_msg(strncmp(strbuf_cstr(&errors), broken[_i].error, strlen(broken[_i].error)) == 0,
                  "%s", strbuf_cstr(&errors));
    strbuf_free(&errors);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("services");
    TCase *tc = tcase_create("services");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, the_built_in_table_names_every_service);
    tcase_add_test(tc, every_key_is_read);
    tcase_add_loop_test(tc, errors_name_file_line_and_what_was_expected, 0, (int)ARRAY_LEN(broken));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
