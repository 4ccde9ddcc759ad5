/*
 * t/unit/test_log_files.c - logd: rotation, pruning, a full disk, copies to syslog.
 */
// LINK: logd/log_files.c
// LINK: logd/syslog_out.c
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/ipc/socket.h"
#include "logd/log_files.h"
#include "logd/syslog_out.h"

static char dir[] = "/tmp/rt-test-log-XXXXXX";
static int dir_fd, stats_fd;
static struct stats *stats;

static void
setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(mkdirat(dir_fd, "stats", 0700), 0);
    stats_fd = openat(dir_fd, "stats", O_PATH | O_DIRECTORY | O_CLOEXEC);
    stats = stats_open(stats_fd, "log", true);
}

static void
teardown(void)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;

    stats_close(&stats);
    while ((entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "stats") != 0)
            (void)unlinkat(dir_fd, entry->d_name, 0);
    (void)closedir(d);
    (void)unlinkat(stats_fd, "log", 0);
    (void)close(stats_fd);
    (void)unlinkat(dir_fd, "stats", AT_REMOVEDIR);
    (void)close(dir_fd);
    (void)rmdir(dir);
}

static struct log_files *
make(const struct log_policy *policy)
{
    return log_files_new(dir_fd, policy, stats);
}

static void
expect_content(const char *name, const char *content)
{
    struct strbuf text = strbuf_new(1 << 20);

    ck_assert_int_eq(read_file(dir_fd, name, &text), 0);
    ck_assert_str_eq(strbuf_cstr(&text), content);
    strbuf_free(&text);
}

static int
count_files(const char *prefix)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    int count = 0;

    while ((entry = readdir(d)) != NULL)
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            count++;
    (void)closedir(d);
    return count;
}

START_TEST(each_line_may_be_an_object)
{
    struct log_policy policy = {.json = true};
    struct log_files *files = make(&policy);
    struct strbuf text = strbuf_new(4096);

    log_files_append(files, SLICE("smtp"),
                     SLICE("T p[1] info event=a k=\"x \\\"y\"\nT p[2] warn odd\x01\n"));
    log_files_free(&files);
    ck_assert_int_eq(read_file(dir_fd, "smtp.log", &text), 0);
    ck_assert_str_eq(strbuf_cstr(&text),
                     "{\"time\": \"T\", \"service\": \"smtp\", \"program\": \"p\", \"pid\": 1, "
                     "\"level\": \"info\", \"event\": \"a\", \"fields\": {\"k\": \"x \\\"y\"}}\n"
                     "{\"time\": \"T\", \"service\": \"smtp\", \"program\": \"p\", \"pid\": 2, "
                     "\"level\": \"warn\", \"event\": \"\", \"fields\": {}, \"text\": \"odd?\"}\n");
    strbuf_free(&text);
}
END_TEST

START_TEST(each_service_has_its_file)
{
    struct log_files *files = make(&(struct log_policy){0});

    log_files_append(files, SLICE("smtp"), SLICE("one\ntwo\n"));
    log_files_append(files, SLICE("imap"), SLICE("three"));
    ck_assert_int_eq(count_files("smtp.log"), 0); /* written at the end of the turn */
    log_files_flush(files);
    expect_content("smtp.log", "one\ntwo\n");
    expect_content("imap.log", "three\n");
    log_files_free(&files);
}
END_TEST

START_TEST(control_characters_do_not_reach_the_file)
{
    struct log_files *files = make(&(struct log_policy){0});

    log_files_append(files, SLICE("smtp"), SLICE("a\x1b[31m\rb\0c\x7f\n"));
    log_files_free(&files);
    expect_content("smtp.log", "a?[31m?b?c?\n");
}
END_TEST

START_TEST(a_large_file_is_set_aside_and_old_ones_go)
{
    struct log_files *files = make(&(struct log_policy){.rotate_size = 100, .keep_files = 3});
    char line[64];

    for (int i = 0; i < 20; i++) {
        (void)snprintf(line, sizeof(line), "line %02d %s\n", i,
                       "........................................");
        log_files_append(files, SLICE("smtp"), slice_of(line));
        log_files_flush(files);
        (void)usleep(2000); /* names differ by the millisecond */
    }
    ck_assert_int_eq(count_files("smtp.log."), 3);
    ck_assert_int_eq(count_files("smtp.log"), 4);
    log_files_free(&files);
}
END_TEST

START_TEST(an_old_file_is_set_aside)
{
    struct log_files *files = make(&(struct log_policy){.rotate_age_ms = 50});

    log_files_append(files, SLICE("smtp"), SLICE("one\n"));
    log_files_flush(files);
    log_files_tend(files);
    ck_assert_int_eq(count_files("smtp.log."), 0);
    (void)usleep(60000);
    log_files_tend(files);
    ck_assert_int_eq(count_files("smtp.log."), 1);
    log_files_free(&files);
}
END_TEST

START_TEST(set_aside_files_are_removed_at_their_age)
{
    struct log_files *files = make(&(struct log_policy){.keep_age_ms = 86400000});
    int fd = openat(dir_fd, "smtp.log.20200101T000000.000Z", O_CREAT | O_WRONLY, 0600);
    int other = openat(dir_fd, "smtp.log.bak", O_CREAT | O_WRONLY, 0600);

    (void)close(fd);
    (void)close(other);
    log_files_append(files, SLICE("smtp"), SLICE("one\n"));
    log_files_tend(files);
    ck_assert_int_eq(count_files("smtp.log.2020"), 0);
    ck_assert_int_eq(count_files("smtp.log.bak"), 1); /* not ours */
    log_files_free(&files);
}
END_TEST

START_TEST(files_of_services_that_are_gone_end_too)
{
    struct log_files *files =
        make(&(struct log_policy){.keep_age_ms = 86400000, .rotate_age_ms = 3600000});
    const char *names[] = {
        "gone.log", "gone.log.20200101T000000.000Z", "kept.log", "x.log.bak", ".log", "x.log.gz",
        "gone.txt"};
    const struct timespec old[2] = {{.tv_sec = 1577836800}, {.tv_sec = 1577836800}};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)close(openat(dir_fd, names[i], O_CREAT | O_WRONLY, 0600));
        if (strcmp(names[i], "kept.log") != 0)
            ck_assert_int_eq(utimensat(dir_fd, names[i], old, 0), 0);
    }
    log_files_tend(files); /* "gone.log" is in the way of its other file, which goes: */
    log_files_tend(files); /* set aside, */
    log_files_tend(files); /* and removed, for its last line is of 2020 */
    ck_assert_int_eq(count_files("gone.log"), 0);
    ck_assert_int_eq(count_files("kept.log"), 1);
    ck_assert_int_eq(count_files("x.log."), 2); /* not ours */
    ck_assert_int_eq(count_files("gone.txt"), 1);
    ck_assert_int_eq(unlinkat(dir_fd, ".log", 0), 0);
    log_files_free(&files);
}
END_TEST

static unsigned flushes;

int
fdatasync(int fd) /* libc's */
{
    flushes++;
    return fsync(fd);
}

/* log.sync */
START_TEST(with_sync_every_batch_is_flushed)
{
    for (int sync = 0; sync < 2; sync++) {
        struct log_files *files = make(&(struct log_policy){.sync = sync == 1});

        flushes = 0;
        for (int i = 0; i < 3; i++) {
            log_files_append(files, SLICE("smtp"), SLICE("one\ntwo\n"));
            log_files_flush(files);
        }
        ck_assert_uint_eq(flushes, sync == 1 ? 3 : 0);
        log_files_free(&files);
    }
}
END_TEST

START_TEST(files_moved_or_deleted_by_others_are_made_anew)
{
    struct log_files *files = make(&(struct log_policy){0});

    log_files_append(files, SLICE("smtp"), SLICE("one\n"));
    log_files_flush(files);
    ck_assert_int_eq(renameat(dir_fd, "smtp.log", dir_fd, "moved"), 0);
    log_files_reopen(files);
    log_files_append(files, SLICE("smtp"), SLICE("two\n"));
    log_files_flush(files);
    expect_content("smtp.log", "two\n");
    expect_content("moved", "one\n");
    ck_assert_int_eq(unlinkat(dir_fd, "smtp.log", 0), 0);
    log_files_tend(files);
    log_files_append(files, SLICE("smtp"), SLICE("three\n"));
    log_files_free(&files);
    expect_content("smtp.log", "three\n");
}
END_TEST

/* A limit on the file's size stands for the full disk: writes stop in the middle of the batch. */
START_TEST(a_full_disk_costs_whole_lines_and_is_told_later)
{
    struct log_files *files = make(&(struct log_policy){0});
    struct rlimit limit = {.rlim_cur = 20, .rlim_max = RLIM_INFINITY};
    struct strbuf text = strbuf_new(4096);

    (void)signal(SIGXFSZ, SIG_IGN);
    log_files_append(files, SLICE("smtp"), SLICE("one\n"));
    log_files_flush(files);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_files_append(files, SLICE("smtp"), SLICE("two\nthree is too long for it\n"));
    log_files_flush(files);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    expect_content("smtp.log", "one\n");
    log_files_append(files, SLICE("smtp"), SLICE("four\n"));
    log_files_flush(files);
    ck_assert_int_eq(read_file(dir_fd, "smtp.log", &text), 0);
    ck_assert(slice_starts(strbuf_slice(&text), SLICE("one\n20")));
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&text), "event=log_lines_lost count=2\nfour\n"));
    strbuf_free(&text);
    log_files_free(&files);
}
END_TEST

static const struct {
    enum syslog_format format;
    const char *line, *begins, *ends;
} syslog_cases[] = {
    {SYSLOG_RFC5424, "2026-11-23T10:00:00.123Z smtpd[12] info event=x k=v",
     "<22>1 2026-11-23T10:00:00.123Z mail.d.test smtpd 12 - - event=x", " k=v"},
    {SYSLOG_RFC5424, "2026-11-23T10:00:00.123Z smtpd[12] error event=x", "<19>1 ", "event=x"},
    {SYSLOG_RFC3164, "2026-11-23T10:00:00.123Z smtpd[12] warn event=x", "<20>",
     " smtpd[12]: event=x"},
};

START_TEST(lines_become_syslog_messages)
{
    struct strbuf out = strbuf_new(1024);

    ck_assert_int_eq(syslog_encode(syslog_cases[_i].format, "mail.d.test",
                                   slice_of(syslog_cases[_i].line), &out),
                     0);
    ck_assert_msg(slice_starts(strbuf_slice(&out), slice_of(syslog_cases[_i].begins)), "%s",
                  strbuf_cstr(&out));
    ck_assert_msg(strbuf_ends_with(&out, syslog_cases[_i].ends), "%s", strbuf_cstr(&out));
    strbuf_free(&out);
}
END_TEST

START_TEST(foreign_lines_become_no_syslog_message)
{
    struct strbuf out = strbuf_new(1024);

    ck_assert_int_eq(syslog_encode(SYSLOG_RFC5424, "h", SLICE("anything"), &out), -1);
    ck_assert_int_eq(syslog_encode(SYSLOG_RFC5424, "h", SLICE(""), &out), -1);
    ck_assert_int_eq(syslog_encode(SYSLOG_RFC5424, "h",
                                   SLICE("2026-11-23T10:00:00.123Z sm\ttpd[1] info x"), &out),
                     -1);
    strbuf_free(&out);
}
END_TEST

START_TEST(the_systems_log_may_come_and_go)
{
    struct syslog_out *out = syslog_out_new(dir_fd, SYSLOG_RFC5424, "h");
    static const char line[] = "2026-11-23T10:00:00.123Z p[1] info event=x\n";
    struct sockaddr_un address;
    char text[256];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    ck_assert_int_eq(ipc_socket_address(dir_fd, "log", &address), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    syslog_out_send(out, slice_of(line));
    ck_assert_int_gt(recv(fd, text, sizeof(text), MSG_DONTWAIT), 0);
    (void)close(fd);
    (void)unlinkat(dir_fd, "log", 0);
    syslog_out_send(out, slice_of(line)); /* nobody there: no harm */
    syslog_out_send(out, slice_of(line));
    syslog_out_free(&out);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("log_files");
    TCase *tc = tcase_create("log_files");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_line_may_be_an_object);
    tcase_add_test(tc, each_service_has_its_file);
    tcase_add_test(tc, control_characters_do_not_reach_the_file);
    tcase_add_test(tc, a_large_file_is_set_aside_and_old_ones_go);
    tcase_add_test(tc, an_old_file_is_set_aside);
    tcase_add_test(tc, set_aside_files_are_removed_at_their_age);
    tcase_add_test(tc, files_of_services_that_are_gone_end_too);
    tcase_add_test(tc, with_sync_every_batch_is_flushed);
    tcase_add_test(tc, files_moved_or_deleted_by_others_are_made_anew);
    tcase_add_test(tc, a_full_disk_costs_whole_lines_and_is_told_later);
    tcase_add_loop_test(tc, lines_become_syslog_messages, 0, (int)ARRAY_LEN(syslog_cases));
    tcase_add_test(tc, foreign_lines_become_no_syslog_message);
    tcase_add_test(tc, the_systems_log_may_come_and_go);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
