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
#include "lib/sys/port_counts.h"
#include "lib/sys/session_table.h"
#include "lib/sys/stats_dir.h"

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

struct seen {
    uint64_t now, users;
    unsigned failed;
};

static void
see(void *arg, const struct stats_sample *sample)
{
    struct seen *seen = arg;

    ck_assert_str_eq(sample->service, "smtp");
    ck_assert_int_gt(sample->born_ms, 0);
    if (strcmp(sample->counter, STATS_SESSIONS ".smtps") == 0)
        seen->now = sample->value;
    if (strcmp(sample->counter, STATS_USERS) == 0)
        seen->users = sample->value;
}

static void
see_failure(void *arg, const char *service, int error)
{
    struct seen *seen = arg;

    ck_assert_str_eq(service, "bad");
    ck_assert_int_eq(error, EBADMSG);
    seen->failed++;
}

static void
connect_one(struct session_table *table, pid_t pid, const char *label, const char *user)
{
    struct session_row row = {.pid = pid};

    (void)snprintf(row.label, sizeof(row.label), "%s", label);
    (void)snprintf(row.user, sizeof(row.user), "%s", user);
    session_table_begin(table, &row);
}

START_TEST(the_directory_shows_counters_and_who_is_there)
{
    struct stats *s = stats_open(dir_fd, "smtp", true);
    struct session_table *table = session_table_make(dir_fd, "smtp", 16);
    struct seen seen = {.now = 99, .users = 99};
    struct port_counts counts;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int bad = openat(dir_fd, "bad", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    port_counts_open(&counts, s, "smtps");
    ck_assert_int_eq(stats_dir_each(fd, NULL, see, see_failure, &seen), 2);
    ck_assert_uint_eq(seen.now, 0);
    ck_assert_uint_eq(seen.users, 0);
    ck_assert_uint_eq(seen.failed, 1);
    connect_one(table, 1, "smtps", "alice@d.test");
    connect_one(table, 2, "smtps", "alice@d.test");
    connect_one(table, 3, "smtps", "");
    connect_one(table, 4, "made up", "bob@d.test");
    ck_assert_int_eq(stats_dir_each(fd, "smtp", see, see_failure, &seen), 1);
    ck_assert_uint_eq(seen.now, 3);
    ck_assert_uint_eq(seen.users, 2);
    ck_assert_int_eq(stats_dir_each(fd, "none", see, see_failure, &seen), 0);
    unlink_keep_errno(dir_fd, SESSION_TABLE_PREFIX "smtp");
    unlink_keep_errno(dir_fd, "bad");
    (void)close(bad);
    (void)close(fd);
    session_table_forget(table, 1);
    free(table);
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
    tcase_add_test(tc, the_directory_shows_counters_and_who_is_there);
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
