/*
 * t/unit/test_daemon.c - lib/sys/daemon: what master hands over arrives, and the three ways to end.
 *
 * Each test forks a child that plays the daemon; the test is its master.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/sys/daemon.h"

static char root[] = "/tmp/rt-test-daemon-XXXXXX";
static int control[2]; /* master's end, the daemon's end */
static int errors[2];  /* the daemon's stderr */

static void
path_in_root(char *out, size_t size, const char *name)
{
    ck_assert_int_lt(snprintf(out, size, "%s/%s", root, name), (int)size);
}

static void
write_conf(const char *text)
{
    char path[256];
    FILE *f;

    path_in_root(path, sizeof(path), "etc/posthorn.conf");
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static void
setup(void)
{
    char path[256];

    ck_assert_ptr_nonnull(mkdtemp(root));
    path_in_root(path, sizeof(path), "etc");
    (void)mkdir(path, 0755);
    path_in_root(path, sizeof(path), "run");
    (void)mkdir(path, 0755);
    write_conf("[system]\nhostname = mail.d.test\n[users]\nsmtp = 64201:64301\n");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
    ck_assert_int_eq(pipe(errors), 0);
    (void)setenv("POSTHORN_ROOT", root, 1);
    (void)setenv("POSTHORN_SERVICE", "smtp", 1);
}

static void
teardown(void)
{
    static const char *const names[] = {"run/stats/smtp", "run/stats", "run", "etc/posthorn.conf",
                                        "etc"};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        path_in_root(path, sizeof(path), names[i]);
        (void)remove(path);
    }
    (void)rmdir(root);
}

static pid_t
start(void (*body)(struct daemon *d))
{
    static char *argv[] = {(char *)(uintptr_t) "smtpd", NULL};
    struct daemon d;
    char text[16];
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid > 0) {
        (void)close(control[1]);
        (void)close(errors[1]);
        return pid;
    }
    (void)close(control[0]);
    (void)dup2(errors[1], STDERR_FILENO);
    (void)snprintf(text, sizeof(text), "%d", control[1]);
    (void)setenv("POSTHORN_CONTROL_FD", text, 1);
    daemon_init(&d, "smtpd", 1, argv);
    body(&d);
    exit(daemon_exit_status(&d));
}

static int
exit_status(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
ready_and_run(struct daemon *d)
{
    daemon_ready(d);
    daemon_run(d);
}

START_TEST(ready_goes_up_and_sigterm_ends)
{
    pid_t pid = start(ready_and_run);
    char c = 0;

    ck_assert_int_eq(read(control[0], &c, 1), 1);
    ck_assert_int_eq(c, 'R');
    (void)usleep(50000);
    (void)kill(pid, SIGTERM);
    ck_assert_int_eq(exit_status(pid), 0);
}
END_TEST

START_TEST(the_end_of_master_ends_the_daemon)
{
    pid_t pid = start(ready_and_run);
    char c;

    ck_assert_int_eq(read(control[0], &c, 1), 1);
    (void)close(control[0]);
    ck_assert_int_eq(exit_status(pid), 0);
}
END_TEST

static void
expect_listeners(struct daemon *d)
{
    if (daemon_listener(d, "smtp", 0) != STDIN_FILENO ||
        daemon_listener(d, "smtp", 1) != STDOUT_FILENO || daemon_listener(d, "smtp", 2) != -1 ||
        daemon_listener(d, "control", 0) != STDERR_FILENO || daemon_listener(d, "smt", 0) != -1)
        exit(99);
}

START_TEST(listeners_are_found_by_label)
{
    (void)setenv("POSTHORN_LISTENERS", "smtp:0 control:2 smtp:1", 1);
    ck_assert_int_eq(exit_status(start(expect_listeners)), 0);
}
END_TEST

static void
expect_roles(struct daemon *d)
{
    struct sandbox box = daemon_sandbox_base(d, USERS_SMTP);

    if (strcmp(conf_str(d->conf, SYSTEM_HOSTNAME), "mail.d.test") != 0)
        exit(99);
    if (d->is_root && (box.uid != 64201 || box.gid != 64301))
        exit(98);
    if (!d->is_root && (box.uid != (uid_t)-1 || daemon_role_uid(d, USERS_SMTP) != getuid()))
        exit(97);
}

START_TEST(roles_come_from_the_configuration)
{
    ck_assert_int_eq(exit_status(start(expect_roles)), 0);
}
END_TEST

START_TEST(a_broken_configuration_is_told_with_its_line)
{
    char text[512] = "";

    write_conf("[system]\nhostname = a\nport_offset = many\n");
    ck_assert_int_eq(exit_status(start(ready_and_run)), EX_CONFIG);
    ck_assert_int_gt(read(errors[0], text, sizeof(text) - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "posthorn.conf:3:"));
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("daemon");
    TCase *tc = tcase_create("daemon");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ready_goes_up_and_sigterm_ends);
    tcase_add_test(tc, the_end_of_master_ends_the_daemon);
    tcase_add_test(tc, listeners_are_found_by_label);
    tcase_add_test(tc, roles_come_from_the_configuration);
    tcase_add_test(tc, a_broken_configuration_is_told_with_its_line);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
