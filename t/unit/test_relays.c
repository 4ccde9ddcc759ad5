/*
 * t/unit/test_relays.c - remote-deliver: the list of relay hosts and the file of their passwords.
 */
// LINK: remote-deliver/relays.c
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "remote-deliver/relays.h"
#include "t/unit/scratch.h"

static const struct {
    const char *text;
    int rc;
    const char *name;
    uint16_t port;
    bool tls_at_once;
    const char *user;
} relays[] = {
    {"relay.x", 0, "relay.x", 25, false, ""},
    {"relay.x:587", 0, "relay.x", 587, false, ""},
    {"192.0.2.1:30025", 0, "192.0.2.1", 30025, false, ""},
    {"192.0.2.1", 0, "192.0.2.1", 25, false, ""},
    {"[2001:db8::1]:26", 0, "2001:db8::1", 26, false, ""},
    {"[192.0.2.1]", 0, "192.0.2.1", 25, false, ""},
    {"2001:db8::1", 0, "2001:db8::1", 25, false, ""},
    {"smtp://relay.x", 0, "relay.x", 25, false, ""},
    {"SMTPS://relay.x", 0, "relay.x", 465, true, ""},
    {"smtps://relay.x:8465", 0, "relay.x", 8465, true, ""},
    {"alice@relay.x", 0, "relay.x", 25, false, "alice"},
    {"alice@d.test@relay.x:587", 0, "relay.x", 587, false, "alice@d.test"},
    {"smtps://alice@d.test@[2001:db8::1]:26", 0, "2001:db8::1", 26, true, "alice@d.test"},
    {"relay.x:", -1, NULL, 0, false, NULL},
    {"relay.x:0", -1, NULL, 0, false, NULL},
    {"relay.x:65536", -1, NULL, 0, false, NULL},
    {"relay_x", -1, NULL, 0, false, NULL},
    {"[2001:db8::1", -1, NULL, 0, false, NULL},
    {"[2001:db8::1]26", -1, NULL, 0, false, NULL},
    {"[2001:db8::1]:", -1, NULL, 0, false, NULL},
    {"http://relay.x", -1, NULL, 0, false, NULL},
    {"@relay.x", -1, NULL, 0, false, NULL},
    {"alice@", -1, NULL, 0, false, NULL},
    {"smtps://", -1, NULL, 0, false, NULL},
    {"", -1, NULL, 0, false, NULL},
};

START_TEST(relay_hosts_are_taken_apart)
{
    struct relay_host host;

    ck_assert_int_eq(relay_parse(slice_of(relays[_i].text), 25, &host), relays[_i].rc);
    if (relays[_i].rc < 0)
        return;
    ck_assert_str_eq(host.name, relays[_i].name);
    ck_assert_uint_eq(host.port, relays[_i].port);
    ck_assert(host.tls_at_once == relays[_i].tls_at_once);
    ck_assert_str_eq(host.user, relays[_i].user);
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
    {"relay.x A@B secret\n", 0600, NULL, "no password for user a@b at relay host relay.x"},
    {"", 0600, NULL, "no password for"},
    {"\nrelay.x a@b\n", 0600, NULL, ":2: expected HOST USER PASSWORD"},
    {NULL, 0, NULL, "No such file"},
};

START_TEST(passwords_come_from_a_private_file)
{
    struct strbuf error = strbuf_new(4096);
    struct relay_host hosts[2];
    char path[200];
    int rc;

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(path, sizeof(path), "%s/passwords", scratch_dir);
    if (files[_i].text != NULL) {
        ck_assert_int_eq(replace_file(AT_FDCWD, path, slice_of(files[_i].text), 0600), 0);
        ck_assert_int_eq(chmod(path, files[_i].mode), 0);
    }
    ck_assert_int_eq(relay_parse(SLICE("a@b@relay.x"), 25, &hosts[0]), 0);
    ck_assert_int_eq(relay_parse(SLICE("plain.x"), 25, &hosts[1]), 0);
    ck_assert_int_eq(relays_read_passwords(&hosts[1], 1, path, &error), 0);
    rc = relays_read_passwords(hosts, 2, path, &error);
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
    strbuf_free(&error);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("relays");
    TCase *tc = tcase_create("relays");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, relay_hosts_are_taken_apart, 0, (int)ARRAY_LEN(relays));
    tcase_add_loop_test(tc, passwords_come_from_a_private_file, 0, (int)ARRAY_LEN(files));
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
