/*
 * t/unit/test_fts_crash.c - lib/fts: damaged, cut off, killed, out of space, it gives no wrong
 * answer.
 */
#include <signal.h>
#include <string.h>

#include "lib/base/io.h"
#include "t/unit/crash_point.h"
#include "t/unit/flush_watch.h"
#include "t/unit/fts_test.h"

static size_t
index_size(void)
{
    struct stat st;

    ck_assert_int_eq(fstatat(dir_fd, INDEX, &st, 0), 0);
    return (size_t)st.st_size;
}

static void
flip(size_t at)
{
    int fd = openat(dir_fd, INDEX, O_RDWR | O_CLOEXEC);
    char c;

    ck_assert_int_eq(pread(fd, &c, 1, (off_t)at), 1);
    c ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)at), 1);
    (void)close(fd);
}

/* Whatever is wrong with the file, what is answered is right, and the next writer has a whole one.
 */
static void
check_and_mend(void)
{
    (void)check_answers();
    ck_assert(try_index_up_to(100) == 0 || errno == EBADMSG);
    if (last_uid() != 99)
        index_up_to(100); /* it was found damaged while it was written to */
    ck_assert_uint_eq(last_uid(), 99);
    ck_assert_uint_gt(check_answers(), NEEDLES / 2);
}

START_TEST(a_flipped_bit_anywhere_gives_no_wrong_answer)
{
    const size_t step = 2039; /* two in each page */

    index_up_to(100);
    for (size_t at = 0; at < index_size(); at += step) {
        flip(at);
        check_and_mend();
    }
}
END_TEST

static void
cut(size_t len)
{
    int fd = openat(dir_fd, INDEX, O_RDWR | O_CLOEXEC);

    ck_assert_uint_gt(index_size(), len);
    ck_assert_int_eq(ftruncate(fd, (off_t)len), 0);
    (void)close(fd);
}

START_TEST(a_file_cut_off_gives_no_wrong_answer)
{
    for (size_t len = 0; len < 20000; len += 1500) {
        index_up_to(100);
        cut(len);
        check_and_mend();
    }
}
END_TEST

START_TEST(a_foreign_file_is_replaced)
{
    ck_assert_int_eq(replace_file(dir_fd, INDEX, SLICE("what is this?"), 0600), 0);
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    check_and_mend();
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    ck_assert_int_eq(replace_file(dir_fd, "victim", SLICE("precious"), 0600), 0);
    ck_assert_int_eq(symlinkat("victim", dir_fd, INDEX), 0);
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(errno, ELOOP);
}
END_TEST

static void
add_fifty(void *arg)
{
    (void)arg;
    _exit(try_index_up_to(150) == 0 ? 0 : 1);
}

/* Before, messages up to `first` are in the index; 0: there is none. */
static void
crash_everywhere(enum crash_kind kind, uint32_t first)
{
    uint32_t last = first == 0 ? 0 : first - 1;
    int status, at = 1;

    for (;; at++) {
        (void)unlinkat(dir_fd, INDEX, 0);
        if (first > 0)
            index_up_to(first);
        if (crash_run(add_fifty, NULL, kind, at, &status) < at)
            break;
        ck_assert_int_ne(status, 0);
        (void)check_answers(); /* or none: there is something to roll back */
        index_up_to(first);
        ck_assert_msg(last_uid() == last || last_uid() == 149, "call %d: %u", at, last_uid());
        index_up_to(150);
        ck_assert_uint_gt(check_answers(), NEEDLES / 2);
    }
    ck_assert_int_eq(status, 0);
    ck_assert_int_gt(at, 5);
}

static const struct {
    enum crash_kind kind;
    uint32_t first;
} crashes[] = {{CRASH_KILL, 0}, {CRASH_KILL, 100}, {CRASH_ENOSPC, 0}, {CRASH_ENOSPC, 100}};

START_TEST(stopped_at_any_call_it_has_the_last_commit)
{
    crash_everywhere(crashes[_i].kind, crashes[_i].first);
}
END_TEST

static bool
fts_open_fails_with(int error)
{
    struct fts *fts = fts_open(&folder, FTS_READ);
    bool fails = fts == NULL && errno == error;

    fts_close(&fts);
    return fails;
}

/* Many more pages than the cache holds: the file is changed before the commit ends. */
static void
add_much(void *arg)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    struct strbuf text = strbuf_new(1 << 20);
    uint64_t random = 1;

    (void)arg;
    for (uint32_t uid = 101; fts != NULL && uid < 6000 && !fts_batch_full(fts); uid += 2) {
        strbuf_clear(&text);
        (void)strbuf_str(&text, "\r\n");
        for (unsigned i = 0; i < 6000; i++, random = random * 6364136223846793005 + 1)
            (void)strbuf_char(&text, (char)('a' + (random >> 33) % 26));
        if (add(fts, uid, strbuf_slice(&text)) < 0)
            _exit(1);
    }
    _exit(fts != NULL && fts_commit(fts) == 0 ? 0 : 1);
}

/* Between the flush of the journal and the end of the commit. */
START_TEST(killed_in_the_middle_it_rolls_back)
{
    unsigned rolled_back = 0;
    int status, at = 40;

    for (;; at += 97) {
        index_up_to(100);
        if (crash_run(add_much, NULL, CRASH_KILL, at, &status) < at)
            break;
        if (fts_open_fails_with(EAGAIN))
            rolled_back++;
        index_up_to(100);
        ck_assert_uint_eq(last_uid(), 99);
        ck_assert_uint_gt(check_answers(), NEEDLES / 2);
    }
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(rolled_back, 0);
}
END_TEST

/* A power cut in the middle of a batch: a journal that is on disk without its name rolls nothing
 * back. The index itself may lose its name, it is built again then. */
START_TEST(the_journal_has_its_name_on_disk)
{
    static const char *const loose[] = {INDEX, NULL};
    struct flush_watch w = {.loose_at_end = loose};

    flush_run(&w, add_fifty, NULL);
    ck_assert_int_eq(w.exit_status, 0);
    ck_assert_str_eq(w.trouble, "");
    ck_assert_str_eq(w.open, "");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fts_crash");
    TCase *tc = tcase_create("fts_crash");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, a_flipped_bit_anywhere_gives_no_wrong_answer);
    tcase_add_test(tc, a_file_cut_off_gives_no_wrong_answer);
    tcase_add_test(tc, a_foreign_file_is_replaced);
    tcase_add_test(tc, a_link_is_not_followed);
    tcase_add_loop_test(tc, stopped_at_any_call_it_has_the_last_commit, 0, (int)ARRAY_LEN(crashes));
    tcase_add_test(tc, killed_in_the_middle_it_rolls_back);
    tcase_add_test(tc, the_journal_has_its_name_on_disk);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
