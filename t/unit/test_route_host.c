/*
 * t/unit/test_route_host.c - servers as the administrator names them, the table of direct domains,
 * and the file of passwords.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/remote/direct.h"
#include "t/unit/scratch.h"

static const struct {
    const char *text;
    const char *name;
    uint16_t port;
    bool tls_at_once;
    const char *user;
} words[] = {
    {"relay.x", "relay.x", 25, false, NULL},
    {"relay.x:587", "relay.x", 587, false, NULL},
    {"192.0.2.1:30025", "192.0.2.1", 30025, false, NULL},
    {"192.0.2.1", "192.0.2.1", 25, false, NULL},
    {"[2001:db8::1]:26", "2001:db8::1", 26, false, NULL},
    {"[192.0.2.1]", "192.0.2.1", 25, false, NULL},
    {"2001:db8::1", "2001:db8::1", 25, false, NULL},
    {"smtp://relay.x", "relay.x", 25, false, NULL},
    {"SMTPS://relay.x", "relay.x", 465, true, NULL},
    {"smtps://relay.x:8465", "relay.x", 8465, true, NULL},
    {"alice@relay.x", "relay.x", 25, false, "alice"},
    {"alice@d.test@relay.x:587", "relay.x", 587, false, "alice@d.test"},
    {"smtps://alice@d.test@[2001:db8::1]:26", "2001:db8::1", 26, true, "alice@d.test"},
    {"smtps://a@relay.x;attempts=2;sender=b@d.test", "relay.x", 465, true, "a"},
    {"LMTP://127.0.0.1:24", "127.0.0.1", 24, false, NULL},
    {"lmtp://a@store.x:2424", "store.x", 2424, false, "a"},
    {"lmtp:unix:dovecot-lmtp;attempts=1", "dovecot-lmtp", 0, false, NULL},
};

START_TEST(words_for_servers_are_taken_apart)
{
    struct route_host host;

    ck_assert_ptr_null(route_host_parse(slice_of(words[_i].text), 25, &host));
    ck_assert_str_eq(host.name, words[_i].name);
    ck_assert_uint_eq(host.port, words[_i].port);
    ck_assert(host.tls_at_once == words[_i].tls_at_once);
    ck_assert(host.is_lmtp == (strncasecmp(words[_i].text, "lmtp", 4) == 0));
    ck_assert_pstr_eq(host.user, words[_i].user);
    ck_assert_uint_eq(host.attempts, strstr(words[_i].text, "attempts=2") != NULL   ? 2
                                     : strstr(words[_i].text, "attempts=1") != NULL ? 1
                                                                                    : 0);
    ck_assert_pstr_eq(host.sender, strstr(words[_i].text, "sender=") ? "b@d.test" : NULL);
    route_host_clear(&host);
}
END_TEST

static const char *const wrong_words[] = {
    "relay.x:",
    "relay.x:0",
    "relay.x:65536",
    "relay_x",
    "[2001:db8::1",
    "[2001:db8::1]26",
    "[2001:db8::1]:",
    "http://relay.x",
    "@relay.x",
    "alice@",
    "smtps://",
    "",
    "lmtp://store.x",
    "lmtp://store.x:25",
    "lmtp:unix:",
    "lmtp:unix:/run/x",
    "lmtp:unix:../x",
    "lmtp:unix:..",
    "relay.x;attempts=11",
    "relay.x;attempts=-1",
    "relay.x;sender=nobody",
    "relay.x;sender=<a@b.x>",
    "relay.x;sender=a@b.x;sender=c@d.x",
    "relay.x;tries=1",
    "relay.x;;attempts=1",
};

START_TEST(words_for_no_server_are_refused)
{
    struct route_host host;

    ck_assert_ptr_nonnull(route_host_parse(slice_of(wrong_words[_i]), 25, &host));
    ck_assert_ptr_null(host.name); /* and nothing is left to free */
    ck_assert_ptr_null(host.user);
}
END_TEST

static const struct {
    const char *line;
    bool right;
} lines[] = {
    {"d.test mx.x", true},
    {"d.test\tmx.x:26  smtps://a@b.x ", true},
    {"\xce\xb4.test lmtp:unix:store", true},
    {"d.test", false},
    {"d.test mx.x:0", false},
    {"-d.test mx.x", false},
    {"d.test a b c d e f g h i j k l m n o p", true},
    {"d.test a b c d e f g h i j k l m n o p q", false},
};

START_TEST(lines_of_the_table_are_checked)
{
    const char *expected = route_line_expected(slice_trim(slice_of(lines[_i].line)));

    ck_assert_msg((expected == NULL) == lines[_i].right, "%s: %s", lines[_i].line, expected);
}
END_TEST

static int
load(struct direct_table *table, const char *text, struct strbuf *error)
{
    static const struct list_kind kind = {route_line_expected};
    struct list_file *list = list_file_parse(slice_of(text), "table", &kind, error);
    int rc;

    ck_assert_msg(list != NULL, "%s", strbuf_cstr(error));
    rc = direct_load(table, list, 26, error);
    list_file_free(&list);
    return rc;
}

START_TEST(domains_are_found_however_they_are_written)
{
    struct strbuf error = strbuf_new(4096);
    struct direct_table table;
    const struct host_list *servers;

    ck_assert_int_eq(load(&table, "z.test one\nD.test two three:27\n\xce\xb4.test four\n", &error),
                     0);
    servers = direct_find(&table, SLICE("d.TEST"));
    ck_assert_ptr_nonnull(servers);
    ck_assert_uint_eq(servers->count, 2);
    ck_assert_str_eq(servers->hosts[0].route.name, "two");
    ck_assert_uint_eq(servers->hosts[0].route.port, 26);
    ck_assert_uint_eq(servers->hosts[1].route.port, 27);
    ck_assert_ptr_nonnull(direct_find(&table, SLICE("xn--pxa.test"))); /* the same in ASCII */
    ck_assert_ptr_null(direct_find(&table, SLICE("sub.d.test")));
    ck_assert_ptr_null(direct_find(&table, SLICE("[192.0.2.1]")));
    direct_free(&table);
    ck_assert_int_eq(load(&table, "d.test one\nD.test two\n", &error), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), "twice"));
    strbuf_free(&error);
}
END_TEST

static const struct {
    const char *text;
    mode_t mode;
    const char *password; /* NULL: refused */
    const char *error;
} files[] = {
    {"relay.x a@b secret\n", 0600, "secret", NULL},
    {"# comment\n\n  RELAY.X\ta@b \t two words \r\nother.x c d\n", 0400, "two words", NULL},
    {"other.x a@b wrong\nrelay.x a@b secret\nplain.x a@b wrong\n", 0600, "secret", NULL},
    {"other.x a@b secret\n", 0600, NULL, "no password for"},
    {"relay.x a@b secret\n", 0640, NULL, "chmod 600"},
    {"relay.x a@b secret\n", 0604, NULL, "chmod 600"},
    {"relay.x A@B secret\n", 0600, NULL, "no password for user a@b at relay.x"},
    {"", 0600, NULL, "no password for"},
    {"\nrelay.x a@b\n", 0600, NULL, ":2: expected HOST USER PASSWORD"},
    {NULL, 0, NULL, "No such file"},
};

START_TEST(passwords_come_from_a_private_file)
{
    struct strbuf error = strbuf_new(4096);
    struct host hosts[2] = {{.password = NULL}};
    struct secret_place place = {.kind = secret_kind_find(REMOTE_RELAY_PASSWORDS)};
    char path[200];
    int rc;

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/passwords", scratch_dir);
    if (files[_i].text != NULL) {
        ck_assert_int_eq(replace_file(AT_FDCWD, path, slice_of(files[_i].text), 0600), 0);
        ck_assert_int_eq(chmod(path, files[_i].mode), 0);
    }
    ck_assert_ptr_null(route_host_parse(SLICE("a@b@relay.x"), 25, &hosts[0].route));
    ck_assert_ptr_null(route_host_parse(SLICE("plain.x"), 25, &hosts[1].route));
    place.path = path;
    ck_assert_int_eq(passwords_read(&hosts[1], 1, &place, &error), 0);
    rc = passwords_read(hosts, 2, &place, &error);
    scratch_remove();
    if (files[_i].password == NULL) {
        ck_assert_int_eq(rc, -1);
        ck_assert_ptr_nonnull(strstr(strbuf_cstr(&error), files[_i].error));
        ck_assert_ptr_null(strstr(strbuf_cstr(&error), "secret"));
    } else {
        ck_assert_msg(rc == 0, "%s", strbuf_cstr(&error));
        ck_assert_str_eq(hosts[0].login.user, "a@b");
        ck_assert_str_eq(hosts[0].login.password, files[_i].password);
        ck_assert_ptr_null(hosts[1].login.user);
    }
    for (size_t i = 0; i < 2; i++)
        host_clear(&hosts[i]);
    strbuf_free(&error);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("route_host");
    TCase *tc = tcase_create("route_host");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, words_for_servers_are_taken_apart, 0, (int)ARRAY_LEN(words));
    tcase_add_loop_test(tc, words_for_no_server_are_refused, 0, (int)ARRAY_LEN(wrong_words));
    tcase_add_loop_test(tc, lines_of_the_table_are_checked, 0, (int)ARRAY_LEN(lines));
    tcase_add_test(tc, domains_are_found_however_they_are_written);
    tcase_add_loop_test(tc, passwords_come_from_a_private_file, 0, (int)ARRAY_LEN(files));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
