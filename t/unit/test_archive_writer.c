/*
 * t/unit/test_archive_writer.c - archived's writer, stopped at each of its system calls in turn.
 */
// LINK: archived/writer.c
// LINK: archived/recovery.c
#include "t/unit/crash_point.h"
#include "t/unit/scratch.h"

#include <check.h>
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "archived/writer.h"
#include "lib/archive/days.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"

#define MESSAGES 3

static int rootfd, sourcefd;
static const char content[] = "Subject: x\r\n\r\nbody\r\nfooter";

static void
setup(void)
{
    (void)scratch_make();
    rootfd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(mkdirat(rootfd, "a", 0700), 0);
    ck_assert_int_eq(replace_file(rootfd, "source", slice_of(content), 0600), 0);
    sourcefd = openat(rootfd, "source", O_RDONLY | O_CLOEXEC);
    (void)close(rootfd);
    rootfd = -1;
}

static void
open_root(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/a", scratch_dir);
    rootfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
teardown(void)
{
    (void)close(rootfd);
    (void)close(sourcefd);
    scratch_remove();
}

static void
describe(struct writer_item *items, bool in_doubt)
{
    static const char *const ids[MESSAGES] = {"id1", "id2", "id3"};

    for (size_t i = 0; i < MESSAGES; i++)
        items[i] = (struct writer_item){.id = slice_of(ids[i]),
                                        .classes = SLICE("local"),
                                        .sender = SLICE("a@d.test"),
                                        .rcpts = SLICE("b@d.test\n"),
                                        .received_ms = clock_real_ms(),
                                        .in_doubt = in_doubt,
                                        .fd = sourcefd,
                                        .size = sizeof(content) - 1 - 6};
}

/* What the archive holds: the chain's lines are checked, and each has its file. */
static unsigned
count_messages(void)
{
    struct archive_days days;
    char hash[CHAIN_HASH_LEN + 1] = CHAIN_HASH_NONE;
    unsigned count = 0;

    ck_assert_int_eq(archive_days_read(rootfd, &days), 0);
    for (size_t i = 0; i < days.count; i++) {
        struct chain_reader *reader =
            chain_reader_new(archive_open_in(rootfd, days.items[i], ARCHIVE_CHAIN));
        struct chain_entry e;
        struct slice line;
        uint64_t torn;

        while (chain_reader_next(reader, &line, &torn) > 0) {
            struct strbuf file = strbuf_new(1000);
            char name[ARCHIVE_DAY_SIZE + ARCHIVE_NAME_SIZE], file_name[ARCHIVE_NAME_SIZE];

            ck_assert_int_eq(chain_decode(line, &e), 0);
            ck_assert_uint_eq(e.number, ++count);
            ck_assert(slice_eq(e.previous, slice_of(hash)));
            archive_file_name(e.id, file_name);
            (void)snprintf(name, sizeof(name), "%s/%s", days.items[i], file_name);
            ck_assert_int_eq(read_file(rootfd, name, &file), 0);
            ck_assert(slice_eq(strbuf_slice(&file), slice_make(content, e.size)));
            chain_hash(strbuf_slice(&file), hash);
            ck_assert(slice_eq(e.sha256, slice_of(hash)));
            chain_hash(line, hash);
            strbuf_free(&file);
        }
        ck_assert_uint_eq(torn, 0);
        chain_reader_free(&reader);
    }
    archive_days_free(&days);
    return count;
}

static unsigned
files_in_tmp(void)
{
    int fd = openat(rootfd, ARCHIVE_TMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(dir)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

/* Exit status: 0 all are there, 1 some are not, 2 nobody knows, 3 no start. */
static void
put_all(void *arg)
{
    struct writer_item items[MESSAGES];
    struct writer *w;
    int status = 0;

    open_root();
    w = writer_open(rootfd);
    if (w == NULL)
        _exit(3);
    describe(items, *(bool *)arg);
    if (writer_put(w, items, MESSAGES) < 0)
        _exit(2);
    for (size_t i = 0; i < MESSAGES; i++)
        if (items[i].error != 0)
            status = 1;
    _exit(status);
}

/* Whatever happened, a second try that is in doubt makes it whole, and a third changes nothing. */
static void
check_repeated(void)
{
    bool in_doubt = true;
    int status;

    for (int i = 0; i < 2; i++) {
        (void)crash_run(put_all, &in_doubt, CRASH_NONE, 0, &status);
        ck_assert_int_eq(status, 0);
        ck_assert_uint_eq(count_messages(), MESSAGES);
        ck_assert_uint_eq(files_in_tmp(), 0);
    }
}

static void
stop_at_each_call(enum crash_kind kind)
{
    bool in_doubt = false;
    int status, total;

    setup();
    total = crash_run(put_all, &in_doubt, kind, 0, &status);
    ck_assert_int_eq(status, 0);
    teardown();
    ck_assert_int_gt(total, 10);
    for (int at = 1; at <= total; at++) {
        setup();
        (void)crash_run(put_all, &in_doubt, kind, at, &status);
        open_root();
        if (status == 0)
            ck_assert_uint_eq(count_messages(), MESSAGES); /* said so, is so */
        if (status == 1)
            ck_assert_uint_lt(count_messages(), MESSAGES);
        check_repeated();
        teardown();
    }
}

START_TEST(killed_at_any_call_each_message_is_there_once)
{
    stop_at_each_call(CRASH_KILL);
}
END_TEST

START_TEST(full_at_any_call_each_message_is_there_once)
{
    stop_at_each_call(CRASH_ENOSPC);
}
END_TEST

/* Of a batch those that fail are told, the others are archived. */
START_TEST(one_bad_message_spoils_no_other)
{
    struct writer_item items[MESSAGES];
    struct writer *w;

    setup();
    open_root();
    w = writer_open(rootfd);
    ck_assert_ptr_nonnull(w);
    describe(items, false);
    items[1].size = 1000; /* more than there is */
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    ck_assert_int_eq(items[0].error, 0);
    ck_assert_int_eq(items[1].error, EIO);
    ck_assert_int_eq(items[2].error, 0);
    ck_assert_uint_eq(count_messages(), 2);
    ck_assert_uint_eq(files_in_tmp(), 0);
    describe(items, false); /* given again, without doubt: still once */
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    ck_assert_uint_eq(count_messages(), 3);
    writer_free(&w);
    teardown();
}
END_TEST

/* The disk fills up in the middle of the lines: none of them is there, and none is in the way. */
START_TEST(lines_cut_short_leave_no_trace)
{
    struct rlimit limit = {.rlim_cur = 300, .rlim_max = RLIM_INFINITY};
    struct writer_item items[MESSAGES];
    struct writer *w;

    (void)signal(SIGXFSZ, SIG_IGN);
    setup();
    open_root();
    w = writer_open(rootfd);
    describe(items, false);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (size_t i = 0; i < MESSAGES; i++)
        ck_assert_int_eq(items[i].error, EFBIG);
    ck_assert_uint_eq(count_messages(), 0);
    ck_assert_uint_eq(files_in_tmp(), 0);
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    ck_assert_int_eq(items[0].error, 0);
    ck_assert_uint_eq(count_messages(), 3);
    writer_free(&w);
    teardown();
}
END_TEST

/* A line without an end, a file without a line. */
START_TEST(a_start_takes_away_what_was_never_finished)
{
    struct writer_item items[MESSAGES];
    char chain[64], day[ARCHIVE_DAY_SIZE];
    struct writer *w;
    int fd;

    setup();
    open_root();
    w = writer_open(rootfd);
    describe(items, false);
    ck_assert_int_eq(writer_put(w, items, 2), 0);
    writer_free(&w);
    archive_day_of(clock_real_ms(), day);
    (void)snprintf(chain, sizeof(chain), "%s/" ARCHIVE_CHAIN, day);
    fd = openat(rootfd, chain, O_WRONLY | O_APPEND | O_CLOEXEC);
    ck_assert_int_eq(write_all(fd, SLICE("3 2026-11-27T08:0")), 0);
    (void)close(fd);
    (void)close(openat(rootfd, ARCHIVE_TMP "/lost.eml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    w = writer_open(rootfd);
    ck_assert_ptr_nonnull(w);
    ck_assert_uint_eq(files_in_tmp(), 0);
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    ck_assert_uint_eq(count_messages(), 3);
    writer_free(&w);
    teardown();
}
END_TEST

/* It may have been archived on any day since it was received. */
START_TEST(in_doubt_earlier_days_are_looked_through)
{
    struct writer_item items[MESSAGES];
    char yesterday[ARCHIVE_DAY_SIZE], today[ARCHIVE_DAY_SIZE], from[64], to[64];
    struct writer *w;

    setup();
    open_root();
    w = writer_open(rootfd);
    describe(items, false);
    ck_assert_int_eq(writer_put(w, items, 2), 0);
    writer_free(&w);
    archive_day_of(clock_real_ms() - 86400000, yesterday);
    archive_day_of(clock_real_ms(), today);
    (void)snprintf(from, sizeof(from), "%.4s", yesterday);
    (void)mkdirat(rootfd, from, 0700);
    (void)snprintf(from, sizeof(from), "%.7s", yesterday);
    (void)mkdirat(rootfd, from, 0700);
    (void)snprintf(from, sizeof(from), "%s", today);
    (void)snprintf(to, sizeof(to), "%s", yesterday);
    ck_assert_int_eq(renameat(rootfd, from, rootfd, to), 0);
    w = writer_open(rootfd);
    describe(items, true);
    for (size_t i = 0; i < MESSAGES; i++)
        items[i].received_ms -= INT64_C(3) * 86400000;
    ck_assert_int_eq(writer_put(w, items, MESSAGES), 0);
    ck_assert_uint_eq(count_messages(), 3); /* the chain goes on over the days */
    writer_free(&w);
    teardown();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("archive_writer");
    TCase *tc = tcase_create("archive_writer");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, killed_at_any_call_each_message_is_there_once);
    tcase_add_test(tc, full_at_any_call_each_message_is_there_once);
    tcase_add_test(tc, one_bad_message_spoils_no_other);
    tcase_add_test(tc, lines_cut_short_leave_no_trace);
    tcase_add_test(tc, a_start_takes_away_what_was_never_finished);
    tcase_add_test(tc, in_doubt_earlier_days_are_looked_through);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
