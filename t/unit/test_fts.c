/*
 * t/unit/test_fts.c - lib/fts: no match is missed, whatever happens to the index.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/fts/fts.h"
#include "lib/mail/text_search.h"
#include "lib/mail/utf8.h"
#include "lib/sys/sandbox.h"
#include "t/unit/crash_point.h"
#include "t/unit/scratch.h"
#include "t/unit/search_messages.h"

#define INDEX "posthorn.fts"
#define UIDVALIDITY 1700000000u
#define SOME_UID 64321

enum { KINDS = ARRAY_LEN(search_messages), NEEDLES = ARRAY_LEN(search_needles) };

static struct fts_folder folder;
static int dir_fd = -1;

static void
begin(void)
{
    ck_assert_ptr_nonnull(scratch_make());
    dir_fd = open(scratch_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(dir_fd, 0);
    folder = (struct fts_folder){.dirfd = dir_fd, .uidvalidity = UIDVALIDITY};
}

static void
end(void)
{
    (void)close(dir_fd);
    scratch_remove();
}

/* ---- a folder: the message with UID n is search_messages[n % KINDS]; only odd UIDs exist ---- */

static int
add(struct fts *fts, uint32_t uid, struct slice text)
{
    struct mime m;
    int rc;

    mime_parse(text, &m);
    rc = fts_add(fts, uid, &m);
    mime_free(&m);
    return rc;
}

/* One session's work: what is new up to `last`, as one batch. 0, or -1. */
static int
try_index_up_to(uint32_t last)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    int rc = 0;

    if (fts == NULL)
        return -1;
    for (uint32_t uid = fts_last_uid(fts) + 1; rc == 0 && uid <= last; uid++)
        if (uid % 2 == 1)
            rc = add(fts, uid, slice_of(search_messages[uid % KINDS].text));
    if (rc == 0)
        rc = fts_commit(fts);
    fts_close(&fts);
    return rc;
}

static void
index_up_to(uint32_t last)
{
    ck_assert_int_eq(try_index_up_to(last), 0);
}

static bool
is_candidate(const struct fts_uids *uids, uint32_t uid)
{
    for (size_t i = 0; i < uids->count; i++)
        if (uids->uids[i] == uid)
            return true;
    return false;
}

static enum fts_answer
ask(struct fts *fts, const char *needle, struct fts_uids *uids)
{
    struct strbuf folded = strbuf_new(100000);
    enum fts_answer answer;

    ck_assert(utf8_fold(slice_of(needle), &folded));
    answer = fts_query(fts, strbuf_slice(&folded), uids);
    strbuf_free(&folded);
    for (size_t i = 1; i < uids->count; i++)
        ck_assert_uint_lt(uids->uids[i - 1], uids->uids[i]);
    return answer;
}

static bool
matches(size_t kind, const char *needle)
{
    struct strbuf folded = strbuf_new(1000);
    struct mime m;
    bool found;

    ck_assert(utf8_fold(slice_of(needle), &folded));
    mime_parse(slice_of(search_messages[kind].text), &m);
    found = text_search_message(&m, strbuf_slice(&folded), true);
    mime_free(&m);
    strbuf_free(&folded);
    return found;
}

/* Asks for every needle; returns how many answers there were (the rest is to be scanned). */
static unsigned
check_answers(void)
{
    struct fts *fts = fts_open(&folder, FTS_READ);
    unsigned answers = 0;

    for (size_t i = 0; fts != NULL && i < NEEDLES; i++) {
        struct fts_uids uids;

        if (ask(fts, search_needles[i], &uids) == FTS_CANDIDATES) {
            answers++;
            for (uint32_t uid = 1; uid <= fts_last_uid(fts); uid += 2)
                ck_assert_msg(!matches(uid % KINDS, search_needles[i]) || is_candidate(&uids, uid),
                              "uid %u, %s", uid, search_needles[i]);
        }
        free(uids.uids);
    }
    fts_close(&fts);
    return answers;
}

static uint32_t
last_uid(void)
{
    struct fts *fts = fts_open(&folder, FTS_READ);
    uint32_t last = fts == NULL ? 0 : fts_last_uid(fts);
    fts_close(&fts);
    return last;
}

/* ---- answers ---- */

START_TEST(every_match_is_a_candidate)
{
    index_up_to(200);
    ck_assert_uint_eq(last_uid(), 199);
    ck_assert_uint_gt(check_answers(), NEEDLES / 2);
}
END_TEST

START_TEST(few_others_are)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(200);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "nothing of the kind", &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 0);
    free(uids.uids);
    ck_assert_int_eq(ask(fts, "服务器", &uids), FTS_CANDIDATES);
    for (size_t i = 0; i < uids.count; i++)
        ck_assert(uids.uids[i] % KINDS == 1 || uids.uids[i] % KINDS == SEARCH_NAMES);
    free(uids.uids);
    fts_close(&fts);
}
END_TEST

START_TEST(a_name_that_only_escapes_show_is_found)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(20);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "für März.pdf", &uids), FTS_CANDIDATES);
    ck_assert(is_candidate(&uids, KINDS + SEARCH_NAMES));
    free(uids.uids);
    fts_close(&fts);
}
END_TEST

static const char *const undecided[] = {"", "a", "ab", "a-b c.d", "--", " ", "äö", "…", "\xff\xfe"};

START_TEST(what_has_no_gram_is_for_a_scan)
{
    struct fts *fts;
    struct fts_uids uids;

    index_up_to(20);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, undecided[_i], &uids), FTS_UNDECIDED);
    ck_assert_ptr_null(uids.uids);
    fts_close(&fts);
}
END_TEST

START_TEST(a_long_string_is_fine)
{
    struct strbuf needle = strbuf_new(1 << 20);
    struct fts *fts;
    struct fts_uids uids;

    ck_assert(strbuf_str(&needle, "\r\n"));
    for (unsigned i = 0; i < 5000; i++)
        ck_assert(strbuf_printf(&needle, "word%u ", i));
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 3, strbuf_slice(&needle)), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, strbuf_cstr(&needle), &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 1);
    free(uids.uids);
    fts_close(&fts);
    strbuf_free(&needle);
}
END_TEST

/* Too much text, not readable: never excluded, and in order among the others. */
START_TEST(what_cannot_be_indexed_is_always_a_candidate)
{
    struct strbuf text = strbuf_new(4 << 20);
    struct fts *fts;
    struct fts_uids uids;

    ck_assert(strbuf_str(&text, "\r\n"));
    while (text.len <= FTS_TEXT_MAX)
        ck_assert(strbuf_str(&text, "many words and little sense "));
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 1, slice_of("\r\nneedle\r\n")), 0);
    ck_assert_int_eq(add(fts, 2, strbuf_slice(&text)), 0);
    ck_assert_int_eq(add(fts, 3, slice_of("\r\nneedle\r\n")), 0);
    ck_assert_int_eq(fts_add_unread(fts, 7), 0);
    ck_assert_int_eq(add(fts, 8, slice_of("\r\nhaystack\r\n")), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    fts = fts_open(&folder, FTS_READ);
    ck_assert_int_eq(ask(fts, "needle", &uids), FTS_CANDIDATES);
    ck_assert_uint_eq(uids.count, 4);
    ck_assert_uint_eq(uids.uids[1], 2);
    ck_assert_uint_eq(uids.uids[3], 7);
    free(uids.uids);
    fts_close(&fts);
    strbuf_free(&text);
}
END_TEST

/* ---- sessions ---- */

START_TEST(sessions_go_on_where_others_ended)
{
    for (uint32_t last = 10; last <= 400; last += 10)
        index_up_to(last);
    ck_assert_uint_eq(last_uid(), 399);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(there_is_none_before_somebody_made_one)
{
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(faccessat(dir_fd, INDEX, F_OK, 0), -1);
}
END_TEST

START_TEST(where_nothing_may_be_written_it_is_only_asked)
{
    index_up_to(50);
    folder.read_only = true;
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(errno, EROFS);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(another_uidvalidity_is_another_folder)
{
    index_up_to(50);
    folder.uidvalidity++;
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    ck_assert_int_eq(errno, ENOENT);
    index_up_to(10);
    ck_assert_uint_eq(last_uid(), 9);
}
END_TEST

START_TEST(what_is_not_committed_never_was)
{
    struct fts *fts;

    index_up_to(50);
    fts = fts_open(&folder, FTS_WRITE);
    ck_assert_int_eq(add(fts, 51, slice_of("\r\nforgotten\r\n")), 0);
    fts_close(&fts);
    ck_assert_uint_eq(last_uid(), 49);
    ck_assert_uint_gt(check_answers(), 0);
}
END_TEST

START_TEST(a_worn_index_starts_anew)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);

    for (uint32_t uid = 1; uid <= 3000; uid++)
        ck_assert_int_eq(add(fts, uid, slice_of("\r\nshort\r\n")), 0);
    ck_assert(!fts_is_worn(fts, 3000));
    ck_assert(!fts_is_worn(fts, 2001)); /* 999 dead are not worth it */
    ck_assert(fts_is_worn(fts, 2000));
    ck_assert_int_eq(fts_empty(fts), 0);
    ck_assert_uint_eq(fts_last_uid(fts), 0);
    ck_assert_int_eq(add(fts, 2000, slice_of("\r\nshort\r\n")), 0);
    ck_assert_int_eq(fts_commit(fts), 0);
    fts_close(&fts);
    ck_assert_uint_eq(last_uid(), 2000);
}
END_TEST

START_TEST(a_batch_ends)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    uint32_t uid = 0;

    while (!fts_batch_full(fts))
        ck_assert_int_eq(add(fts, ++uid, slice_of("\r\n\r\n")), 0);
    ck_assert_uint_eq(uid, FTS_BATCH_MESSAGES);
    fts_close(&fts);
}
END_TEST

/* A child that holds the index for writing until it is told to commit. */
static pid_t
start_writer(int *tell)
{
    int ready[2], go[2];
    char byte;
    pid_t pid;

    ck_assert(pipe(ready) == 0 && pipe(go) == 0);
    pid = fork();
    if (pid == 0) {
        struct fts *fts = fts_open(&folder, FTS_WRITE);

        if (fts == NULL || add(fts, 51, slice_of("\r\nlate\r\n")) < 0 ||
            write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1 || fts_commit(fts) < 0)
            _exit(1);
        fts_close(&fts);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    *tell = go[1];
    return pid;
}

START_TEST(one_writes_and_others_wait_for_its_batch)
{
    int tell, status;
    pid_t pid;

    index_up_to(50);
    pid = start_writer(&tell);
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(errno, EWOULDBLOCK);
    ck_assert_ptr_null(fts_open(&folder, FTS_READ)); /* after FTS_WAIT_MS */
    ck_assert_int_eq(errno, EWOULDBLOCK);
    ck_assert_int_eq(write(tell, "g", 1), 1);
    ck_assert_uint_eq(last_uid(), 51); /* waits for the end of the batch */
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(readers_do_not_wait_for_each_other)
{
    struct fts *first, *second;
    struct fts_uids uids;

    index_up_to(50);
    first = fts_open(&folder, FTS_READ);
    second = fts_open(&folder, FTS_READ);
    ck_assert(first != NULL && second != NULL);
    ck_assert_ptr_null(fts_open(&folder, FTS_WRITE));
    ck_assert_int_eq(ask(second, "world", &uids), FTS_CANDIDATES);
    free(uids.uids);
    fts_close(&second);
    fts_close(&first);
    index_up_to(60);
}
END_TEST

/* What the allocator keeps for later has an end; an index that stays open has none. */
START_TEST(memory_goes_with_the_index)
{
    size_t before, after;

    index_up_to(50);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (unsigned round = 0; round < 100; round++)
        ck_assert(last_uid() == 49 && try_index_up_to(50) == 0);
    after = mallinfo2().uordblks + mallinfo2().hblkhd;
    ck_assert_msg(after < before + 100000, "%zu, then %zu", before, after);
}
END_TEST

/* ---- damage and crashes ---- */

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

/* Many more pages than the cache holds: the file is changed before the commit. */
static void
add_much(void *arg)
{
    struct fts *fts = fts_open(&folder, FTS_WRITE);
    struct strbuf text = strbuf_new(1 << 20);
    uint64_t random = 1;

    (void)arg;
    for (uint32_t uid = 101; uid < 6000; uid += 2) {
        strbuf_clear(&text);
        (void)strbuf_str(&text, "\r\n");
        for (unsigned i = 0; i < 6000; i++, random = random * 6364136223846793005 + 1)
            (void)strbuf_char(&text, (char)('a' + (random >> 33) % 26));
        if (fts == NULL || add(fts, uid, strbuf_slice(&text)) < 0)
            _exit(1);
    }
    (void)raise(SIGKILL);
}

START_TEST(killed_in_the_middle_it_rolls_back)
{
    struct stat st;
    int status;

    index_up_to(100);
    (void)crash_run(add_much, NULL, CRASH_NONE, 0, &status);
    ck_assert_int_eq(status, -1);
    ck_assert_int_eq(fstatat(dir_fd, INDEX "-journal", &st, 0), 0);
    ck_assert_int_gt(st.st_size, 0);
    ck_assert_ptr_null(fts_open(&folder, FTS_READ));
    ck_assert_int_eq(errno, EAGAIN);
    index_up_to(100);
    ck_assert_uint_eq(last_uid(), 99);
    ck_assert_uint_gt(check_answers(), NEEDLES / 2);
}
END_TEST

/* ---- where a session lives ---- */

static int
work_in_sandbox(int empty_fd)
{
    const struct sandbox box = {
        .uid = SOME_UID,
        .gid = SOME_UID,
        .chroot_fd = empty_fd,
        .landlock = true,
        .dirs = {{dir_fd, SANDBOX_READ | SANDBOX_WRITE}},
        .dir_count = 1,
        .calls = SANDBOX_FILES | SANDBOX_RESTRICT,
    };

    if (sandbox_enter(&box) < 0)
        return 2;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        return 3;
    index_up_to(50);
    index_up_to(100);
    if (last_uid() != 99 || check_answers() < NEEDLES / 2)
        return 4;
    return 0;
}

START_TEST(it_works_in_a_sandbox_with_a_descriptor_alone)
{
    int status, empty_fd;
    pid_t pid;

    ck_assert_int_eq(mkdirat(dir_fd, "empty", 0555), 0);
    empty_fd = openat(dir_fd, "empty", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_eq(fchmod(dir_fd, 0777), 0);
    pid = fork();
    if (pid == 0)
        _exit(work_in_sandbox(empty_fd));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(status == 0, "status %x", (unsigned)status);
    (void)close(empty_fd);
    ck_assert_int_eq(chown(scratch_dir, geteuid(), getegid()), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fts");
    TCase *tc = tcase_create("fts");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, begin, end);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, every_match_is_a_candidate);
    tcase_add_test(tc, few_others_are);
    tcase_add_test(tc, a_name_that_only_escapes_show_is_found);
    tcase_add_loop_test(tc, what_has_no_gram_is_for_a_scan, 0, (int)ARRAY_LEN(undecided));
    tcase_add_test(tc, a_long_string_is_fine);
    tcase_add_test(tc, what_cannot_be_indexed_is_always_a_candidate);
    tcase_add_test(tc, sessions_go_on_where_others_ended);
    tcase_add_test(tc, there_is_none_before_somebody_made_one);
    tcase_add_test(tc, where_nothing_may_be_written_it_is_only_asked);
    tcase_add_test(tc, another_uidvalidity_is_another_folder);
    tcase_add_test(tc, what_is_not_committed_never_was);
    tcase_add_test(tc, a_worn_index_starts_anew);
    tcase_add_test(tc, a_batch_ends);
    tcase_add_test(tc, one_writes_and_others_wait_for_its_batch);
    tcase_add_test(tc, readers_do_not_wait_for_each_other);
    tcase_add_test(tc, memory_goes_with_the_index);
    tcase_add_test(tc, a_flipped_bit_anywhere_gives_no_wrong_answer);
    tcase_add_test(tc, a_file_cut_off_gives_no_wrong_answer);
    tcase_add_test(tc, a_foreign_file_is_replaced);
    tcase_add_test(tc, a_link_is_not_followed);
    tcase_add_loop_test(tc, stopped_at_any_call_it_has_the_last_commit, 0, (int)ARRAY_LEN(crashes));
    tcase_add_test(tc, killed_in_the_middle_it_rolls_back);
    tcase_add_test(tc, it_works_in_a_sandbox_with_a_descriptor_alone);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
