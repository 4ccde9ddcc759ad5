/*
 * t/unit/test_spool.c - lib/queue/spool, queue_log and queue_list: directories, recovery, listing.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/ipc/object.h"
#include "lib/queue/queue_list.h"
#include "lib/queue/queue_log.h"
#include "lib/queue/spool_recover.h"
#include "t/unit/scratch.h"

static struct spool spool;

static void
setup(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    ck_assert_int_eq(spool_open(&spool, scratch_dir, getuid(), getgid()), 0);
}

static void
teardown(void)
{
    spool_close(&spool);
    scratch_remove();
}

static void
touch(enum spool_state state, const char *name)
{
    int fd = openat(spool.fds[state], name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

static bool
there(enum spool_state state, const char *name)
{
    return faccessat(spool.fds[state], name, F_OK, 0) == 0;
}

static void
put_message(const char *id, uint32_t rcpt_count)
{
    struct queue_rcpt rcpts[2] = {{.address = SLICE("b@d.test")}, {.address = SLICE("c@d.test")}};
    struct queue_envelope e = {
        .received_ms = 1000, .sender = SLICE("s@d.test"), .rcpt_count = rcpt_count, .rcpts = rcpts};
    struct queue_writer *w = queue_writer_open(spool.fds[SPOOL_TMP], spool.fds[SPOOL_NEW], id);

    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(queue_writer_write(w, SLICE("Subject: x\r\n\r\nbody\r\n")), 0);
    ck_assert_int_eq(queue_writer_commit(&w, &e), 0);
}

START_TEST(missing_directories_are_made_again)
{
    struct stat st;

    spool_close(&spool);
    scratch_remove();
    ck_assert_int_eq(mkdir(scratch_dir, 0700), 0);
    ck_assert_int_eq(spool_open_readonly(&spool, scratch_dir), 0); /* nothing there: no messages */
    ck_assert_int_eq(spool_find(&spool, "x"), -1);
    spool_close(&spool);
    ck_assert_int_eq(spool_open(&spool, scratch_dir, getuid(), getgid()), 0);
    ck_assert_int_eq(fstat(spool.fds[SPOOL_NEW], &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 03733);
    ck_assert_int_eq(fstat(spool.fds[SPOOL_ACTIVE], &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 02770);
    ck_assert_int_eq(fstat(spool.trigger_fd, &st), 0);
    ck_assert(S_ISFIFO(st.st_mode));
}
END_TEST

START_TEST(failed_move_puts_everything_back)
{
    touch(SPOOL_ACTIVE, "m.env");
    touch(SPOOL_ACTIVE, "m.log");
    ck_assert_int_eq(spool_move(&spool, "m", SPOOL_ACTIVE, SPOOL_DEFERRED, SPOOL_ENV | SPOOL_LOG),
                     -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert(there(SPOOL_ACTIVE, "m.env") && there(SPOOL_ACTIVE, "m.log"));
}
END_TEST

START_TEST(recovery_brings_the_pieces_together)
{
    touch(SPOOL_TMP, "abandoned");
    touch(SPOOL_DEFERRED, "parted"); /* ID.env had moved on when the machine died */
    touch(SPOOL_ACTIVE, "parted.env");
    touch(SPOOL_ACTIVE, "running");
    touch(SPOOL_ACTIVE, "running.log");
    touch(SPOOL_ACTIVE, "orphan.log");
    touch(SPOOL_NEW, "committing.env"); /* smtpd may be between its two renames */
    ck_assert_int_eq((int)spool_recover(&spool), 1);
    ck_assert(there(SPOOL_TMP, "abandoned"));
    ck_assert(there(SPOOL_DEFERRED, "parted.env"));
    ck_assert(there(SPOOL_NEW, "running") && there(SPOOL_NEW, "running.log"));
    ck_assert(!there(SPOOL_ACTIVE, "orphan.log"));
    ck_assert(there(SPOOL_NEW, "committing.env"));
    ck_assert_int_eq((int)spool_recover(&spool), 0);
    ck_assert(there(SPOOL_TMP, "abandoned")); /* however old: its writer has not looked yet */
    ck_assert_int_eq(spool_sweep_tmp(&spool, 0), 0);
    ck_assert(!there(SPOOL_TMP, "abandoned"));
}
END_TEST

/* What grows with the waiting mail is brought together afterwards, a little at a time. */
START_TEST(tidying_joins_what_waits)
{
    struct spool_tidy tidy;
    int steps = 1;

    touch(SPOOL_DEFERRED, "parted"); /* on its way into hold/ */
    touch(SPOOL_HOLD, "parted.log");
    touch(SPOOL_ACTIVE, "going"); /* on its way into deferred/: found at once */
    touch(SPOOL_DEFERRED, "going.env");
    touch(SPOOL_DEFERRED, "going.log");
    touch(SPOOL_HOLD, "orphan.env");
    touch(SPOOL_HOLD, "held");
    touch(SPOOL_HOLD, "held.env");
    ck_assert_int_eq((int)spool_recover(&spool), 1);
    ck_assert(there(SPOOL_NEW, "going") && there(SPOOL_NEW, "going.env"));
    ck_assert(there(SPOOL_NEW, "going.log"));
    spool_tidy_begin(&tidy);
    while (spool_tidy_some(&tidy, &spool, 1))
        steps++;
    ck_assert_int_gt(steps, 5);
    ck_assert(there(SPOOL_DEFERRED, "parted.log"));
    ck_assert(!there(SPOOL_HOLD, "orphan.env"));
    ck_assert(there(SPOOL_HOLD, "held") && there(SPOOL_HOLD, "held.env"));
    spool_tidy_end(&tidy);
}
END_TEST

/* A power cut may take the rename of a slot back: the message was accepted all the same. */
START_TEST(recovery_accepts_what_is_whole_in_tmp)
{
    static const char *const ids[] = {"whole", "torn", "spoilt", "two", "both"};
    int fd;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        put_message(ids[i], i == 3 ? 2 : 1);
        ck_assert_int_eq(spool_move(&spool, ids[i], SPOOL_NEW, SPOOL_TMP, SPOOL_ENV), 0);
    }
    fd = openat(spool.fds[SPOOL_TMP], "torn", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, 50), 0);
    (void)close(fd);
    fd = openat(spool.fds[SPOOL_TMP], "spoilt", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite_all(fd, SLICE("X"), 1), 0);
    (void)close(fd);
    touch(SPOOL_TMP, "empty");
    ck_assert_int_eq(linkat(spool.fds[SPOOL_TMP], "both", spool.fds[SPOOL_DEFERRED], "both", 0), 0);
    ck_assert_int_eq((int)spool_recover(&spool), 1);
    ck_assert(there(SPOOL_DEFERRED, "both") && !there(SPOOL_TMP, "both"));
    ck_assert(!there(SPOOL_NEW, "both"));
    ck_assert(there(SPOOL_NEW, "whole") && !there(SPOOL_TMP, "whole"));
    ck_assert(there(SPOOL_TMP, "torn") && there(SPOOL_TMP, "spoilt") && there(SPOOL_TMP, "empty"));
    ck_assert(there(SPOOL_TMP, "two")); /* its writer flushes new/ before the 250 */
    ck_assert_int_eq(spool_sweep_tmp(&spool, 3600000), 0);
    ck_assert(there(SPOOL_TMP, "empty"));
    ck_assert_int_eq(spool_sweep_tmp(&spool, 0), 0);
    ck_assert(!there(SPOOL_TMP, "empty") && !there(SPOOL_TMP, "two.env"));
    ck_assert(there(SPOOL_NEW, "whole"));
}
END_TEST

START_TEST(removal_leaves_a_way_to_cut_the_mailboxes_file)
{
    struct stat st;
    int fd;

    touch(SPOOL_ACTIVE, "m");
    touch(SPOOL_ACTIVE, "m.env");
    fd = openat(spool.fds[SPOOL_ACTIVE], "m", O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    (void)close(fd);
    ck_assert_int_eq(linkat(spool.fds[SPOOL_ACTIVE], "m", spool.dirfd, "mailbox", 0), 0);
    ck_assert_int_eq(spool_remove(&spool, SPOOL_ACTIVE, "m", SPOOL_ENV, &fd), 0);
    ck_assert_int_eq(ftruncate(fd, 60), 0);
    (void)close(fd);
    ck_assert(!there(SPOOL_ACTIVE, "m") && !there(SPOOL_ACTIVE, "m.env"));
    ck_assert_int_eq(fstatat(spool.dirfd, "mailbox", &st, 0), 0);
    ck_assert_int_eq((int)st.st_size, 60);
}
END_TEST

START_TEST(scan_takes_messages_only_and_starts_again)
{
    struct spool_scan scan;

    touch(SPOOL_NEW, "m1");
    touch(SPOOL_NEW, "m1.env");
    touch(SPOOL_NEW, "not-an-id");
    ck_assert_int_eq(spool_scan_open(&scan, &spool, SPOOL_NEW), 0);
    for (int pass = 0; pass < 2; pass++) {
        ck_assert_str_eq(spool_scan_next(&scan), "m1");
        ck_assert_ptr_null(spool_scan_next(&scan));
        ck_assert(scan.at_end);
    }
    spool_scan_close(&scan);
}
END_TEST

static struct slice
some_records(struct strbuf *out)
{
    queue_log_encode(out, &(struct queue_log_entry){.kind = QUEUE_LOG_WAIT,
                                                    .time_ms = 1,
                                                    .address = SLICE("b@d.test"),
                                                    .text = SLICE("first")});
    queue_log_encode(out, &(struct queue_log_entry){
                              .kind = QUEUE_LOG_DONE, .time_ms = 2, .address = SLICE("a@d.test")});
    queue_log_encode(out, &(struct queue_log_entry){.kind = QUEUE_LOG_WAIT,
                                                    .time_ms = 3,
                                                    .address = SLICE("b@d.test"),
                                                    .text = SLICE("second")});
    queue_log_encode(out, &(struct queue_log_entry){
                              .kind = QUEUE_LOG_ROUND, .time_ms = 4, .round = 2, .next_ms = 99});
    return strbuf_slice(out);
}

START_TEST(log_says_the_last_word_of_each)
{
    struct strbuf records = strbuf_new(10000);
    struct queue_log log;
    uint64_t length = 0;

    ck_assert_int_eq(
        queue_log_append(spool.fds[SPOOL_ACTIVE], "m", &length, some_records(&records), true), 0);
    ck_assert_uint_eq(length, records.len);
    ck_assert_int_eq(queue_log_load(spool.fds[SPOOL_ACTIVE], "m", &log), 0);
    ck_assert_uint_eq(log.rcpt_count, 2);
    ck_assert(slice_eq(queue_log_find(&log, SLICE("b@d.test"))->text, SLICE("second")));
    ck_assert_int_eq(queue_log_find(&log, SLICE("a@d.test"))->kind, QUEUE_LOG_DONE);
    ck_assert_ptr_null(queue_log_find(&log, SLICE("c@d.test")));
    ck_assert(log.round == 2 && log.next_ms == 99 && log.last_ms == 4);
    queue_log_free(&log);
    ck_assert_int_eq(queue_log_load(spool.fds[SPOOL_ACTIVE], "none", &log), 0);
    ck_assert_uint_eq(log.bytes.len, 0);
    strbuf_free(&records);
}
END_TEST

/* Each torn length gives a prefix of the records, and the next append goes on behind it. */
START_TEST(torn_log_ends_before_the_tear)
{
    struct strbuf records = strbuf_new(10000);
    struct slice all = some_records(&records);

    for (size_t cut = 0; cut < all.len; cut++) {
        struct queue_log log;
        uint64_t length = 0;

        ck_assert_int_eq(
            queue_log_append(spool.fds[SPOOL_ACTIVE], "m", &length, slice_sub(all, 0, cut), false),
            0);
        ck_assert_int_eq(queue_log_load(spool.fds[SPOOL_ACTIVE], "m", &log), 0);
        ck_assert_uint_le(log.bytes.len, cut);
        ck_assert_uint_eq(log.round, 0);
        length = log.bytes.len;
        queue_log_free(&log);
        ck_assert_int_eq(queue_log_append(spool.fds[SPOOL_ACTIVE], "m", &length, all, false), 0);
        ck_assert_int_eq(queue_log_load(spool.fds[SPOOL_ACTIVE], "m", &log), 0);
        ck_assert_uint_eq(log.round, 2);
        queue_log_free(&log);
    }
    strbuf_free(&records);
}
END_TEST

/* A record that was changed on disk ends the log, and says nothing itself. */
START_TEST(damaged_log_ends_before_the_damage)
{
    struct strbuf records = strbuf_new(10000);
    struct slice all = some_records(&records);
    uint64_t length = 0;
    struct queue_log log;

    records.ptr[all.len - 1] ^= 1; /* the round's next attempt */
    ck_assert_int_eq(queue_log_append(spool.fds[SPOOL_ACTIVE], "m", &length, all, false), 0);
    ck_assert_int_eq(queue_log_load(spool.fds[SPOOL_ACTIVE], "m", &log), 0);
    ck_assert_uint_lt(log.bytes.len, all.len);
    queue_log_free(&log);
    strbuf_free(&records);
}
END_TEST

/* Oldest first, each once, in whatever state it is, also when it moves meanwhile. */
START_TEST(list_has_every_message_once)
{
    struct queue_filter all = {.states = 0}, held = {.states = 1u << SPOOL_HOLD};
    struct strbuf objects = strbuf_new(1u << 20);
    struct object_field fields[OBJECT_FIELDS_MAX];
    struct queue_found *found;
    struct slice rest;
    char id[QUEUE_ID_SIZE];
    size_t count;
    int listed = 0;

    for (int i = 0; i < 450; i++) {
        (void)snprintf(id, sizeof(id), "m%04d", i * 7 % 450);
        put_message(id, 1);
        if (i % 3 == 0)
            ck_assert_int_eq(spool_move(&spool, id, SPOOL_NEW, SPOOL_DEFERRED, 0), 0);
    }
    ck_assert_int_eq(queue_list_find(&spool, &held, &found, &count), 0);
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(queue_list_find(&spool, &all, &found, &count), 0);
    ck_assert_uint_eq(count, 450);
    ck_assert_int_eq(spool_move(&spool, "m0000", SPOOL_DEFERRED, SPOOL_HOLD, 0), 0);
    for (size_t i = 0; i < count; i++)
        ck_assert(queue_list_add(&spool, &found[i], &all, &objects));
    xfree(&found);
    rest = strbuf_slice(&objects);
    for (int n; (n = object_next(&rest, fields)) > 0; listed++) {
        (void)snprintf(id, sizeof(id), "m%04d", listed);
        ck_assert(slice_eq(object_get(fields, (uint32_t)n, "id"), slice_of(id)));
    }
    ck_assert_int_eq(listed, 450);
    strbuf_free(&objects);
}
END_TEST

START_TEST(id_says_when_it_was_made)
{
    char id[QUEUE_ID_SIZE];
    int64_t now = clock_real_ms();

    queue_id_make(id);
    ck_assert_int_ge((int)(queue_id_time_ms(id) - now), 0);
    ck_assert_int_le((int)(queue_id_time_ms(id) - now), 1000);
    ck_assert_int_eq((int)queue_id_time_ms("m0001"), -1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("spool");
    TCase *tc = tcase_create("spool");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60); /* hundreds of flushes */
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, missing_directories_are_made_again);
    tcase_add_test(tc, failed_move_puts_everything_back);
    tcase_add_test(tc, recovery_brings_the_pieces_together);
    tcase_add_test(tc, tidying_joins_what_waits);
    tcase_add_test(tc, recovery_accepts_what_is_whole_in_tmp);
    tcase_add_test(tc, removal_leaves_a_way_to_cut_the_mailboxes_file);
    tcase_add_test(tc, scan_takes_messages_only_and_starts_again);
    tcase_add_test(tc, log_says_the_last_word_of_each);
    tcase_add_test(tc, torn_log_ends_before_the_tear);
    tcase_add_test(tc, damaged_log_ends_before_the_damage);
    tcase_add_test(tc, list_has_every_message_once);
    tcase_add_test(tc, id_says_when_it_was_made);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
