/*
 * t/unit/test_stats.c - lib/sys/stats: several processes, hostile content.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/slice.h"
#include "lib/sys/stats.h"

static char dir[] = "/tmp/rt-test-stats-XXXXXX";
static int dir_fd;

static void
setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void
teardown(void)
{
    unlink_keep_errno(dir_fd, "smtp");
    (void)close(dir_fd);
    (void)rmdir(dir);
}

static uint64_t found_value;

static void
find_accepted(void *arg, const char *name, uint64_t value)
{
    (void)arg;
    if (strcmp(name, "accepted") == 0)
        found_value = value;
}

START_TEST(children_count_together)
{
    struct stats *s = stats_open(dir_fd, "smtp", true), *reader;
    _Atomic uint64_t *accepted = stats_counter(s, "accepted");

    ck_assert_ptr_eq(accepted, stats_counter(s, "accepted"));
    ck_assert_ptr_ne(accepted, stats_counter(s, "other"));
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            for (int n = 0; n < 1000; n++)
                stats_add(accepted, 1);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    reader = stats_open(dir_fd, "smtp", false);
    ck_assert_uint_eq(stats_counters(reader, find_accepted, NULL), 2);
    ck_assert_uint_eq(found_value, 4000);
    stats_close(&reader);
    stats_close(&s);
}
END_TEST

START_TEST(counters_past_the_limit_share_a_spare_one)
{
    struct stats *s = stats_open(dir_fd, "smtp", true);
    char name[32];

    for (int i = 0; i < STATS_COUNTERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c%d", i);
        stats_add(stats_counter(s, name), 1);
    }
    ck_assert_ptr_nonnull(stats_counter(s, "one more"));
    ck_assert_ptr_eq(stats_counter(s, "one more"), stats_counter(s, "another"));
    stats_close(&s);
}
END_TEST

START_TEST(a_process_shows_itself_and_goes)
{
    struct stats *s = stats_open(dir_fd, "smtp", true);
    struct stats_process rows[4];

    stats_process_begin(s, "a role with a name that is too long");
    stats_process_state(s, "session");
    stats_process_landlock(s, 7, 2);
    ck_assert_uint_eq(stats_processes(s, rows, 4), 1);
    ck_assert_int_eq(rows[0].pid, getpid());
    ck_assert_int_eq(rows[0].landlock_abi, 7);
    ck_assert_uint_eq(rows[0].landlock_layers, 2);
    ck_assert_str_eq(rows[0].role, "a role with a name that");
    ck_assert_str_eq(rows[0].state, "session");
    stats_process_end(s, getpid());
    ck_assert_uint_eq(stats_processes(s, rows, 4), 0);
    stats_close(&s);
}
END_TEST

START_TEST(rows_of_dead_processes_are_swept_at_the_next_start)
{
    struct stats *s = stats_open(dir_fd, "smtp", true);
    struct stats_process rows[4];
    pid_t child = fork();

    if (child == 0) {
        stats_process_begin(s, "worker");
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    ck_assert_uint_eq(stats_processes(s, rows, 4), 1);
    stats_close(&s);
    s = stats_open(dir_fd, "smtp", true);
    ck_assert_uint_eq(stats_processes(s, rows, 4), 0);
    stats_close(&s);
}
END_TEST

START_TEST(a_short_or_foreign_file_is_refused_to_readers)
{
    int fd = openat(dir_fd, "smtp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_eq(write_all(fd, SLICE("short")), 0);
    ck_assert_ptr_null(stats_open(dir_fd, "smtp", false));
    ck_assert_int_eq(errno, EBADMSG);
    ck_assert_int_eq(ftruncate(fd, 4 << 20), 0);
    ck_assert_ptr_null(stats_open(dir_fd, "smtp", false));
    ck_assert_int_eq(errno, EBADMSG);
    (void)close(fd);
}
END_TEST

START_TEST(a_reader_survives_any_content)
{
    struct stats *s = stats_open(dir_fd, "smtp", true), *reader;
    static struct stats_process rows[STATS_PROCESSES_MAX];
    int fd = openat(dir_fd, "smtp", O_RDWR | O_CLOEXEC);
    char noise[4096];
    struct stat st;

    memset(noise, 0x9b, sizeof(noise));
    ck_assert_int_eq(fstat(fd, &st), 0);
    for (off_t at = 8; at + (off_t)sizeof(noise) < st.st_size; at += (off_t)sizeof(noise))
        ck_assert_int_eq(pwrite_all(fd, slice_make(noise, sizeof(noise)), at), 0);
    reader = stats_open(dir_fd, "smtp", false);
    ck_assert_ptr_nonnull(reader);
    (void)stats_counters(reader, find_accepted, NULL);
    ck_assert_uint_le(stats_processes(reader, rows, STATS_PROCESSES_MAX), STATS_PROCESSES_MAX);
    stats_close(&reader);
    stats_close(&s);
    (void)close(fd);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("stats");
    TCase *tc = tcase_create("stats");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, children_count_together);
    tcase_add_test(tc, counters_past_the_limit_share_a_spare_one);
    tcase_add_test(tc, a_process_shows_itself_and_goes);
    tcase_add_test(tc, rows_of_dead_processes_are_swept_at_the_next_start);
    tcase_add_test(tc, a_short_or_foreign_file_is_refused_to_readers);
    tcase_add_test(tc, a_reader_survives_any_content);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
