/*
 * t/unit/test_journal.c - lib/log/journal: a line for the system's log.
 */
#include "t/unit/scratch.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "lib/log/journal.h"

START_TEST(a_line_arrives_and_stays_one)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char seen[4096], expected[256], big[5000];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t n;

    ck_assert_ptr_nonnull(scratch_make());
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/log", scratch_dir);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(
        journal_tell(address.sun_path, "master", SLICE("smtp: no port\n<0>forged\x1b[2J\n")), 0);
    n = recv(fd, seen, sizeof(seen) - 1, MSG_DONTWAIT);
    ck_assert_int_gt(n, 0);
    seen[n] = '\0';
    (void)snprintf(expected, sizeof(expected),
                   "<19>posthorn/master[%ld]: smtp: no port <0>forged?[2J", (long)getpid());
    ck_assert_str_eq(seen, expected);
    memset(big, 'x', sizeof(big));
    ck_assert_int_eq(journal_tell(address.sun_path, "master", slice_make(big, sizeof(big))), 0);
    n = recv(fd, seen, sizeof(seen), MSG_DONTWAIT);
    ck_assert(n > 2000 && n < 2200);
    (void)close(fd);
    scratch_remove();
}
END_TEST

START_TEST(stderr_is_the_journal_if_it_is_that_stream)
{
    struct stat st;
    char name[64];

    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    ck_assert(!journal_is_stderr());
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", name, 1), 0);
    ck_assert(journal_is_stderr());
    (void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", name, 1),
                     0); /* a service's child with files of its own */
    ck_assert(!journal_is_stderr());
}
END_TEST

START_TEST(a_system_without_a_log_costs_nothing)
{
    ck_assert_int_eq(journal_tell("/nonexistent/log", "master", SLICE("x")), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tc = tcase_create("journal");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, a_line_arrives_and_stays_one);
    tcase_add_test(tc, stderr_is_the_journal_if_it_is_that_stream);
    tcase_add_test(tc, a_system_without_a_log_costs_nothing);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
