/*
 * t/unit/test_session_table.c - lib/sys/session_table: what is written is read, and nothing in the
 * file can hurt a reader.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/sys/session_table.h"

static int dirfd;
static char path[] = "/tmp/posthorn-session-table-XXXXXX";

struct seen {
    unsigned count;
    struct session_row last;
};

static void
see(void *arg, const struct session_row *row)
{
    struct seen *seen = arg;

    seen->count++;
    seen->last = *row;
}

static struct seen
look(void)
{
    struct seen seen = {0};

    ck_assert_int_eq(session_table_read(dirfd, "x", see, &seen), 0);
    return seen;
}

static struct session_row
row_of(pid_t pid)
{
    struct session_row row = {.pid = pid, .since_ms = 1000, .client_port = 65535};

    (void)strcpy(row.id, "abc");
    (void)strcpy(row.label, "imap");
    (void)strcpy(row.client_ip, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    return row;
}

START_TEST(what_is_written_is_read)
{
    struct session_table *table = session_table_make(dirfd, "x", 10);
    struct session_row row = row_of(getpid());
    struct seen seen;

    ck_assert_ptr_nonnull(table);
    ck_assert_uint_eq(look().count, 0);
    session_table_begin(table, &row);
    session_table_tls();
    session_table_user("a-name-that-is-longer-than-the-table-has-room-for-is-cut-and-not-more-than-"
                       "that@d.test");
    seen = look();
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_int_eq(seen.last.pid, getpid());
    ck_assert(seen.last.tls);
    ck_assert_uint_eq(seen.last.client_port, 65535);
    ck_assert_str_eq(seen.last.client_ip, row.client_ip);
    ck_assert_uint_eq(strlen(seen.last.user), SESSION_TABLE_USER - 1);
    session_table_end();
    ck_assert_uint_eq(look().count, 0);
    session_table_tls(); /* of no session: nothing */
    session_table_user("x");
    ck_assert_uint_eq(look().count, 0);
    free(table);
}
END_TEST

START_TEST(a_full_table_shows_less)
{
    struct session_table *table = session_table_make(dirfd, "x", 3);

    for (pid_t pid = 1; pid <= 5; pid++) {
        struct session_row row = row_of(pid);

        session_table_begin(table, &row);
    }
    ck_assert_uint_eq(look().count, 3);
    session_table_forget(table, 2);
    session_table_forget(table, 77);
    ck_assert_uint_eq(look().count, 2);
    session_table_begin(NULL, &(struct session_row){.pid = 9});
    session_table_forget(NULL, 1);
    free(table);
}
END_TEST

START_TEST(a_table_grows_and_forgets_the_dead)
{
    struct session_table *table = session_table_make(dirfd, "x", 3);
    struct session_row alive = row_of(getpid()), dead;
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    dead = row_of(child);
    session_table_begin(table, &dead);
    session_table_begin(table, &alive);
    ck_assert_uint_eq(look().count, 2);
    free(session_table_make(dirfd, "x", 100));
    ck_assert_uint_eq(look().count, 1);
    ck_assert_int_eq(look().last.pid, getpid());
    free(table);
}
END_TEST

START_TEST(a_hostile_file_is_read_or_refused)
{
    static const char *const texts[] = {"", "short",
                                        "no table at all, and long enough for a header"};
    struct session_table *table;
    char bytes[4096];
    struct seen seen = {0};
    int fd;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_int_eq(replace_file(dirfd, ".sessions-x", slice_of(texts[i]), 0600), 0);
        ck_assert_int_eq(session_table_read(dirfd, "x", see, &seen), -1);
    }
    ck_assert_int_eq(unlinkat(dirfd, ".sessions-x", 0), 0);
    ck_assert_int_eq(session_table_read(dirfd, "x", see, &seen), -1);
    ck_assert_int_eq(errno, ENOENT);
    table = session_table_make(dirfd, "x", 10);
    fd = openat(dirfd, ".sessions-x", O_WRONLY | O_CLOEXEC);
    memset(bytes, 0x1b, sizeof(bytes));
    ck_assert_int_eq(pwrite_all(fd, slice_make(bytes, 10 * 184), 8), 0);
    (void)close(fd);
    seen = look();
    ck_assert_uint_ge(seen.count, 9);
    ck_assert_uint_eq(strspn(seen.last.user, "?"), SESSION_TABLE_USER - 1);
    free(table);
}
END_TEST

static void
set_up(void)
{
    (void)strcpy(path, "/tmp/posthorn-session-table-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dirfd, 0);
}

static void
tear_down(void)
{
    (void)unlinkat(dirfd, ".sessions-x", 0);
    (void)close(dirfd);
    (void)rmdir(path);
}

int
main(void)
{
    Suite *s = suite_create("session_table");
    TCase *tc = tcase_create("session_table");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, what_is_written_is_read);
    tcase_add_test(tc, a_full_table_shows_less);
    tcase_add_test(tc, a_table_grows_and_forgets_the_dead);
    tcase_add_test(tc, a_hostile_file_is_read_or_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
